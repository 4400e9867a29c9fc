// The group room's timeline and the box to write into it.

import { EventStatus, RoomEvent } from "matrix-js-sdk";

import { avatar } from "./avatar.js";
import { element } from "./element.js";
import { messageInWords, stateInWords } from "./timeline-words.js";

/** How many events the page keeps; older ones go. */
const KEPT = 300;
/** Messages of one person in this time stand under one name, in ms. */
const GROUP_MS = 5 * 60_000;

export class Timeline {
  #client;
  #room;
  #focusUserId;
  #list = document.getElementById("timeline");
  #frame = this.#list.parentElement;
  /** One node per event; an event that was sent here keeps its object when the homeserver gives it back. */
  #nodes = new Map();
  #last = null;
  /** The newest event is in sight, and has to stay there whatever comes or changes its size. */
  #atEnd = true;

  constructor(client, room, focusUserId) {
    this.#client = client;
    this.#room = room;
    this.#focusUserId = focusUserId;
    for (const event of room.getLiveTimeline().getEvents()) this.#add(event);
    client.on(RoomEvent.Timeline, (event, from, toStart) => {
      if (from?.roomId === room.roomId && !toStart) this.#add(event);
    });
    client.on(RoomEvent.LocalEchoUpdated, (event, from) => {
      if (from?.roomId === room.roomId) this.#showStatus(event);
    });
    this.#frame.addEventListener("scroll", () => {
      this.#atEnd = this.#frame.scrollHeight - this.#frame.scrollTop - this.#frame.clientHeight < 40;
    });
    const resized = new ResizeObserver(() => {
      if (this.#atEnd) this.#toEnd();
    });
    resized.observe(this.#frame);
    resized.observe(this.#list);
    this.#connectComposer();
  }

  #connectComposer() {
    const form = document.getElementById("composer");
    const box = form.querySelector("input");
    form.addEventListener("submit", (submitted) => {
      submitted.preventDefault();
      const text = box.value.trim();
      if (!text) return;
      box.value = "";
      // A failure is shown at the message itself.
      this.#client.sendTextMessage(this.#room.roomId, text).catch(() => {});
      this.#toEnd();
    });
    box.disabled = false;
    form.querySelector("button").disabled = false;
  }

  #add(event) {
    if (this.#nodes.has(event)) return;
    const node = this.#draw(event);
    if (!node) return;
    this.#nodes.set(event, node);
    this.#list.append(node);
    this.#showStatus(event);
    if (this.#nodes.size > KEPT) {
      const [oldest, oldestNode] = this.#nodes.entries().next().value;
      this.#nodes.delete(oldest);
      oldestNode.remove();
    }
    if (this.#atEnd) this.#toEnd();
  }

  #draw(event) {
    const parts = {
      type: event.getType(),
      sender: event.getSender(),
      stateKey: event.getStateKey(),
      content: event.getContent(),
      previous: event.getPrevContent(),
    };
    if (event.isState()) {
      const sentence = stateInWords(parts, this.#nameOf, this.#focusUserId);
      if (!sentence) return null;
      this.#last = null;
      return element("li", { class: "event" }, sentence, " ", timeOf(event));
    }
    const message = messageInWords(parts);
    if (!message) return null;
    const follows = this.#last?.sender === parts.sender && event.getTs() - this.#last.at < GROUP_MS;
    this.#last = { sender: parts.sender, at: event.getTs() };
    const name = this.#nameOf(parts.sender);
    const body = element("p", { class: message.quiet ? "body quiet" : "body" }, message.text);
    if (follows) return element("li", { class: "message follows" }, body);
    const head = element("p", { class: "head" }, element("span", { class: "sender" }, name), " ", timeOf(event));
    return element("li", { class: "message" }, avatar(parts.sender, name), head, body);
  }

  #showStatus(event) {
    const node = this.#nodes.get(event);
    if (!node) return;
    const failed = event.status === EventStatus.NOT_SENT;
    node.classList.toggle("sending", event.status !== null && !failed && event.status !== EventStatus.SENT);
    node.querySelector(".failed")?.remove();
    if (!failed) return;
    const again = () => this.#client.resendEvent(event, this.#room).catch(() => {});
    node.append(
      element("p", { class: "failed" }, "Not sent. ", element("button", { type: "button", onclick: again }, "Try again")),
    );
  }

  #nameOf = (member) => this.#room.getMember(member)?.rawDisplayName ?? member;

  #toEnd() {
    this.#frame.scrollTop = this.#frame.scrollHeight;
  }
}

function timeOf(event) {
  const date = event.getDate() ?? new Date();
  const text = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return element("time", { dateTime: date.toISOString() }, text);
}
