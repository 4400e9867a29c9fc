// Asks the page's own server, again and again, who is in the conference.

/** Between two questions, in ms; a page that nobody sees asks less often. */
const INTERVAL = 250;
const HIDDEN_INTERVAL = 2000;
/** A server that is silent for this long counts as gone, in ms. */
const PATIENCE = 3000;

/**
 * @param {(status: object) => void} onStatus
 * @param {() => void} onSilence when the server has not answered for a while; again at each further failure
 * @returns {() => void} stops it
 */
export function pollStatus(onStatus, onSilence) {
  let stopped = false;
  let answeredAt = performance.now();
  let timer;
  const ask = async () => {
    try {
      const response = await fetch("/api/status", { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const status = await response.json();
      answeredAt = performance.now();
      if (!stopped) onStatus(status);
    } catch {
      if (!stopped && performance.now() - answeredAt > PATIENCE) onSilence();
    }
    if (!stopped) timer = setTimeout(ask, document.hidden ? HIDDEN_INTERVAL : INTERVAL);
  };
  ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
