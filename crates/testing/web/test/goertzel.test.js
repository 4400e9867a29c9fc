import assert from "node:assert/strict";
import { test } from "node:test";

import { rmsLevel, toneLevel } from "../src/sound/goertzel.js";

const RATE = 48_000;
const sine = (hz, amplitude, ms = 1000) =>
  Float32Array.from({ length: (RATE * ms) / 1000 }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / RATE));
const sum = (a, b) => a.map((sample, i) => sample + b[i]);
const near = (actual, expected, tolerance) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);

test("a full-scale sine is 0 dBFS, at whole and at broken numbers of periods", () => {
  near(toneLevel(sine(440, 1), 440, RATE), 0, 0.05);
  near(toneLevel(sine(437.3, 1), 437.3, RATE), 0, 0.05);
  near(rmsLevel(sine(440, 1)), 0, 0.05);
});

test("half the amplitude is 6 dB less", () => {
  near(toneLevel(sine(440, 0.5), 440, RATE), -6.02, 0.05);
});

test("two tones are measured each for itself", () => {
  const both = sum(sine(437, 0.25), sine(1013, 0.01));
  near(toneLevel(both, 437, RATE), -12.04, 0.05);
  near(toneLevel(both, 1013, RATE), -40, 0.1);
});

test("a loud neighbour does not leak into a tone that is not there", () => {
  assert.ok(toneLevel(sine(437, 1), 500, RATE) < -100);
});

test("silence has no level", () => {
  assert.equal(toneLevel(new Float32Array(4800), 440, RATE), -Infinity);
  assert.equal(rmsLevel(new Float32Array(4800)), -Infinity);
});
