// One person's call into a group room's conference: an ordinary 1:1 call to the room's focus user.
// Nothing here knows of pages, and nothing asks more of the focus than any 1:1 call asks of a callee.

import { ClientEvent, EventType, RoomEvent, createNewMatrixCall } from "matrix-js-sdk";
import { CallEvent, CallState } from "matrix-js-sdk/lib/webrtc/call.js";
import { SDPStreamMetadataPurpose } from "matrix-js-sdk/lib/webrtc/callEventTypes.js";
import { CallFeed, CallFeedEvent } from "matrix-js-sdk/lib/webrtc/callFeed.js";

import { createDirectRoom, findDirectRoom, inviteFocus } from "./call/rooms.js";

/** Why a conference can't be joined: `fault` is a word for programs, the message one for people. */
export class JoinError extends Error {
  /**
   * @param {"busy" | "not_invited" | "no_room" | "no_voip" | "ended" | "timeout"} fault
   * @param {string} message
   * @param {object} [options] as for `Error`
   */
  constructor(fault, message, options) {
    super(message, options);
    this.name = "JoinError";
    this.fault = fault;
  }
}

/**
 * @typedef {object} JoinRequest
 * @property {string} groupRoomId
 * @property {string} focusUserId
 * @property {boolean} [camera] call with pictures of oneself from the first offer on
 * @property {boolean} [watch] ask for pictures also without sending any, once the call is connected
 * @property {boolean} [inviteFocus] invite the focus user to the group room if it isn't there (default true)
 * @property {number} [inviteToCallMs] for tests of a focus: make a new 1:1 room and invite the focus user to it
 *   only this many milliseconds before the call's invite (request to request), as the quickest of clients would
 */

/** @typedef {"speaker" | "grid" | "auto"} Layout */

/**
 * Events: `state` (the call's state changed, or what one sends, or whether there is something to see), `stream` (`detail.stream`: sound and pictures to play, or
 * null), `screen` (`detail.stream`: a screen that somebody shares, or null), `notice` (`detail`: what the focus user said in the 1:1 room), `log` (`detail`: one line of `log`).
 */
export class ConferenceCall extends EventTarget {
  #client;
  #openSound;
  #openCamera;
  /** @type {import("matrix-js-sdk").MatrixCall | null} */
  #call = null;
  #remoteStream = null;
  #remoteFeed = null;
  #remoteScreen = null;
  #watches = false;
  #wasConnected = false;
  #startedAt = 0;
  #focusUserId = null;
  /** The join under way; another value means that its caller has left or has joined anew. */
  #attempt = 0;

  /**
   * @param {import("matrix-js-sdk").MatrixClient} client a client that has synced
   * @param {import("./call/microphone.js").SoundSource} openSound
   * @param {import("./call/camera.js").PictureSource} [openCamera] without it there is no camera
   */
  constructor(client, openSound, openCamera = async () => ({ track: null, problem: "missing" })) {
    super();
    this.#client = client;
    this.#openSound = openSound;
    this.#openCamera = openCamera;
    this.#reset();
    client.on(RoomEvent.Timeline, (event, room, toStart, _removed, data) => {
      if (!toStart && data?.liveEvent) this.#onEvent(event, room);
    });
    client.on(ClientEvent.ReceivedVoipEvent, (event) => this.#onVoipEvent(event));
  }

  #reset() {
    /** `idle`, then the states of matrix-js-sdk: `wait_local_media`, `create_offer`, `invite_sent`, `connecting`,
     * `connected`, `ended`. */
    this.state = "idle";
    /** The 1:1 room. @type {string | null} */
    this.roomId = null;
    /** @type {string | null} */
    this.callId = null;
    /** Milliseconds from the join to the first time that it was connected. @type {number | null} */
    this.connectedMs = null;
    /** Who ended the call. @type {"local" | "remote" | null} */
    this.hangupParty = null;
    /** A reason of `m.call.hangup`, or one of matrix-js-sdk's own. @type {string | null} */
    this.hangupReason = null;
    /** The focus refused the call (`m.call.reject`). */
    this.rejected = false;
    /** What the focus user said in the 1:1 room since the join. @type {string[]} */
    this.notices = [];
    /** What happened when. @type {{ms: number, what: string}[]} */
    this.log = [];
    /** Why there is no microphone, if there is none. @type {string | null} */
    this.soundProblem = null;
    /** Why there is no camera, if one was wanted and there is none. @type {string | null} */
    this.cameraProblem = null;
    this.muted = false;
    /** Pictures of oneself are sent. */
    this.camera = false;
    /** One's screen is shared. */
    this.screen = false;
    this.#call = null;
    this.#watches = false;
    this.#wasConnected = false;
    this.#followFeed(null);
    this.#setStream(null);
    this.#setScreenStream(null);
  }

  /** Whether media was there and is interrupted now. */
  get reconnecting() {
    return this.#wasConnected && this.state === CallState.Connecting;
  }

  /** Whether a call is on its way or running. */
  get active() {
    return this.state !== "idle" && this.state !== CallState.Ended;
  }

  /** The sound to play, and the pictures. @type {MediaStream | null} */
  get remoteStream() {
    return this.#remoteStream;
  }

  /** The focus says that there is nothing to see, or has no line for pictures. */
  get dark() {
    return this.#remoteFeed?.isVideoMuted() ?? true;
  }

  /** What one sends oneself. @type {MediaStream | null} */
  get ownStream() {
    return this.#call?.localUsermediaStream ?? null;
  }

  /** A screen that somebody shares. @type {MediaStream | null} */
  get remoteScreen() {
    return this.#remoteScreen;
  }

  /** The connection, for statistics. @type {RTCPeerConnection | null} */
  get connection() {
    return this.#call?.peerConn ?? null;
  }

  /** The moment of the join, in milliseconds of `performance.now()`. */
  get startedAt() {
    return this.#startedAt;
  }

  /**
   * Calls the focus user. Returns when the call is placed; what becomes of it is told by events.
   *
   * @param {JoinRequest} request
   * @throws {JoinError}
   */
  async join(request) {
    if (this.active) throw new JoinError("busy", "There is a call already.");
    this.#reset();
    const attempt = ++this.#attempt;
    this.#startedAt = performance.now();
    this.#focusUserId = request.focusUserId;
    this.#setState(CallState.WaitLocalMedia);
    let sound = null;
    try {
      // A person may take long to allow the microphone; nobody is called before.
      sound = await this.#openSound();
      if (attempt !== this.#attempt) return;
      this.soundProblem = sound.problem;
      this.muted = sound.silent;
      if (request.camera) {
        const { track, problem } = await this.#openCamera();
        if (attempt !== this.#attempt) return track?.stop();
        this.cameraProblem = problem;
        if (track) sound.stream.addTrack(track);
        this.camera = track !== null;
      }
      this.#watches = request.watch ?? false;
      await this.#callFrom(sound.stream, request, attempt);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#end("local", error.fault ?? "signalling_failed");
      throw error;
    } finally {
      // From the moment it is placed, the call itself stops the tracks.
      if (sound && attempt !== this.#attempt) stopTracks(sound.stream);
    }
  }

  async #callFrom(stream, request, attempt) {
    const { groupRoomId, focusUserId, inviteToCallMs } = request;
    if (request.inviteFocus ?? true) {
      const sent = await inviteFocus(this.#client, groupRoomId, focusUserId).catch((cause) => {
        throw new JoinError("not_invited", "The focus could not be invited to this room.", { cause });
      });
      this.#note(sent ? "focus user invited to the group room" : "focus user is in the group room or invited");
    }
    const hurried = inviteToCallMs !== undefined;
    const roomId =
      (hurried ? null : findDirectRoom(this.#client, groupRoomId, focusUserId)) ??
      (await createDirectRoom(this.#client, focusUserId, !hurried).catch((cause) => {
        throw new JoinError("no_room", "The room for the call could not be created.", { cause });
      }));
    if (attempt !== this.#attempt) return;
    this.roomId = roomId;
    this.#note(`1:1 room ${roomId}`);

    const call = createNewMatrixCall(this.#client, this.roomId);
    if (!call) throw new JoinError("no_voip", "This browser can't make calls.");
    if (hurried) this.#inviteJustBeforeCall(call, focusUserId, inviteToCallMs);
    this.#call = call;
    this.callId = call.callId;
    this.#follow(call);
    const feed = new CallFeed({
      client: this.#client,
      roomId: this.roomId,
      userId: this.#client.getSafeUserId(),
      deviceId: this.#client.getDeviceId(),
      stream,
      purpose: SDPStreamMetadataPurpose.Usermedia,
      audioMuted: this.muted,
      videoMuted: false,
    });
    await call.placeCallWithCallFeeds([feed]);
  }

  /** Hangs up, or gives up calling. */
  leave() {
    if (!this.active) return;
    this.#attempt += 1;
    if (this.#call && !this.#call.callHasEnded()) this.#call.hangup("user_hangup", false);
    this.#end("local", "user_hangup");
  }

  /**
   * Switches the microphone off or on, and tells the focus.
   *
   * @param {boolean} muted
   * @returns {Promise<boolean>} what it is now
   */
  async setMuted(muted) {
    const feed = this.#call?.localUsermediaFeed;
    if (!feed || !this.active) return this.muted;
    // MatrixCall.setMicrophoneMuted does nothing where there is no audio device, and a tone needs none.
    feed.setAudioVideoMuted(muted, null);
    for (const track of feed.stream.getAudioTracks()) track.enabled = !muted;
    this.muted = muted;
    this.dispatchEvent(new Event("state"));
    this.#note(muted ? "muted" : "unmuted");
    await this.#call.sendMetadataUpdate();
    return this.muted;
  }

  /**
   * Switches the camera on or off, also in a call that began without one.
   *
   * @param {boolean} on
   * @returns {Promise<boolean>} what it is now; `cameraProblem` says why it is not on
   */
  async setCamera(on) {
    const [call, feed] = [this.#call, this.#call?.localUsermediaFeed];
    if (!feed || !this.active || on === this.camera) return this.camera;
    if (on) {
      const { track, problem } = await this.#openCamera();
      if (call !== this.#call) {
        track?.stop();
        return this.camera;
      }
      this.cameraProblem = problem;
      if (track) {
        // The library stops the tracks that it had, and makes an offer where there was no line for pictures.
        const sound = feed.stream.getAudioTracks().map((own) => own.clone());
        await call.updateLocalUsermediaStream(new MediaStream([...sound, track]), false, true);
        feed.setAudioVideoMuted(null, false);
        this.camera = true;
      }
    } else {
      feed.setAudioVideoMuted(null, true);
      for (const track of feed.stream.getVideoTracks()) {
        track.stop();
        feed.stream.removeTrack(track);
      }
      this.camera = false;
    }
    this.dispatchEvent(new Event("state"));
    this.#note(this.camera ? "camera on" : "camera off");
    await call.sendMetadataUpdate();
    return this.camera;
  }

  /**
   * Shares one's screen, or shares it no more.
   *
   * @param {boolean} on
   * @returns {Promise<boolean>} what it is now
   */
  async setScreen(on) {
    if (!this.#call || !this.active) return this.screen;
    const call = this.#call;
    const screen = await call.setScreensharingEnabled(on);
    if (call !== this.#call) return this.screen;
    this.#setScreen(screen);
    // The browser has a button of its own to end it.
    const [track] = call.localScreensharingStream?.getVideoTracks() ?? [];
    track?.addEventListener("ended", () => {
      if (call === this.#call && this.screen) this.setScreen(false).catch((error) => this.#note(`screen: ${error}`));
    });
    return this.screen;
  }

  #setScreen(screen) {
    if (screen === this.screen) return;
    this.screen = screen;
    this.dispatchEvent(new Event("state"));
    this.#note(screen ? "screen shared" : "screen shared no more");
  }

  /**
   * Asks for a layout of the conference's pictures, in the 1:1 room; the focus user replies there.
   *
   * @param {Layout} layout
   */
  async askLayout(layout) {
    if (!this.roomId) return;
    await this.#client.sendTextMessage(this.roomId, `!conference layout ${layout}`);
  }

  /**
   * Puts the conference on hold, or takes it back: one on hold neither hears nor is heard.
   *
   * @param {boolean} held
   * @param {object} [options]
   * @param {boolean} [options.talking] the microphone stays on; clients switch it off, and nothing makes them
   */
  setHold(held, { talking = false } = {}) {
    if (!this.#call || !this.active) return;
    this.#call.setRemoteOnHold(held);
    if (talking) for (const track of this.#call.localUsermediaStream.getAudioTracks()) track.enabled = true;
    this.#note(held ? "on hold" : "resumed");
  }

  /** Asks for a new way through the network, as after a change of it. */
  restartIce() {
    this.connection?.restartIce();
    this.#note("ICE restart");
  }

  #follow(call) {
    const ours = (handler) => (...args) => {
      if (call === this.#call) handler(...args);
    };
    call.on(
      CallEvent.State,
      ours((state) => this.#onCallState(state)),
    );
    call.on(
      CallEvent.FeedsChanged,
      ours(() => {
        this.#followFeed(call.remoteUsermediaFeed ?? null);
        this.#setStream(call.remoteUsermediaStream ?? null);
        this.#setScreenStream(call.remoteScreensharingStream ?? null);
      }),
    );
    call.on(
      CallEvent.SendVoipEvent,
      ours(({ eventType }) => this.#note(`sent ${eventType}`)),
    );
    call.on(
      CallEvent.Error,
      ours((error) => this.#note(`error ${error.code}: ${error.message}`)),
    );
  }

  #followFeed(feed) {
    if (feed === this.#remoteFeed) return;
    this.#remoteFeed = feed;
    feed?.on(CallFeedEvent.MuteStateChanged, () => {
      if (feed !== this.#remoteFeed) return;
      this.dispatchEvent(new Event("state"));
      this.#note(this.dark ? "nothing to see" : "something to see");
    });
  }

  #onCallState(state) {
    if (state === CallState.Ended) {
      this.#end(this.#call.hangupParty ?? "local", this.#call.hangupReason ?? "user_hangup");
      return;
    }
    if (state === CallState.Connected && !this.#wasConnected) {
      this.#wasConnected = true;
      this.connectedMs = Math.round(performance.now() - this.#startedAt);
      if (this.#watches) this.#watch();
    }
    this.#setState(state);
  }

  /** Adds a line for pictures to a call that has none, only to receive: the library makes the offer. */
  #watch() {
    const lines = this.connection?.getTransceivers() ?? [];
    if (lines.some(({ receiver }) => receiver.track.kind === "video")) return;
    this.connection?.addTransceiver("video", { direction: "recvonly" });
    this.#note("asks for pictures");
  }

  #end(party, reason) {
    if (!this.active) return;
    this.hangupParty = party;
    this.hangupReason = reason;
    this.camera = false;
    this.screen = false;
    this.#setStream(null);
    this.#setScreenStream(null);
    this.#setState(CallState.Ended, ` by ${party}: ${reason}`);
  }

  #setState(state, detail = "") {
    this.state = state;
    this.#note(`${state}${detail}`);
    this.dispatchEvent(new Event("state"));
  }

  #setStream(stream) {
    if (stream === this.#remoteStream) return;
    this.#remoteStream = stream;
    this.dispatchEvent(new CustomEvent("stream", { detail: { stream } }));
  }

  #setScreenStream(stream) {
    if (stream === this.#remoteScreen) return;
    this.#remoteScreen = stream;
    this.dispatchEvent(new CustomEvent("screen", { detail: { stream } }));
  }

  #onEvent(event, room) {
    if (room?.roomId !== this.roomId || event.getSender() !== this.#focusUserId) return;
    const { msgtype, body } = event.getContent();
    if (event.getType() !== EventType.RoomMessage || !["m.notice", "m.text"].includes(msgtype)) return;
    if (typeof body !== "string") return;
    this.notices.push(body);
    this.#note(`notice: ${body}`);
    this.dispatchEvent(new CustomEvent("notice", { detail: body }));
  }

  #onVoipEvent(event) {
    if (event.getContent().call_id !== this.callId || event.getSender() !== this.#focusUserId) return;
    // matrix-js-sdk ends rejected and hung-up calls alike.
    if (event.getType() === EventType.CallReject) this.rejected = true;
    this.#note(`received ${event.getType()}`);
  }

  #note(what) {
    const line = { ms: Math.round(performance.now() - this.#startedAt), what };
    this.log.push(line);
    this.dispatchEvent(new CustomEvent("log", { detail: line }));
  }

  /** Lets the call's own invite trigger the room invitation, because gathering candidates takes a while. */
  #inviteJustBeforeCall(call, focusUserId, gapMs) {
    const client = this.#client;
    const sendEvent = client.sendEvent;
    client.sendEvent = async function (roomId, eventType, ...rest) {
      if (roomId === call.roomId && eventType === EventType.CallInvite) {
        client.sendEvent = sendEvent;
        const invited = client.invite(roomId, focusUserId);
        // Awaited below; a failure within the gap must not count as unhandled until then.
        invited.catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, gapMs));
        const sent = sendEvent.call(client, roomId, eventType, ...rest);
        return Promise.all([sent, invited]).then(([answer]) => answer);
      }
      return sendEvent.call(client, roomId, eventType, ...rest);
    };
  }
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
