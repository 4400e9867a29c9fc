// Where a caller's sound comes from: the microphone, a tone, or nothing at all.
// Every source hands out a new stream per call, because the call stops the stream's tracks when it ends.

import { problemOf } from "./problem.js";

/** @typedef {() => Promise<{stream: MediaStream, silent: boolean, problem: string | null}>} SoundSource */

/**
 * The microphone. Where it is refused or missing, a silent track takes its place, so that one can listen.
 *
 * @param {() => AudioContext} context makes or returns the context that a silent track needs
 * @returns {SoundSource}
 */
export function microphone(context) {
  return async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: false });
      return { stream, silent: false, problem: null };
    } catch (error) {
      return { stream: silentStream(context()), silent: true, problem: problemOf(error) };
    }
  };
}

/**
 * A sine tone, for measurements: no echo cancellation, gain control or noise suppression touches it.
 *
 * @param {AudioContext} context
 * @param {number} hz frequency; 0 for silence
 * @param {number} [dbfs] level; a full-scale sine is 0 dBFS
 * @returns {SoundSource}
 */
export function tone(context, hz, dbfs = -12) {
  return async () => {
    if (!hz) return { stream: silentStream(context), silent: false, problem: null };
    const oscillator = new OscillatorNode(context, { frequency: hz });
    const gain = new GainNode(context, { gain: 10 ** (dbfs / 20) });
    const end = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    oscillator.connect(gain).connect(end);
    oscillator.start();
    return { stream: end.stream, silent: false, problem: null };
  };
}

/**
 * A sine that is there at times: for measurements, too.
 *
 * @param {AudioContext} context
 * @param {number} hz
 * @param {(time: number) => boolean} sounds whether it is there, by the context's time in s; asked for each 5 ms
 * @returns {SoundSource}
 */
export function pulses(context, hz, sounds) {
  return async () => {
    const oscillator = new OscillatorNode(context, { frequency: hz });
    const gain = new GainNode(context, { gain: 0 });
    const end = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    oscillator.connect(gain).connect(end);
    oscillator.start();
    // Ahead by what a timer may be late.
    let until = context.currentTime;
    setInterval(() => {
      for (; until < context.currentTime + 0.5; until += 0.005) {
        gain.gain.setValueAtTime(sounds(until) ? 0.3 : 0, until);
      }
    }, 100);
    return { stream: end.stream, silent: false, problem: null };
  };
}

function silentStream(context) {
  const source = new ConstantSourceNode(context, { offset: 0 });
  const end = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  source.connect(end);
  source.start();
  return end.stream;
}
