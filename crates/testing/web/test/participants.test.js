import assert from "node:assert/strict";
import { test } from "node:test";

import { companyInWords, hueOf, initials, participantsView } from "../src/demo/participants.js";

const leg = (parts) => ({ leg: 1, state: "active", muted: false, level: -127, speaking: false, ...parts });
const person = (name, ...legs) => ({
  participant: 1,
  member: `@${name.toLowerCase()}:confocal.test`,
  display_name: name,
  legs,
});
const view = (...participants) => participantsView({ participants }, "@anna:confocal.test");

test("a speaking leg makes its participant speak, as loud as its loudest leg", () => {
  const [anna] = view(person("Anna", leg({ level: -60 }), leg({ level: -12, speaking: true })));
  assert.equal(anna.speaking, true);
  assert.equal(anna.loudness, 1);
  assert.equal(anna.words, "speaking");
  assert.equal(anna.you, true);
});

test("a muted leg is neither loud nor speaking, whatever its last level was", () => {
  const [anna] = view(person("Anna", leg({ muted: true, level: -12, speaking: true })));
  assert.equal(anna.muted, true);
  assert.equal(anna.speaking, false);
  assert.equal(anna.loudness, 0);
});

test("one device muted and one not is not muted", () => {
  const [anna] = view(person("Anna", leg({ muted: true }), leg({ level: -36 })));
  assert.equal(anna.muted, false);
  assert.equal(anna.loudness, 0.5);
});

test("legs on their way in are shown as joining, interrupted ones as reconnecting", () => {
  const people = view(
    person("Anna", leg({ state: "connecting" })),
    person("Ben", leg({ state: "reconnecting" })),
    person("Cleo", leg({ state: { Active: { muted: false } } })),
  );
  assert.deepEqual(people.map(({ words }) => words), ["joining", "reconnecting", "listening"]);
  assert.deepEqual(people.map(({ present }) => present), [false, false, true]);
});

test("who is on hold is there and not heard", () => {
  const [anna] = view(person("Anna", leg({ state: "held", level: -12 })));
  assert.equal(anna.words, "on hold");
  assert.equal(anna.loudness, 0);
});

test("who is silenced by the focus is muted, however loud", () => {
  const [anna] = view({ ...person("Anna", leg({ level: -12 })), silenced: "moderator" });
  assert.deepEqual([anna.muted, anna.speaking, anna.loudness, anna.words], [true, false, 0, "muted"]);
});

test("levels beyond the meter's ends stay on it", () => {
  const [loud, silent] = view(person("A", leg({ level: 0 })), person("B", leg({ level: -127 })));
  assert.equal(loud.loudness, 1);
  assert.equal(silent.loudness, 0);
});

test("names come from the focus, then from the room, then from the user id", () => {
  const bare = { member: "@dora:confocal.test", legs: [] };
  const named = (nameOf) => participantsView({ participants: [bare] }, "", nameOf)[0].name;
  assert.equal(named(() => "Dora D."), "Dora D.");
  assert.equal(named(() => undefined), "dora");
});

test("a status without participants is an empty conference", () => {
  assert.deepEqual(participantsView({}, "@a:b"), []);
  assert.deepEqual(participantsView(null, "@a:b"), []);
  assert.match(companyInWords([]), /Nobody/);
});

test("company in words counts people and names speakers", () => {
  const quiet = view(person("Anna", leg({})), person("Ben", leg({})));
  assert.equal(companyInWords(quiet), "2 people here");
  const one = view(person("Anna", leg({})), person("Ben", leg({ speaking: true })));
  assert.equal(companyInWords(one), "2 people here, Ben is speaking");
  const me = view(person("Anna", leg({ speaking: true })));
  assert.equal(companyInWords(me), "1 person here, you are speaking");
  const both = view(person("Anna", leg({ speaking: true })), person("Ben", leg({ speaking: true })));
  assert.equal(companyInWords(both), "2 people here, you and Ben are speaking");
});

test("initials take the first and the last word", () => {
  assert.equal(initials("Anna Maria Berg"), "AB");
  assert.equal(initials("élodie"), "É");
  assert.equal(initials("  "), "?");
  assert.equal(initials("(bot) 7"), "B7");
});

test("hues differ between people and stay with one", () => {
  assert.equal(hueOf("@a:b"), hueOf("@a:b"));
  assert.notEqual(hueOf("@a:b"), hueOf("@b:b"));
  assert.ok(hueOf("@anybody:confocal.test") < 360);
});
