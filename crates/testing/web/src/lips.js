// Whether lips move with the voice: how long after the sound of a moment its picture is seen. Nothing is measured of sound or
// pictures but when they begin.

/** How often a person who flashes and beeps does so, and for how long, in s. */
const [PERIOD, LENGTH] = [1, 0.2];
/** From which level on a beep is heard, dBFS (RMS over 10 ms). */
const BEEP = -35;
/** Above which mean of red, green and blue a flash is seen, and below which it is over. */
const [BRIGHT, DARK] = [200, 150];
/** What is further apart is not of one moment, in ms. */
const APART = 400;

/**
 * Whether there is a flash and a beep at a moment.
 *
 * @param {number} time s on the clock of the sound
 */
export function flashes(time) {
  return time % PERIOD < LENGTH;
}

/**
 * Measures so many moments.
 *
 * @param {import("./picture/viewer.js").Viewer} viewer
 * @param {import("./sound/listener.js").Listener} listener
 * @param {number} count
 * @param {[number, number]} point where flashes are seen, from the left and from the top, 0 to 1
 * @param {number} timeoutMs
 * @returns {Promise<number[]>} how many ms later than heard each was seen; negative: before it was heard
 */
export function skews(viewer, listener, count, point, timeoutMs) {
  return new Promise((resolve, reject) => {
    const [seen, heard, found] = [[], [], []];
    const pair = () => {
      while (seen.length && heard.length) {
        const apart = seen[0] - heard[0];
        if (Math.abs(apart) <= APART) found.push(apart);
        // The one that came first has no other half.
        if (apart <= APART) seen.shift();
        if (apart >= -APART) heard.shift();
      }
      if (found.length >= count) done(resolve, found.map((skew) => Math.round(10 * skew) / 10));
    };
    const stops = [
      listener.begins(BEEP, (at) => {
        heard.push(at);
        pair();
      }),
      viewer.begins(point, BRIGHT, DARK, (at) => {
        seen.push(at);
        pair();
      }),
    ];
    const done = (act, value) => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      act(value);
    };
    const complaint = () => new Error(`${found.length} of ${count}, ${seen.length} seen and ${heard.length} heard beside them`);
    const timer = setTimeout(() => done(reject, complaint()), timeoutMs);
  });
}
