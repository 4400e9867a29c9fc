// An ear on the received sound: its samples, and since when there was something to hear.
// It measures what the browser plays out, after its jitter buffer and decoder.

import { rmsLevel, toneLevel } from "./goertzel.js";

/** How often the ear notes a level, in ms. */
const BLOCK_MS = 10;
/** How many levels it remembers: five minutes of them. */
const HISTORY = 5 * 60 * (1000 / BLOCK_MS);

// Runs in the audio thread: gathers 128-sample quanta of the first channel into blocks.
const WORKLET = `
registerProcessor("ear", class extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.block = new Float32Array(options.processorOptions.samples);
    this.filled = 0;
  }
  process([input]) {
    const channels = input.length;
    for (let i = 0; i < 128; i += 1) {
      let sample = 0;
      for (let c = 0; c < channels; c += 1) sample += input[c][i] / channels;
      this.block[this.filled] = sample;
      this.filled += 1;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block);
        this.filled = 0;
      }
    }
    return true;
  }
});
`;

/** Listens to one stream at a time. */
export class Listener {
  #context;
  #node = null;
  #source = null;
  #element;
  #ready;
  /** @type {{at: number, level: number}[]} */
  #levels = [];
  /** @type {Set<(block: Float32Array, at: number, level: number) => void>} */
  #takers = new Set();

  /**
   * @param {AudioContext} context
   * @param {HTMLAudioElement} element Chromium hands received sound to Web Audio only while an element plays it too
   */
  constructor(context, element) {
    this.#context = context;
    this.#element = element;
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    this.#ready = context.audioWorklet.addModule(url).finally(() => URL.revokeObjectURL(url));
  }

  /** Forgets what was heard. */
  clear() {
    this.#levels = [];
  }

  /** @param {MediaStream | null} stream what to listen to from now on */
  async listen(stream) {
    this.#element.srcObject = stream;
    await this.#ready;
    this.#source?.disconnect();
    this.#source = null;
    if (!stream || this.#element.srcObject !== stream) return;
    this.#node ??= this.#makeNode();
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#node);
    await this.#element.play();
  }

  #makeNode() {
    const samples = Math.round((this.#context.sampleRate * BLOCK_MS) / 1000);
    const node = new AudioWorkletNode(this.#context, "ear", {
      numberOfOutputs: 0,
      processorOptions: { samples },
    });
    node.port.onmessage = ({ data }) => {
      const at = performance.now();
      const level = rmsLevel(data);
      this.#levels.push({ at, level });
      if (this.#levels.length > HISTORY) this.#levels.shift();
      for (const take of this.#takers) take(data, at, level);
    };
    return node;
  }

  /**
   * Measures the next `ms` milliseconds of sound.
   *
   * @param {number[]} frequencies Hz
   * @param {number} ms
   * @returns {Promise<Record<string, number>>} dBFS by frequency, and `rms` for all of the sound
   */
  async levels(frequencies, ms) {
    const samples = await this.record(ms);
    const { sampleRate } = this.#context;
    const entries = frequencies.map((hz) => [hz, readable(toneLevel(samples, hz, sampleRate))]);
    return { ...Object.fromEntries(entries), rms: readable(rmsLevel(samples)) };
  }

  /**
   * Takes down the next `ms` milliseconds of sound.
   *
   * @param {number} ms
   * @returns {Promise<Float32Array>} mono samples at the context's rate
   * @throws {Error} when there is no stream, or none of its sound arrives
   */
  record(ms) {
    if (!this.#source) return Promise.reject(new Error("there is no sound to listen to"));
    const wanted = Math.round((this.#context.sampleRate * ms) / 1000);
    const samples = new Float32Array(wanted);
    let filled = 0;
    return new Promise((resolve, reject) => {
      const done = (act, value) => {
        clearTimeout(timer);
        this.#takers.delete(take);
        act(value);
      };
      const take = (block) => {
        const part = block.subarray(0, wanted - filled);
        samples.set(part, filled);
        filled += part.length;
        if (filled === wanted) done(resolve, samples);
      };
      const timer = setTimeout(
        () => done(reject, new Error(`only ${filled} of ${wanted} samples arrived: is sound suspended?`)),
        2 * ms + 5000,
      );
      this.#takers.add(take);
    });
  }

  /**
   * Tells whenever a sound begins after silence.
   *
   * @param {number} thresholdDb dBFS (RMS over 10 ms)
   * @param {(at: number) => void} tell told its moment, in ms of `performance.now()`
   * @returns {() => void} ends it
   */
  begins(thresholdDb, tell) {
    let loud = true;
    let blocks = 0;
    let first = Infinity;
    const take = (_block, at, level) => {
      // Blocks come evenly; what is told of them comes late at times. The one that came the soonest says when all did.
      first = Math.min(first, at - blocks * BLOCK_MS);
      const was = loud;
      loud = level >= thresholdDb;
      if (loud && !was) tell(first + (blocks - 1) * BLOCK_MS);
      blocks += 1;
    };
    this.#takers.add(take);
    return () => this.#takers.delete(take);
  }

  /**
   * Waits for the first block as loud as `thresholdDb`, or finds it in what was heard already.
   *
   * @param {number} thresholdDb dBFS (RMS over 10 ms)
   * @param {number} timeoutMs
   * @param {number} [since] pass over what was heard before, in ms of `performance.now()`
   * @returns {Promise<number>} its moment, in ms of `performance.now()`; about 10 ms late
   */
  firstSound(thresholdDb, timeoutMs, since = 0) {
    const heard = this.#levels.find(({ at, level }) => at >= since && level >= thresholdDb);
    if (heard) return Promise.resolve(heard.at);
    return new Promise((resolve, reject) => {
      const done = (act, value) => {
        clearTimeout(timer);
        this.#takers.delete(take);
        act(value);
      };
      const take = (_block, at, level) => {
        if (at >= since && level >= thresholdDb) done(resolve, at);
      };
      const timer = setTimeout(() => done(reject, new Error(`nothing as loud as ${thresholdDb} dBFS`)), timeoutMs);
      this.#takers.add(take);
    });
  }
}

/** JSON has no -Infinity; nothing quieter than -200 dBFS is worth a number. */
function readable(level) {
  return Math.max(-200, Math.round(level * 100) / 100);
}
