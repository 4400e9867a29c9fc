// How strong one frequency is in a piece of sound. Arithmetic only.

/**
 * The level of a sine at `hz` in `samples`, by the Goertzel algorithm under a Hann window.
 *
 * The window keeps neighbours apart: with T seconds of sound, tones more than 2/T Hz away don't count.
 *
 * @param {Float32Array} samples mono, full scale ±1
 * @param {number} hz
 * @param {number} sampleRate Hz
 * @returns {number} dBFS; a full-scale sine is 0, nothing at all is -Infinity
 */
export function toneLevel(samples, hz, sampleRate) {
  const count = samples.length;
  const turn = (2 * Math.PI * hz) / sampleRate;
  const factor = 2 * Math.cos(turn);
  let before = 0;
  let last = 0;
  let weights = 0;
  for (let i = 0; i < count; i += 1) {
    const weight = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / count);
    weights += weight;
    const now = samples[i] * weight + factor * last - before;
    before = last;
    last = now;
  }
  const power = last * last + before * before - factor * last * before;
  return 10 * Math.log10(Math.max(power, 0)) - 20 * Math.log10(weights / 2);
}

/**
 * The RMS level of `samples` against a full-scale sine.
 *
 * @param {Float32Array} samples full scale ±1
 * @returns {number} dBFS; a full-scale sine is 0, silence is -Infinity
 */
export function rmsLevel(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return 10 * Math.log10((2 * sum) / samples.length);
}
