// The conference as the room shows it: who is in, who speaks, one's own call, and its buttons.
// It draws and reports clicks; it decides nothing.

import { callInWords, cameraProblemInWords, clockTime, soundProblemInWords } from "../call/words.js";
import { avatar } from "./avatar.js";
import { element, icon } from "./element.js";
import { companyInWords } from "./participants.js";

/**
 * What can be clicked.
 *
 * @typedef {object} Actions
 * @property {() => void} join
 * @property {() => void} leave
 * @property {() => void} mute
 * @property {() => void} camera
 * @property {() => void} share
 * @property {(layout: import("../conference-call.js").Layout) => void} layout
 */

export class ConferencePanel {
  #people = document.getElementById("participants");
  #company = document.getElementById("company");
  #state = document.getElementById("call-state");
  #clock = document.getElementById("clock");
  #notes = document.getElementById("notes");
  #join = document.getElementById("join");
  #mute = document.getElementById("mute");
  #leave = document.getElementById("leave");
  #camera = document.getElementById("camera");
  #share = document.getElementById("share");
  #layouts = document.getElementById("layouts");
  /** @type {Map<string, {tile: HTMLElement, words: HTMLElement, name: HTMLElement}>} */
  #tiles = new Map();
  #connectedAt = null;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#join.prepend(icon("join"));
    this.#leave.prepend(icon("leave"));
    this.#join.addEventListener("click", actions.join);
    this.#leave.addEventListener("click", actions.leave);
    this.#mute.addEventListener("click", actions.mute);
    this.#camera.addEventListener("click", actions.camera);
    this.#share.prepend(icon("screen"));
    this.#share.addEventListener("click", actions.share);
    this.#layouts.addEventListener("click", ({ target }) => {
      const layout = target.closest("[data-layout]")?.dataset.layout;
      if (layout) actions.layout(layout);
    });
    setInterval(() => this.#showClock(), 500);
  }

  /** @param {import("./participants.js").ParticipantView[]} people */
  showPeople(people) {
    setText(this.#company, companyInWords(people));
    const gone = new Set(this.#tiles.keys());
    people.forEach((person, index) => {
      gone.delete(person.member);
      const tile = this.#tileOf(person);
      this.#showPerson(tile, person);
      if (this.#people.children[index] !== tile.tile) {
        this.#people.insertBefore(tile.tile, this.#people.children[index] ?? null);
      }
    });
    for (const member of gone) {
      this.#tiles.get(member).tile.remove();
      this.#tiles.delete(member);
    }
  }

  #tileOf({ member, name, you }) {
    const known = this.#tiles.get(member);
    if (known) return known;
    const label = element("span", { class: "name" }, name);
    const words = element("span", { class: "doing" });
    const tile = element(
      "li",
      { class: "person" },
      element("span", { class: "ring" }, avatar(member, name)),
      label,
      you ? element("span", { class: "you" }, "you") : null,
      element("span", { class: "meter", "aria-hidden": "true" }, element("span")),
      words,
    );
    const made = { tile, words, name: label };
    this.#tiles.set(member, made);
    return made;
  }

  #showPerson({ tile, words, name }, person) {
    tile.classList.toggle("speaking", person.speaking);
    tile.classList.toggle("muted", person.muted);
    tile.classList.toggle("absent", !person.present);
    tile.style.setProperty("--loudness", person.loudness.toFixed(3));
    setText(name, person.name);
    setText(words, person.words);
  }

  /** Says that nothing is known of the others. @param {string} words */
  showNobodyKnown(words) {
    this.showPeople([]);
    setText(this.#company, words);
  }

  /** @param {import("../conference-call.js").ConferenceCall} call */
  showCall(call) {
    const buttons = [this.#join, this.#mute, this.#leave, this.#camera, this.#share];
    const focused = buttons.find((button) => button === document.activeElement);
    const connected = call.state === "connected" || call.reconnecting;
    const canSpeak = connected && !call.soundProblem;
    document.body.dataset.call = connected ? "in" : call.active ? "calling" : "out";

    this.#join.hidden = call.active;
    this.#join.disabled = false;
    this.#leave.hidden = !call.active;
    this.#mute.hidden = !canSpeak;
    setText(this.#leave.querySelector("span"), connected ? "Leave" : "Cancel");
    this.#mute.setAttribute("aria-pressed", String(call.muted));
    if (this.#mute.dataset.muted !== String(call.muted)) {
      this.#mute.dataset.muted = String(call.muted);
      this.#mute.replaceChildren(icon(call.muted ? "muted" : "microphone"), element("span", {}, "Mute"));
    }
    this.#layouts.hidden = !connected;
    this.#camera.hidden = !connected;
    this.#camera.setAttribute("aria-pressed", String(call.camera));
    if (this.#camera.dataset.on !== String(call.camera)) {
      this.#camera.dataset.on = String(call.camera);
      this.#camera.replaceChildren(icon(call.camera ? "camera" : "no-camera"), element("span", {}, "Camera"));
    }
    this.#share.hidden = !connected || !navigator.mediaDevices?.getDisplayMedia;
    this.#share.setAttribute("aria-pressed", String(call.screen));
    // Hiding the button that was just pressed would leave the keyboard nowhere.
    if (focused?.hidden) {
      (call.active ? (canSpeak ? this.#mute : this.#leave) : this.#join).focus();
    }

    const muted = connected && call.muted && !call.soundProblem;
    setText(this.#state, callInWords(call) + (muted ? " Your microphone is off." : ""));
    if (!connected) this.#connectedAt = null;
    else this.#connectedAt ??= performance.now();
    this.#showClock();
    this.#showNotes(call);
  }

  #showNotes(call) {
    const sound = call.active ? soundProblemInWords(call.soundProblem) : null;
    const camera = call.active ? cameraProblemInWords(call.cameraProblem) : null;
    const lines = [sound, camera, ...call.notices.slice(-3)].filter((line) => line !== null);
    const shown = [...this.#notes.children].map((node) => node.textContent);
    if (shown.length === lines.length && lines.every((line, index) => line === shown[index])) return;
    this.#notes.replaceChildren(...lines.map((line) => element("p", {}, line)));
  }

  #showClock() {
    const running = this.#connectedAt !== null;
    this.#clock.hidden = !running;
    if (running) setText(this.#clock, clockTime(performance.now() - this.#connectedAt));
  }
}

/** Leaves a node alone that says it already: live regions speak at every change. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
