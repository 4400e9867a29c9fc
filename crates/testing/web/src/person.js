// The test page: one person with a client of their own, driven by `window.person`.
// It takes part like any client; what it measures is what its user would hear.

import { ConferenceCall } from "./conference-call.js";
import { painted } from "./call/camera.js";
import { openSession } from "./call/session.js";
import { pulses, tone } from "./call/microphone.js";
import { flashes, skews } from "./lips.js";
import { answerNextCall } from "./person/answering.js";
import { painting } from "./picture/painting.js";
import { Viewer } from "./picture/viewer.js";
import { Listener } from "./sound/listener.js";

const context = new AudioContext({ sampleRate: 48_000, latencyHint: "interactive" });
const listener = new Listener(context, document.getElementById("sound"));
const viewer = new Viewer(document.getElementById("picture"));
const screenViewer = new Viewer(document.getElementById("screen"));
const page = document.getElementById("log");

let starting = false;
let client = null;
/** @type {ConferenceCall | null} */
let call = null;

/** @type {import("./call/microphone.js").SoundSource | null} */
let openSound = null;
/** A call that was answered rather than placed. @type {import("matrix-js-sdk").MatrixCall | null} */
let answered = null;

const person = {
  /**
   * Logs in and syncs.
   *
   * @param {import("./call/session.js").Credentials & {tone?: number, tone_dbfs?: number, verbose?: boolean,
   *   relay_by?: "udp" | "tcp", colour?: string, screen_colour?: string, flashes?: boolean}} who
   *   `tone`: what this person says, a sine in Hz (0 or absent: silence); `tone_dbfs`: how loud (default -12);
   *   `relay_by`: call by nothing but the homeserver's relays, reached in this way; `colour`: what this person's camera
   *   shows, as CSS writes it; `screen_colour`: the same for the screen; `flashes`: the tone is there once a second, and so is a
   *   flash of the picture
   */
  async start(who) {
    if (starting) throw new Error("this person has been started already");
    starting = true;
    // Without a click Chromium lets no sound run, and `resume()` would wait for the click for ever.
    context.resume();
    await until(
      context,
      ["statechange"],
      () => context.state === "running",
      10_000,
      "sound is not allowed to run: the browser needs --autoplay-policy=no-user-gesture-required",
    );
    openSound = who.flashes ? pulses(context, who.tone, flashes) : tone(context, who.tone ?? 0, who.tone_dbfs);
    const lit = who.flashes ? () => flashes(context.currentTime) : undefined;
    client = await openSession(who, { verbose: who.verbose ?? false, relayBy: who.relay_by });
    call = new ConferenceCall(client, openSound, who.colour ? painted(painting(who.colour, lit)) : undefined);
    call.addEventListener("stream", ({ detail }) => hear(detail.stream));
    call.addEventListener("stream", ({ detail }) => viewer.watch(detail.stream));
    call.addEventListener("screen", ({ detail }) => screenViewer.watch(detail.stream));
    if (who.screen_colour) {
      // What a person would choose in the browser's own window.
      const screen = painting(who.screen_colour);
      client.getMediaHandler().getScreensharingStream = async () => screen.captureStream();
    }
    call.addEventListener("log", ({ detail }) => print(detail));
    return { user_id: client.getSafeUserId() };
  },

  /**
   * Calls the focus user of a group room.
   *
   * @param {object} request
   * @param {string} request.group_room_id
   * @param {string} request.focus_user_id
   * @param {boolean} [request.invite] invite the focus user to the group room if it isn't there (default true)
   * @param {number} [request.invite_to_call_ms] a new 1:1 room whose invitation precedes the call by this much only
   * @param {boolean} [request.camera] call with pictures
   * @param {boolean} [request.watch] ask for pictures also without sending any
   * @param {number} [request.timeoutMs] how long to wait for the connection (default 30000)
   * @returns {Promise<{callId: string, roomId: string, connectedMs: number}>} once the call is connected
   * @throws {Error} when it ends or the time is over before; the message has the JSON of `state()`
   */
  async join(request) {
    if (!call) throw new Error("start() comes first");
    listener.clear();
    const placed = call.join({
      groupRoomId: request.group_room_id,
      focusUserId: request.focus_user_id,
      inviteFocus: request.invite ?? true,
      inviteToCallMs: request.invite_to_call_ms,
      camera: request.camera ?? false,
      watch: request.watch ?? false,
    });
    await Promise.all([placed, whenConnected(call, request.timeoutMs ?? 30_000)]);
    return { callId: call.callId, roomId: call.roomId, connectedMs: call.connectedMs };
  },

  /**
   * What is known of the call. `call_state` is `idle` or one of matrix-js-sdk's states, `answered_state` the same of
   * a call that was answered; `log` has ms since the join.
   */
  state() {
    return {
      call_state: call?.state ?? "idle",
      answered_state: answered?.state ?? "idle",
      call_id: call?.callId ?? null,
      room_id: call?.roomId ?? null,
      connected_ms: call?.connectedMs ?? null,
      reconnecting: call?.reconnecting ?? false,
      muted: call?.muted ?? false,
      dark: call?.dark ?? true,
      rejected: call?.rejected ?? false,
      hangup_party: call?.hangupParty ?? null,
      hangup_reason: call?.hangupReason ?? null,
      notices: call ? [...call.notices] : [],
      log: call ? [...call.log] : [],
    };
  },

  /**
   * Resolves when `state().call_state` is the one given.
   *
   * @param {string} state
   * @param {number} [timeoutMs]
   */
  async waitFor(state, timeoutMs = 30_000) {
    await until(call, ["state"], () => call.state === state, timeoutMs, `the call was not ${state}`);
    return person.state();
  },

  /**
   * Resolves with the first notice of the focus user since the join, or the first that contains `text`.
   *
   * @param {string} [text]
   * @param {number} [timeoutMs]
   * @returns {Promise<string>}
   */
  async waitForNotice(text = "", timeoutMs = 30_000) {
    const find = () => call.notices.find((notice) => notice.includes(text));
    await until(call, ["notice"], () => find() !== undefined, timeoutMs, `there was no notice "${text}"`);
    return find();
  },

  /**
   * How loud tones are in the next `ms` milliseconds of received sound.
   *
   * @param {number[]} frequencies Hz
   * @param {number} [ms] tones nearer than 2000/ms Hz to one another blur
   * @returns {Promise<Record<string, number>>} dBFS by frequency (a full-scale sine is 0), and `rms` of everything
   */
  levels(frequencies, ms = 1000) {
    return listener.levels(frequencies, ms);
  },

  /**
   * The moment of the first received sound of at least `thresholdDb` dBFS (RMS over 10 ms) after the moment `since`.
   *
   * @param {number} since ms since the Unix epoch
   * @param {number} [thresholdDb]
   * @param {number} [timeoutMs]
   * @returns {Promise<number>} ms since the Unix epoch
   */
  async soundSince(since, thresholdDb = -50, timeoutMs = 30_000) {
    const at = await listener.firstSound(thresholdDb, timeoutMs, since - performance.timeOrigin);
    return performance.timeOrigin + at;
  },

  /**
   * Milliseconds from `join()` to the first received sound of at least `thresholdDb` dBFS (RMS over 10 ms).
   *
   * @param {number} [thresholdDb]
   * @param {number} [timeoutMs]
   */
  async firstSound(thresholdDb = -50, timeoutMs = 30_000) {
    const at = await listener.firstSound(thresholdDb, timeoutMs);
    return Math.round(at - call.startedAt);
  },

  /** Hangs up; the state is `ended` at once. */
  async hangup() {
    if (answered && !answered.callHasEnded()) answered.hangup("user_hangup", false);
    call?.leave();
    return person.state();
  },

  /** Switches the microphone off or on. @param {boolean} muted */
  async setMuted(muted) {
    return call ? call.setMuted(muted) : false;
  },

  /**
   * Puts the conference on hold, or takes it back.
   *
   * @param {boolean} held
   * @param {{talking?: boolean}} [options] `talking`: go on sending, as no client has to stop
   */
  setHold(held, options) {
    call?.setHold(held, options);
  },

  /** Restarts ICE, as a client does whose network changed. */
  restartIce() {
    call?.restartIce();
  },

  /** The names of both ends of the present ICE session; each restart makes new ones (RFC 8839 section 5.4). */
  iceSession() {
    const ufrag = (description) => /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? "")?.[1] ?? null;
    const pc = call?.connection;
    return { local: ufrag(pc?.currentLocalDescription), remote: ufrag(pc?.currentRemoteDescription) };
  },

  /**
   * Which way the call goes: both ends of the candidate pair in use, or null while there is none. `type` and `protocol` are the
   * candidate's, `relay_protocol` says how the relay is reached: https://www.w3.org/TR/webrtc-stats/#icecandidate-dict*
   *
   * @returns {Promise<Record<"local" | "remote", {type: string, protocol: string, relay_protocol: string | null}> | null>}
   */
  async path() {
    const report = await call?.connection?.getStats();
    const entries = [...(report?.values() ?? [])];
    const used = entries.find(({ type }) => type === "transport")?.selectedCandidatePairId;
    // Firefox has no such entry, but a word of its own in the pair.
    const pair = entries.find(({ type, id, selected }) => type === "candidate-pair" && (id === used || selected));
    if (!pair) return null;
    const end = (id) => {
      const { candidateType, protocol, relayProtocol } = report.get(id) ?? {};
      return { type: candidateType, protocol, relay_protocol: relayProtocol ?? null };
    };
    return { local: end(pair.localCandidateId), remote: end(pair.remoteCandidateId) };
  },

  /**
   * Makes an encrypted room with somebody, as many clients do for every 1:1 chat.
   *
   * @param {string} userId
   * @returns {Promise<string>} its id
   */
  async openEncrypted(userId) {
    const encryption = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };
    const options = { preset: "private_chat", is_direct: true, invite: [userId], initial_state: [encryption] };
    return (await client.createRoom(options)).room_id;
  },

  /**
   * What others have said in a room, as far as this client has it.
   *
   * @param {string} roomId
   * @returns {string[]} oldest first
   */
  saidIn(roomId) {
    const events = client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
    const said = events.filter((event) => event.getType() === "m.room.message" && event.getSender() !== client.getUserId());
    return said.map((event) => event.getContent().body);
  },

  /** Switches the camera on or off. @param {boolean} on */
  async setCamera(on) {
    return call ? call.setCamera(on) : false;
  },

  /** Shares the screen, or shares it no more. @param {boolean} on */
  async setScreen(on) {
    return call ? call.setScreen(on) : false;
  },

  /**
   * What is seen: the colours at some points of the conference's picture, from the left and from the top, 0 to 1.
   *
   * @param {[number, number][]} points
   * @returns {{width: number, height: number, colours: [number, number, number][]} | null} null while there is no picture
   */
  look(points) {
    return viewer.look(points);
  },

  /** The same of the screen that somebody shares. */
  lookAtScreen(points) {
    return screenViewer.look(points);
  },

  /**
   * How long after it is heard somebody is seen to flash who does both at once, so many times.
   *
   * @param {{count: number, point: [number, number]}} what `point`: where they are seen, from the left and from the top, 0 to 1
   * @returns {Promise<number[]>} ms, negative: seen before
   */
  lips({ count, point }) {
    return skews(viewer, listener, count, point, 2_000 * count + 5_000);
  },

  /** Milliseconds from the connection to the first picture; null while there is none. */
  firstPicture() {
    if (viewer.firstAt === null || call?.connectedMs == null) return null;
    return Math.round(viewer.firstAt - call.startedAt - call.connectedMs);
  },

  /**
   * How much later than its sound the browser believes to play a picture, in ms; null while it can't tell.
   *
   * https://www.w3.org/TR/webrtc-stats/#dom-rtcinboundrtpstreamstats-estimatedplayouttimestamp
   */
  async skew() {
    const report = await call?.connection?.getStats();
    const entries = [...(report?.values() ?? [])].filter(({ type }) => type === "inbound-rtp");
    const at = (wanted) => entries.find(({ kind }) => kind === wanted)?.estimatedPlayoutTimestamp ?? NaN;
    const skew = at("audio") - at("video");
    return Number.isFinite(skew) ? skew : null;
  },

  /**
   * Counts of the received pictures, one entry a stream that has come: https://www.w3.org/TR/webrtc-stats/#inboundrtpstats-dict*
   */
  async pictures() {
    const report = await call?.connection?.getStats();
    const entries = [...(report?.values() ?? [])];
    return entries
      .filter(({ type, kind }) => type === "inbound-rtp" && kind === "video")
      .map(({ mid, framesDecoded, framesPerSecond, frameWidth, frameHeight, freezeCount, totalFreezesDuration, ...more }) => ({
        mid,
        framesDecoded: framesDecoded ?? 0,
        framesPerSecond: framesPerSecond ?? 0,
        frameWidth: frameWidth ?? 0,
        frameHeight: frameHeight ?? 0,
        freezeCount: freezeCount ?? 0,
        totalFreezesDuration: totalFreezesDuration ?? 0,
        keyFramesDecoded: more.keyFramesDecoded ?? 0,
        packetsLost: more.packetsLost ?? 0,
        nackCount: more.nackCount ?? 0,
        pliCount: more.pliCount ?? 0,
      }));
  },

  /**
   * Counts of the received sound: packets, lost, concealed and all samples, jitter in seconds; `totalAudioEnergy` is the square of what
   * was decoded (full scale 1) times the seconds of it.
   */
  async stats() {
    const report = await (answered?.peerConn ?? call?.connection)?.getStats();
    for (const entry of report?.values() ?? []) {
      if (entry.type !== "inbound-rtp" || entry.kind !== "audio") continue;
      const { packetsReceived, packetsLost, concealedSamples, silentConcealedSamples } = entry;
      const { totalSamplesReceived, jitter, totalAudioEnergy } = entry;
      return {
        packetsReceived,
        packetsLost,
        concealedSamples,
        silentConcealedSamples,
        totalSamplesReceived,
        jitter,
        totalAudioEnergy,
      };
    }
    return null;
  },

  /**
   * Accepts room invitations and answers the next incoming call, so that two such pages can talk without a focus.
   *
   * @param {number} [timeoutMs]
   * @returns {Promise<{callId: string, roomId: string}>} once it is connected
   */
  async answerNext(timeoutMs = 60_000) {
    listener.clear();
    answered = await answerNextCall(client, openSound, timeoutMs, hear);
    return { callId: answered.callId, roomId: answered.roomId };
  },
};

function hear(stream) {
  listener.listen(stream).catch((error) => print({ ms: 0, what: `sound can't be played: ${error.message}` }));
}

function print({ ms, what }) {
  page.append(`${String(ms).padStart(7)} ms  ${what}\n`);
}

function whenConnected(target, timeoutMs) {
  return until(target, ["state"], () => {
    if (target.state === "ended") throw new Error(`the call ended: ${JSON.stringify(person.state())}`);
    return target.state === "connected";
  }, timeoutMs, "the call was not connected in time");
}

/** Resolves when `test` is true, asked now and at each of the events; rejects with what `test` throws. */
function until(target, events, test, timeoutMs, complaint) {
  return new Promise((resolve, reject) => {
    const done = (act, value) => {
      clearTimeout(timer);
      for (const name of events) target.removeEventListener(name, look);
      act(value);
    };
    const look = () => {
      try {
        if (test()) done(resolve);
      } catch (error) {
        done(reject, error);
      }
    };
    const timer = setTimeout(
      () => done(reject, new Error(`${complaint}: ${JSON.stringify(person.state())}`)),
      timeoutMs,
    );
    for (const name of events) target.addEventListener(name, look);
    look();
  });
}

window.person = person;
document.title = "ready";
