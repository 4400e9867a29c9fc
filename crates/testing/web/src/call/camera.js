// Where a caller's pictures come from: the camera, or a canvas that a page paints.
// Every source hands out a new track per use, because whoever sends it stops it at the end.

import { problemOf } from "./problem.js";

/** @typedef {() => Promise<{track: MediaStreamTrack | null, problem: string | null}>} PictureSource */

/**
 * The camera, in a size that a tile of a conference needs.
 *
 * @returns {PictureSource}
 */
export function camera() {
  const video = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 25, max: 30 } };
  return async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
      return { track: stream.getVideoTracks()[0], problem: null };
    } catch (error) {
      return { track: null, problem: problemOf(error) };
    }
  };
}

/**
 * A canvas, as often as it is painted.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {PictureSource}
 */
export function painted(canvas) {
  return async () => ({ track: canvas.captureStream().getVideoTracks()[0], problem: null });
}
