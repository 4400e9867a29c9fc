// What a room event says in the timeline. Pure: the parts of an event in, words out.

/**
 * @typedef {object} EventParts
 * @property {string} type
 * @property {string} sender user id
 * @property {string} [stateKey]
 * @property {object} content
 * @property {object} [previous] content of the state before
 */

/**
 * A sentence for a state event, or null for one that nobody wants to read.
 *
 * The focus user's coming and going is told as the conference's, as clients did when conferences were calls to a focus.
 *
 * @param {EventParts} event
 * @param {(member: string) => string} nameOf
 * @param {string} focusUserId
 */
export function stateInWords(event, nameOf, focusUserId) {
  const who = nameOf(event.sender);
  switch (event.type) {
    case "m.room.create":
      return `${who} created the room`;
    case "m.room.name":
      return event.content.name ? `${who} named the room “${event.content.name}”` : null;
    case "m.room.topic":
      return event.content.topic ? `${who} set the topic: ${event.content.topic}` : null;
    case "m.room.member":
      return event.stateKey === focusUserId ? focusInWords(event, who) : memberInWords(event, who, nameOf);
    default:
      return null;
  }
}

function focusInWords({ content, previous, sender, stateKey }, who) {
  if (content.membership === previous?.membership) return null;
  switch (content.membership) {
    case "invite":
      return `${who} asked for a conference`;
    case "join":
      return "The conference is open";
    case "leave":
    case "ban":
      return sender === stateKey ? "The conference is over" : `${who} sent the conference away`;
    default:
      return null;
  }
}

function memberInWords({ content, previous, sender, stateKey }, who, nameOf) {
  const whom = nameOf(stateKey);
  const before = previous?.membership;
  switch (content.membership) {
    case "invite":
      return `${who} invited ${whom}`;
    case "join":
      if (before !== "join") return `${whom} joined`;
      return content.displayname !== previous.displayname ? `${previous.displayname ?? whom} is now ${whom}` : null;
    case "leave":
      if (sender !== stateKey) return before === "ban" ? `${who} let ${whom} back in` : `${who} removed ${whom}`;
      return before === "invite" ? `${whom} declined the invitation` : `${whom} left`;
    case "ban":
      return `${who} banned ${whom}`;
    default:
      return null;
  }
}

/**
 * The text of a message, or null if it has none.
 *
 * @param {EventParts} event
 * @returns {{text: string, quiet: boolean} | null} `quiet` for notices
 */
export function messageInWords({ type, content }) {
  if (type === "m.room.encrypted") return { text: "This message is encrypted.", quiet: true };
  if (type !== "m.room.message" || typeof content?.body !== "string") return null;
  return { text: content.body, quiet: content.msgtype === "m.notice" };
}
