import assert from "node:assert/strict";
import { test } from "node:test";

import { messageInWords, stateInWords } from "../src/demo/timeline-words.js";

const FOCUS = "@conf_x:confocal.test";
const nameOf = (member) => member.slice(1, 5);
const membership = (sender, stateKey, now, before) =>
  stateInWords(
    {
      type: "m.room.member",
      sender,
      stateKey,
      content: { membership: now },
      previous: before && { membership: before },
    },
    nameOf,
    FOCUS,
  );

test("the focus user's coming and going is the conference's", () => {
  assert.equal(membership("@anna:x", FOCUS, "invite"), "anna asked for a conference");
  assert.equal(membership(FOCUS, FOCUS, "join", "invite"), "The conference is open");
  assert.equal(membership(FOCUS, FOCUS, "join", "join"), null);
  assert.equal(membership(FOCUS, FOCUS, "leave", "join"), "The conference is over");
  assert.equal(membership("@anna:x", FOCUS, "leave", "join"), "anna sent the conference away");
});

test("people join, leave, and are removed", () => {
  assert.equal(membership("@anna:x", "@anna:x", "join"), "anna joined");
  assert.equal(membership("@anna:x", "@anna:x", "leave", "join"), "anna left");
  assert.equal(membership("@anna:x", "@anna:x", "leave", "invite"), "anna declined the invitation");
  assert.equal(membership("@anna:x", "@bert:x", "leave", "join"), "anna removed bert");
  assert.equal(membership("@anna:x", "@bert:x", "leave", "ban"), "anna let bert back in");
  assert.equal(membership("@anna:x", "@bert:x", "ban", "join"), "anna banned bert");
});

test("state that nobody wants to read is left out", () => {
  assert.equal(stateInWords({ type: "m.room.power_levels", sender: "@anna:x", content: {} }, nameOf, FOCUS), null);
});

test("messages without a text body are left out", () => {
  assert.equal(messageInWords({ type: "m.room.message", content: {} }), null);
  assert.equal(messageInWords({ type: "m.call.invite", content: { body: "x" } }), null);
  assert.deepEqual(messageInWords({ type: "m.room.message", content: { msgtype: "m.notice", body: "x" } }), {
    text: "x",
    quiet: true,
  });
});
