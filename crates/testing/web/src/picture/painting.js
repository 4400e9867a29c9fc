// What a test person shows: a canvas of one colour through which a darker bar goes, so that no two frames are alike.

const [WIDTH, HEIGHT, RATE] = [640, 360, 25];

/** Where it flashes, in the middle. Were it all of the picture, a frame with it would have so many bits that senders take their time. */
const FLASH = [WIDTH / 2 - 48, HEIGHT / 2 - 48, 96, 96];

/** How often it is looked whether there is a flash, in ms. */
const LOOK = 5;

/**
 * Paints until the page is closed.
 *
 * @param {string} colour as CSS writes it
 * @param {() => boolean} [flashes] whether the middle of it is white, just now
 * @returns {HTMLCanvasElement}
 */
export function painting(colour, flashes = () => false) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const context = canvas.getContext("2d", { alpha: false });
  let number = 0;
  let lit = false;
  const paint = () => {
    context.globalAlpha = 1;
    context.fillStyle = colour;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.globalAlpha = 0.5;
    context.fillStyle = "black";
    context.fillRect(((number * WIDTH) / (2 * RATE)) % WIDTH, 0, 20, HEIGHT);
    if (lit) {
      // Over the bar, which would darken it.
      context.globalAlpha = 1;
      context.fillStyle = "white";
      context.fillRect(...FLASH);
    }
    number += 1;
  };
  paint();
  setInterval(paint, 1000 / RATE);
  setInterval(() => {
    if (lit === flashes()) return;
    lit = !lit;
    paint();
  }, LOOK);
  return canvas;
}
