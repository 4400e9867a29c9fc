// What a page of http-conference shows, frame by frame: whose test pictures, and where. Run in the page before it joins, with the names of
// the conference and of whoever looks on; leaves `eye`.
//
// The format of the pictures is told in the crate `confocal-pictures`, module `test_picture`.

const [COLUMNS, ROWS, COLOURS] = [6, 4, 12];
const COSINES = [56, 48, 28, 0, -28, -48, -56, -48, -28, 0, 28, 48];

const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });

/** The means of Y, U and V in a part of the picture. */
function mean([x, y, width, height]) {
  const { data } = context.getImageData(x, y, Math.max(1, width), Math.max(1, height));
  let [r, g, b] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    r += data[at];
    g += data[at + 1];
    b += data[at + 2];
  }
  const count = data.length / 4;
  [r, g, b] = [r / count, g / count, b / count];
  return [
    0.257 * r + 0.504 * g + 0.098 * b + 16,
    -0.148 * r - 0.291 * g + 0.439 * b + 128,
    0.439 * r - 0.368 * g - 0.071 * b + 128,
  ];
}

function checksum(bytes) {
  let sum = 0xa5;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 0x80 ? ((sum << 1) ^ 0x07) & 0xff : sum << 1;
  }
  return sum;
}

/** The colour of the test picture that fills a part of what was drawn; null where there is none that can be read for sure. */
function read([left, top, width, height]) {
  const part = (x, y, w, h) =>
    mean([left + width * x, top + height * y, width * w, height * h].map(Math.floor));
  const [, u, v] = part(1 / 4, 3 / 32, 1 / 2, 1 / 16);
  const distances = COSINES.map((cosine, at) => Math.hypot(u - 128 - cosine, v - 128 - COSINES[(at + 9) % COLOURS]));
  const colour = distances.indexOf(Math.min(...distances));
  if (distances[colour] > 28) return null;
  let bits = 0;
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const [light] = part((6 + 6 * column + 1.5) / 48, (4 + 2 * row + 0.5) / 16, 3 / 48, 1 / 16);
      if (Math.abs(light - 125) < 30) return null;
      bits = (bits << 1) | (light > 125 ? 1 : 0);
    }
  }
  return checksum([bits >> 16, (bits >> 8) & 0xff, colour]) === (bits & 0xff) ? colour : null;
}

const eye = {
  /** When the present call connected and when its first picture was shown, by `performance.now()`. */
  connectedAt: null,
  firstAt: null,
  /** Each frame: when it was shown, in ms of Unix time, and whose picture is in each of the parts that are looked at. */
  frames: [],
  /** The parts that are looked at: from the left, from the top, width and height, 0 to 1. */
  parts: [],
};
window.eye = eye;

const Connection = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Connection {
  constructor(...how) {
    super(...how);
    [eye.connectedAt, eye.firstAt, eye.frames, eye.connection] = [null, null, [], this];
    this.addEventListener("connectionstatechange", () => {
      if (this.connectionState === "connected") eye.connectedAt ??= performance.now();
    });
  }
};

const video = document.getElementById("video");
function frame(_now, { expectedDisplayTime }) {
  eye.firstAt ??= performance.now();
  if (eye.parts.length > 0) {
    const [width, height] = [(canvas.width = video.videoWidth), (canvas.height = video.videoHeight)];
    context.drawImage(video, 0, 0);
    const seen = eye.parts.map(([x, y, w, h]) => read([x * width, y * height, w * width, h * height]));
    eye.frames.push({ at: performance.timeOrigin + expectedDisplayTime, seen });
  }
  video.requestVideoFrameCallback(frame);
}
video.requestVideoFrameCallback(frame);

async function flow() {
  for (const report of (await eye.connection.getStats()).values()) {
    if (report.type === "inbound-rtp" && report.kind === "video") {
      return { at: performance.now(), decoded: report.framesDecoded, freezes: report.freezeCount };
    }
  }
  throw new Error("no picture is received");
}

const until = async (condition) => {
  while (!condition()) await new Promise((go) => setTimeout(go, 20));
};

const [name, you, microphone, button] = ["name", "you", "microphone", "button"].map((id) => document.getElementById(id));
[name.value, you.value] = args;
// Who looks on is silent.
microphone.click();

eye.join = async () => {
  button.click();
  await until(() => eye.connectedAt !== null);
};

/** Leaves and joins again; returns how long after connecting the first picture was shown, in ms. */
eye.joinAnew = async () => {
  button.click();
  await eye.join();
  await until(() => eye.firstAt !== null);
  return eye.firstAt - eye.connectedAt;
};

/** Begins to look at parts of the picture. */
eye.look = (parts) => {
  eye.parts = parts;
  let ended = null;
  const looked = (async () => {
    await until(() => eye.frames.length > 0);
    const before = await flow();
    await new Promise((go) => (ended = go));
    const after = await flow();
    const seconds = (after.at - before.at) / 1000;
    const rate = (after.decoded - before.decoded) / seconds;
    return { seconds, rate, freezes: after.freezes - before.freezes, frames: eye.frames };
  })();
  /** Ends it, and returns what was seen. */
  eye.looked = async () => {
    await until(() => ended !== null);
    ended();
    return looked;
  };
};
