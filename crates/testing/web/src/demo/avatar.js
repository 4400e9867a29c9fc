// A round picture made of a person's initials and a colour that stays with them.

import { element } from "./element.js";
import { hueOf, initials } from "./participants.js";

/**
 * @param {string} member user id, which decides the colour
 * @param {string} name which gives the initials
 */
export function avatar(member, name) {
  const node = element("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", hueOf(member));
  return node;
}
