// Makes DOM elements, with text only ever set as text. No state, no knowledge of the page.

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] `class` and `aria-*` and other dashed names are attributes; functions
 *   under `on…` are listeners; everything else is set as a property
 * @param {...(Node | string | null)} children
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name === "role" || name.includes("-")) node.setAttribute(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A small picture drawn with strokes in the text's colour; hidden from screen readers.
 *
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

const PATHS = {
  microphone: "M12 4a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V7a3 3 0 0 0-3-3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3",
  muted: "M9 9v3a3 3 0 0 0 5 2.2M15 12V7a3 3 0 0 0-5.8-1M5.5 11.5a6.5 6.5 0 0 0 10.6 5M18.4 12.6q.1-.5.1-1.1M12 18v3M4 4l16 16",
  camera: "M4 7h9a1.5 1.5 0 0 1 1.5 1.5v7A1.5 1.5 0 0 1 13 17H4a1.5 1.5 0 0 1-1.5-1.5v-7A1.5 1.5 0 0 1 4 7ZM14.5 11l6-3.5v9l-6-3.5",
  "no-camera": "M8 7h5a1.5 1.5 0 0 1 1.5 1.5V13M14.5 15.500A1.5 1.5 0 0 1 13 17H4a1.5 1.5 0 0 1-1.5-1.5v-7A1.5 1.5 0 0 1 4 7M14.5 11l6-3.5v9l-3-1.700M3 3l17 17",
  screen: "M3.5 5h17v11h-17ZM9 20h6M12 16v4M12 13V8M9.5 10.5 12 8l2.5 2.5",
  join: "M6.5 4h3l1.5 4-2 1.6a11 11 0 0 0 5.4 5.4l1.6-2 4 1.5v3a2 2 0 0 1-2.2 2A16 16 0 0 1 4.5 6.200a2 2 0 0 1 2-2.2Z",
  leave: "M3 13.5c5-4.600 13-4.600 18 0l-2 2.600-4-1.600v-2.400a11 11 0 0 0-6 0v2.400l-4 1.600Z",
};
