// A person's session with the homeserver: a matrix-js-sdk client from a token that exists already.
// No calls and no pages here; no end-to-end encryption either, since a focus has no device keys.

import { ClientEvent, SyncState, createClient } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

/**
 * @typedef {object} Credentials
 * @property {string} homeserver base URL of the client-server API
 * @property {string} user_id
 * @property {string} access_token
 * @property {string} device_id
 */

/**
 * Logs in with a token and waits for the first sync.
 *
 * @param {Credentials} credentials
 * @param {object} [options]
 * @param {number} [options.timeoutMs] how long the first sync may take
 * @param {boolean} [options.verbose] keep the library's debug log on the console
 * @param {"udp" | "tcp"} [options.relayBy] call by nothing but the homeserver's relays (TURN), reached in this way
 * @returns {Promise<import("matrix-js-sdk").MatrixClient>}
 */
export async function openSession(credentials, { timeoutMs = 30_000, verbose = false, relayBy } = {}) {
  if (!verbose) logger.setLevel("warn", false);
  const client = createClient({
    baseUrl: credentials.homeserver,
    userId: credentials.user_id,
    accessToken: credentials.access_token,
    deviceId: credentials.device_id,
    forceTURN: relayBy !== undefined,
    // A closing tab still has to say that its call is over; only such a request outlives its page. Nothing is cached: two people's
    // pages in one browser ask for the same URL, by tokens of their own, and Chromium would let the second wait for what the first
    // is told, up to 20 s.
    fetchFn: (resource, init) =>
      window.fetch(resource, { ...init, cache: "no-store", keepalive: pageIsClosing }),
  });
  const ready = [firstSync(client, timeoutMs)];
  if (relayBy) ready.push(relaysKnown(client, relayBy, timeoutMs));
  await client.startClient({
    disablePresence: true,
    // One sync answer may bring a new 1:1 room and the whole call in it; a short timeline would cut it.
    initialSyncLimit: 60,
  });
  await Promise.all(ready);
  return client;
}

let pageIsClosing = false;
window.addEventListener("pagehide", () => {
  pageIsClosing = true;
});
window.addEventListener("pageshow", () => {
  pageIsClosing = false;
});

/** Resolves when the room is known to the client; rejects after `timeoutMs`. */
export function roomKnown(client, roomId, timeoutMs = 15_000) {
  const room = client.getRoom(roomId);
  if (room) return Promise.resolve(room);
  return new Promise((resolve, reject) => {
    const done = (act, value) => {
      clearTimeout(timer);
      client.off(ClientEvent.Room, onRoom);
      act(value);
    };
    const onRoom = (newRoom) => {
      if (newRoom.roomId === roomId) done(resolve, newRoom);
    };
    const timer = setTimeout(
      () => done(reject, new Error(`the homeserver did not send the room ${roomId}`)),
      timeoutMs,
    );
    client.on(ClientEvent.Room, onRoom);
  });
}

/** Resolves when the homeserver has told its relays; of these the client knows those only that are reached by `transport`. */
function relaysKnown(client, transport, timeoutMs) {
  const told = client.getTurnServers;
  const reached = (uri) => uri.endsWith(`?transport=${transport}`);
  client.getTurnServers = () =>
    told.call(client).map((server) => ({ ...server, urls: [server.urls].flat().filter(reached) }));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the homeserver told no relays")), timeoutMs);
    client.once(ClientEvent.TurnServers, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function firstSync(client, timeoutMs) {
  return new Promise((resolve, reject) => {
    const done = (act, value) => {
      clearTimeout(timer);
      client.off(ClientEvent.Sync, onSync);
      act(value);
    };
    const onSync = (state, _previous, data) => {
      if (state === SyncState.Prepared) done(resolve);
      else if (state === SyncState.Error && data?.error?.errcode) done(reject, data.error);
    };
    const timer = setTimeout(() => done(reject, new Error("the homeserver did not answer in time")), timeoutMs);
    client.on(ClientEvent.Sync, onSync);
  });
}

