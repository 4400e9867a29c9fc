// The demo page: a group room as one of its members sees it, with the room's conference in it.
// Each tab is a person of its own, made by the page's server.

import { ClientEvent, RoomEvent, SyncState } from "matrix-js-sdk";

import { camera } from "./call/camera.js";
import { microphone } from "./call/microphone.js";
import { openSession, roomKnown } from "./call/session.js";
import { ConferenceCall } from "./conference-call.js";
import { ConferencePanel } from "./demo/conference-panel.js";
import { Members } from "./demo/members.js";
import { participantsView } from "./demo/participants.js";
import { Stage } from "./demo/stage.js";
import { pollStatus } from "./demo/status-poll.js";
import { Timeline } from "./demo/timeline.js";

const banner = document.getElementById("banner");
const sound = document.getElementById("sound");
/** @type {Map<string, string>} */
const troubles = new Map();

try {
  await open();
} catch (error) {
  console.error(error);
  showFailure(error);
}

async function open() {
  const person = await newPerson();
  document.getElementById("me").textContent = `You are ${person.display_name}`;
  document.getElementById("room-name").textContent = person.group_room_name;

  const client = await openSession(person).catch((cause) => {
    throw new Error("The homeserver does not answer.", { cause });
  });
  const room = await roomKnown(client, person.group_room_id).catch((cause) => {
    throw new Error("The homeserver does not show the room.", { cause });
  });
  client.on(ClientEvent.Sync, (state) => {
    const lost = state === SyncState.Reconnecting || state === SyncState.Error;
    showBanner("homeserver", lost ? "The homeserver does not answer. Trying again…" : "");
  });
  client.on(RoomEvent.MyMembership, (changed, membership) => {
    if (changed.roomId !== room.roomId) return;
    showBanner("membership", membership === "join" ? "" : "You are no longer a member of this room.");
  });

  const members = new Members(client, room, person.focus_user_id);
  new Timeline(client, room, person.focus_user_id);

  let context = null;
  const call = new ConferenceCall(client, microphone(() => (context ??= new AudioContext())), camera());
  const stage = new Stage(() => call.dark);
  const report = (error) => console.error(error);
  const panel = new ConferencePanel({
    join: () => {
      // The call's own state says what went wrong.
      call
        .join({ groupRoomId: person.group_room_id, focusUserId: person.focus_user_id, watch: true })
        .catch(report);
    },
    leave: () => call.leave(),
    mute: () => mute(call),
    camera: () => switchCamera(call),
    share: () => call.setScreen(!call.screen).catch(report),
    layout: (layout) => call.askLayout(layout).catch(report),
  });
  call.addEventListener("state", () => {
    panel.showCall(call);
    stage.showSelf(call.camera ? call.ownStream : null);
    stage.look();
  });
  call.addEventListener("notice", () => panel.showCall(call));
  call.addEventListener("stream", ({ detail }) => {
    play(detail.stream);
    stage.showPicture(detail.stream);
  });
  call.addEventListener("screen", ({ detail }) => stage.showScreen(detail.stream));
  panel.showCall(call);

  const nameOf = (member) => room.getMember(member)?.rawDisplayName;
  pollStatus(
    (status) => {
      const people = participantsView(status, person.user_id, nameOf);
      panel.showPeople(people);
      members.showInConference(people.filter(({ present }) => present).map(({ member }) => member));
    },
    () => {
      panel.showNobodyKnown("It is not known who is here: the demo's server does not answer.");
      members.showInConference([]);
    },
  );

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target instanceof HTMLInputElement) return;
    if (event.key.toLowerCase() === "m") mute(call);
    if (event.key.toLowerCase() === "v") switchCamera(call);
  });
  // Without this the others would hear silence from a closed tab until its connection is given up.
  window.addEventListener("pagehide", () => call.leave());
  document.body.dataset.ready = "";
}

async function newPerson() {
  let response;
  try {
    response = await fetch("/api/person", { method: "POST" });
  } catch (cause) {
    throw new Error("The demo's server does not answer.", { cause });
  }
  if (!response.ok) throw new Error(`The demo's server could not make a person for this tab (${response.status}).`);
  return response.json();
}

function mute(call) {
  if (call.state !== "connected" || call.soundProblem) return;
  // The microphone is off or on here at once; only telling the focus can fail, and the next change tells it again.
  call.setMuted(!call.muted).catch((error) => console.error(error));
}

function switchCamera(call) {
  if (call.state !== "connected") return;
  call.setCamera(!call.camera).catch((error) => console.error(error));
}

function play(stream) {
  sound.srcObject = stream;
  if (!stream) return;
  sound.play().catch((error) => {
    // A newer stream took this one's place.
    if (error.name === "AbortError") return;
    showBanner("sound", "The browser holds the sound back. Click anywhere to hear it.");
    const retry = () => sound.play().then(() => showBanner("sound", ""), () => {});
    document.addEventListener("click", retry, { once: true });
  });
}

/** Troubles that last, by what they concern; each is shown until it is over. */
function showBanner(concern, words) {
  if (words) troubles.set(concern, words);
  else troubles.delete(concern);
  const text = [...troubles.values()].join(" ");
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = text === "";
}

function showFailure(error) {
  document.getElementById("failure-words").textContent = error.message;
  document.getElementById("failure").hidden = false;
  document.getElementById("room").hidden = true;
  const again = document.getElementById("again");
  again.addEventListener("click", () => location.reload());
  again.focus();
}
