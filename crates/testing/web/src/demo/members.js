// The room's name and its members. The focus user isn't among them: the conference panel stands for it.

import { RoomEvent, RoomStateEvent } from "matrix-js-sdk";

import { avatar } from "./avatar.js";
import { element } from "./element.js";

export class Members {
  #room;
  #focusUserId;
  #inConference = new Set();
  #drawn = "";

  constructor(client, room, focusUserId) {
    this.#room = room;
    this.#focusUserId = focusUserId;
    const redraw = (_event, state) => {
      if (state.roomId === room.roomId) this.#draw();
    };
    client.on(RoomStateEvent.Members, redraw);
    client.on(RoomStateEvent.NewMember, redraw);
    client.on(RoomEvent.Name, () => this.#draw());
    this.#draw();
  }

  /** @param {string[]} members user ids of those whom the conference hears */
  showInConference(members) {
    this.#inConference = new Set(members);
    this.#draw();
  }

  #draw() {
    const members = this.#room
      .getJoinedMembers()
      .filter(({ userId }) => userId !== this.#focusUserId)
      .sort((a, b) => a.rawDisplayName.localeCompare(b.rawDisplayName));
    const lines = members.map(({ userId, rawDisplayName: name }) => ({
      userId,
      name,
      you: userId === this.#room.myUserId,
      talks: this.#inConference.has(userId),
    }));
    const drawing = JSON.stringify([this.#room.name, lines]);
    if (drawing === this.#drawn) return;
    this.#drawn = drawing;

    document.getElementById("room-name").textContent = this.#room.name;
    document.title = this.#room.name;
    document.getElementById("room-picture").replaceChildren(avatar(this.#room.roomId, this.#room.name));
    document.getElementById("member-count").textContent = String(lines.length);
    document.getElementById("members").replaceChildren(
      ...lines.map(({ userId, name, you, talks }) =>
        element(
          "li",
          { class: "member" },
          avatar(userId, name),
          element("span", { class: "name" }, name),
          you ? element("span", { class: "you" }, "you") : null,
          talks ? element("span", { class: "talks" }, "in the conference") : null,
        ),
      ),
    );
  }
}
