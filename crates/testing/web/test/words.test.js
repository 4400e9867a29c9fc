import assert from "node:assert/strict";
import { test } from "node:test";

import { callInWords, cameraProblemInWords, clockTime, soundProblemInWords } from "../src/call/words.js";

const call = (parts) => ({
  state: "idle",
  reconnecting: false,
  rejected: false,
  hangupParty: null,
  hangupReason: null,
  ...parts,
});

test("every state on the way into a conference has words of its own", () => {
  const states = ["idle", "wait_local_media", "create_offer", "invite_sent", "connecting", "connected"];
  const words = states.map((state) => callInWords(call({ state })));
  assert.equal(new Set(words).size, states.length);
});

test("an interruption is told apart from the first connection", () => {
  const first = callInWords(call({ state: "connecting" }));
  const again = callInWords(call({ state: "connecting", reconnecting: true }));
  assert.notEqual(first, again);
  assert.match(again, /reconnecting/);
});

test("an end says who ended it and why", () => {
  const end = (parts) => callInWords(call({ state: "ended", ...parts }));
  assert.match(end({ hangupParty: "local", hangupReason: "user_hangup" }), /^You left/);
  assert.match(end({ hangupParty: "remote", hangupReason: "user_hangup" }), /^The conference ended/);
  assert.match(end({ hangupParty: "remote", hangupReason: "user_hangup", rejected: true }), /did not let you in/);
  assert.match(end({ hangupParty: "local", hangupReason: "invite_timeout" }), /did not answer/);
  assert.match(end({ hangupParty: "remote", hangupReason: "something_new" }), /something_new/);
});

test("a missing microphone is explained, a working one is not mentioned", () => {
  assert.equal(soundProblemInWords(null), null);
  assert.match(soundProblemInWords("missing"), /listen only/);
  assert.match(soundProblemInWords("a word nobody knows"), /listen only/);
});

test("clock times carry over at minutes and hours", () => {
  assert.equal(clockTime(0), "0:00");
  assert.equal(clockTime(59_999), "0:59");
  assert.equal(clockTime(60_000), "1:00");
  assert.equal(clockTime(3_600_000), "1:00:00");
  assert.equal(clockTime(3_725_000), "1:02:05");
  assert.equal(clockTime(-5), "0:00");
});

test("a camera that can't be used has words of its own for each reason", () => {
  const words = ["refused", "missing", "busy", "unavailable"].map(cameraProblemInWords);
  assert.equal(new Set(words).size, words.length);
  assert.equal(cameraProblemInWords(null), null);
  assert.equal(cameraProblemInWords("something new"), cameraProblemInWords("unavailable"));
});
