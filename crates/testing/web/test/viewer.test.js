import assert from "node:assert/strict";
import { test } from "node:test";

import { mean } from "../src/picture/viewer.js";

test("a mean colour is that of red, green and blue, whatever the opacity", () => {
  const pixels = Uint8ClampedArray.of(10, 100, 200, 255, 30, 120, 220, 0);
  assert.deepEqual(mean(pixels), [20, 110, 210]);
});
