// The focus's status as a list of people to draw. Pure: status in, view out.

/** The quietest and loudest levels that a meter tells apart, in dBov. */
const QUIETEST = -60;
const LOUDEST = -12;

/**
 * @typedef {object} Leg one call of one device, as the focus reports it
 * @property {string | object} state
 * @property {boolean} [muted]
 * @property {number} [level] dBov, −127 to 0
 * @property {boolean} [speaking]
 *
 * @typedef {object} ParticipantView
 * @property {string} member user id
 * @property {string} name
 * @property {boolean} you
 * @property {boolean} present sound flows
 * @property {boolean} muted
 * @property {boolean} speaking
 * @property {number} loudness 0 to 1
 * @property {string} words what there is to say of them
 */

/**
 * @param {{participants?: {member: string, display_name?: string, silenced?: string | null, legs?: Leg[]}[]}} status
 * @param {string} me own user id
 * @param {(member: string) => string | undefined} nameOf names known to the room
 * @returns {ParticipantView[]} in the focus's order, which is the order of joining
 */
export function participantsView(status, me, nameOf = () => undefined) {
  return (status?.participants ?? []).map(({ member, display_name: displayName, silenced, legs = [] }) => {
    const live = legs.filter((leg) => legState(leg) === "active");
    const muted = live.length > 0 && (Boolean(silenced) || live.every((leg) => leg.muted));
    const heard = silenced ? [] : live.filter((leg) => !leg.muted);
    const speaking = heard.some((leg) => leg.speaking);
    const level = Math.max(-127, ...heard.map((leg) => leg.level ?? -127));
    return {
      member,
      name: displayName || nameOf(member) || localpart(member),
      you: member === me,
      present: live.length > 0,
      muted,
      speaking,
      loudness: Math.min(1, Math.max(0, (level - QUIETEST) / (LOUDEST - QUIETEST))),
      words: wordsOf({ live, legs, muted, speaking }),
    };
  });
}

function wordsOf({ live, legs, muted, speaking }) {
  if (live.length === 0) {
    const some = (state) => legs.some((leg) => legState(leg) === state);
    if (some("held")) return "on hold";
    return some("reconnecting") ? "reconnecting" : "joining";
  }
  if (muted) return "muted";
  return speaking ? "speaking" : "listening";
}

/** A state is a word, or an object whose only key is the word: `"active"`, `{"Active": {…}}`. */
function legState({ state }) {
  const word = typeof state === "string" ? state : Object.keys(state ?? {})[0];
  return (word ?? "").toLowerCase();
}

/**
 * Who is there, in words.
 *
 * @param {ParticipantView[]} people
 */
export function companyInWords(people) {
  if (people.length === 0) return "Nobody is here yet. Join to begin.";
  const speakers = people.filter(({ speaking }) => speaking).map(({ you, name }) => (you ? "you" : name));
  const count = people.length === 1 ? "1 person" : `${people.length} people`;
  if (speakers.length === 0) return `${count} here`;
  const verb = speakers.length === 1 && speakers[0] !== "you" ? "is" : "are";
  const names = new Intl.ListFormat("en", { type: "conjunction" }).format(speakers);
  return `${count} here, ${names} ${verb} speaking`;
}

/** @param {string} name @returns {string} one or two letters to stand for a picture */
export function initials(name) {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, " ").trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word][0] ?? "");
  return letters.join("").toLocaleUpperCase("en") || "?";
}

/** @param {string} member user id @returns {number} a hue in degrees that stays with the person */
export function hueOf(member) {
  // FNV-1a: ids that differ only in the middle still fall far apart.
  let hash = 0x811c9dc5;
  for (const character of member) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  return (hash >>> 0) % 360;
}

function localpart(member) {
  return String(member).replace(/^@/, "").split(":")[0];
}
