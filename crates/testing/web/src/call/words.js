// A call's state in words for people. No state is kept here and nothing is drawn.

const STATES = {
  idle: "You are not in the conference.",
  wait_local_media: "Waiting for your microphone…",
  create_offer: "Calling…",
  invite_sent: "Ringing…",
  connecting: "Connecting…",
  connected: "You are in the conference.",
};

/** Reasons of `m.call.hangup`, those of matrix-js-sdk and those of `JoinError`. */
const REASONS = {
  ice_failed: "The connection failed: sound could not get through.",
  ice_timeout: "The connection took too long.",
  invite_timeout: "The conference did not answer.",
  user_media_failed: "The microphone failed.",
  no_user_media: "The microphone failed.",
  user_busy: "The conference is busy.",
  answered_elsewhere: "The call goes on in another place.",
  replaced: "You joined from another place.",
  signalling_timeout: "The homeserver did not take the call.",
  signalling_failed: "The homeserver did not take the call.",
  send_invite: "The homeserver did not take the call.",
  not_invited: "The conference could not be invited: you may not invite people to this room.",
  no_room: "The room for the call could not be created.",
  no_voip: "This browser can't make calls.",
  set_remote_description: "The conference answered in a way that this browser does not understand.",
};

const SOUND_PROBLEMS = {
  refused: "The microphone was refused, so you can listen only. Allow it for this page and join again to speak.",
  missing: "There is no microphone, so you can listen only.",
  busy: "Another program holds the microphone, so you can listen only.",
  unavailable: "The microphone can't be used, so you can listen only.",
};

const CAMERA_PROBLEMS = {
  refused: "The camera was refused. Allow it for this page and try again.",
  missing: "There is no camera.",
  busy: "Another program holds the camera.",
  unavailable: "The camera can't be used.",
};

/**
 * What a person is told of their own call.
 *
 * @param {Pick<import("../conference-call.js").ConferenceCall,
 *   "state" | "reconnecting" | "rejected" | "hangupParty" | "hangupReason">} call
 * @returns {string}
 */
export function callInWords(call) {
  if (call.reconnecting) return "The connection is interrupted, reconnecting…";
  return call.state === "ended" ? endInWords(call) : (STATES[call.state] ?? "Calling…");
}

function endInWords({ rejected, hangupParty, hangupReason }) {
  if (rejected) return "The conference did not let you in.";
  if (hangupReason === "user_hangup" || !hangupReason) {
    return hangupParty === "remote" ? "The conference ended your call." : "You left the conference.";
  }
  return REASONS[hangupReason] ?? `The call ended (${hangupReason}).`;
}

/** @param {string | null} problem `ConferenceCall.soundProblem` */
export function soundProblemInWords(problem) {
  return problem ? (SOUND_PROBLEMS[problem] ?? SOUND_PROBLEMS.unavailable) : null;
}

/** @param {string | null} problem `ConferenceCall.cameraProblem` */
export function cameraProblemInWords(problem) {
  return problem ? (CAMERA_PROBLEMS[problem] ?? CAMERA_PROBLEMS.unavailable) : null;
}

/**
 * A length of time as a clock shows it.
 *
 * @param {number} ms
 * @returns {string} `m:ss`, or `h:mm:ss` from an hour on
 */
export function clockTime(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
