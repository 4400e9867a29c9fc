// Looks at received pictures: their colours at some points, and when the first one came. Sound never lives here.

export class Viewer {
  #video;
  #canvas = document.createElement("canvas");
  /** When the first frame of the present stream was shown, as `performance.now()` tells it. @type {number | null} */
  firstAt = null;

  /** @param {HTMLVideoElement} video plays what is looked at */
  constructor(video) {
    this.#video = video;
  }

  /** @param {MediaStream | null} stream */
  watch(stream) {
    this.firstAt = null;
    this.#video.srcObject = stream;
    if (!stream) return;
    // The sound is heard elsewhere.
    this.#video.muted = true;
    this.#video.play().catch(() => {});
    this.#video.requestVideoFrameCallback(() => {
      if (this.#video.srcObject === stream) this.firstAt ??= performance.now();
    });
  }

  /**
   * Tells whenever a point becomes bright after it was dark.
   *
   * @param {[number, number]} point from the left and from the top, 0 to 1
   * @param {number} bright mean of red, green and blue, 0 to 255
   * @param {number} dark
   * @param {(at: number) => void} tell told when the frame is shown, in ms of `performance.now()`
   * @returns {() => void} ends it
   */
  begins([x, y], bright, dark, tell) {
    let lit = true;
    let ended = false;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [4, 4];
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const frame = (_now, { expectedDisplayTime }) => {
      if (ended) return;
      const { videoWidth: width, videoHeight: height } = this.#video;
      context.drawImage(this.#video, x * width - 8, y * height - 8, 16, 16, 0, 0, 4, 4);
      const light = mean(context.getImageData(0, 0, 4, 4).data).reduce((sum, part) => sum + part, 0) / 3;
      if (light > bright && !lit) tell(expectedDisplayTime);
      if (light > bright) lit = true;
      if (light < dark) lit = false;
      this.#video.requestVideoFrameCallback(frame);
    };
    this.#video.requestVideoFrameCallback(frame);
    return () => {
      ended = true;
    };
  }

  /**
   * The colours that are seen, each the mean of a small square.
   *
   * @param {[number, number][]} points from the left and from the top, 0 to 1
   * @returns {{width: number, height: number, colours: [number, number, number][]} | null} null while there is no picture
   */
  look(points) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!width || !height) return null;
    [this.#canvas.width, this.#canvas.height] = [width, height];
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.#video, 0, 0);
    const colours = points.map(([x, y]) => {
      const side = 6;
      const left = Math.min(width - side, Math.max(0, Math.round(x * width - side / 2)));
      const top = Math.min(height - side, Math.max(0, Math.round(y * height - side / 2)));
      return mean(context.getImageData(left, top, side, side).data);
    });
    return { width, height, colours };
  }
}

/** @param {Uint8ClampedArray} pixels red, green, blue and opacity in turn @returns {[number, number, number]} */
export function mean(pixels) {
  const sums = [0, 0, 0];
  pixels.forEach((value, at) => {
    if (at % 4 < 3) sums[at % 4] += value;
  });
  return sums.map((sum) => Math.round((4 * sum) / pixels.length));
}
