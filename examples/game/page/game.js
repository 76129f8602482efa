// The board: draws what the server tells twenty times a second, and says where to head.

import { Nano, json } from "./nano.js";

const canvas = document.querySelector("#board");
const paint = canvas.getContext("2d");
const say = (id, text) => {
  document.getElementById(id).textContent = text;
};

let you = 0;
let coins = [];
// Where everybody was told to be, and where they are drawn: between two frames they glide.
const told = new Map();
const drawn = new Map();
let frames = 0;

const color = (id) => `hsl(${(id * 137.5) % 360} 75% 62%)`;

function frame(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const here = new Set();
  for (let at = 4; at + 10 <= bytes.length; at += 10) {
    const id = view.getUint32(at);
    const player = { x: view.getUint16(at + 4), y: view.getUint16(at + 6), coins: view.getUint16(at + 8) };
    told.set(id, player);
    here.add(id);
    if (!drawn.has(id)) drawn.set(id, { x: player.x, y: player.y });
  }
  for (const id of told.keys()) {
    if (!here.has(id)) {
      told.delete(id);
      drawn.delete(id);
    }
  }
  frames += 1;
  say("players", here.size);
  say("coins", told.get(you)?.coins ?? 0);
  say("bytes", bytes.length);
}

function draw() {
  paint.fillStyle = "#10241f";
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.strokeStyle = "#1b3a33";
  for (let x = 60; x < canvas.width; x += 60) line(x, 0, x, canvas.height);
  for (let y = 60; y < canvas.height; y += 60) line(0, y, canvas.width, y);
  for (const [x, y] of coins) disc(x, y, 9, "#ffd54a", "#a87900");
  for (const [id, to] of told) {
    const at = drawn.get(id);
    at.x += (to.x - at.x) * 0.35;
    at.y += (to.y - at.y) * 0.35;
    disc(at.x, at.y, 15, color(id), id === you ? "#ffffff" : "#0b1714");
    paint.fillStyle = "#dfeee9";
    paint.font = "600 13px system-ui, sans-serif";
    paint.textAlign = "center";
    paint.fillText(id === you ? `you · ${to.coins}` : `${id} · ${to.coins}`, at.x, at.y - 22);
  }
  requestAnimationFrame(draw);
}

function line(x, y, toX, toY) {
  paint.beginPath();
  paint.moveTo(x, y);
  paint.lineTo(toX, toY);
  paint.stroke();
}

function disc(x, y, radius, fill, edge) {
  paint.beginPath();
  paint.arc(x, y, radius, 0, 2 * Math.PI);
  paint.fillStyle = fill;
  paint.fill();
  paint.lineWidth = 3;
  paint.strokeStyle = edge;
  paint.stroke();
  paint.lineWidth = 1;
}

// ---- where to head

let heading = { x: 0, y: 0 };
let head = () => {};

function turn(x, y) {
  if (x === heading.x && y === heading.y) return;
  heading = { x, y };
  head(heading);
}

const held = new Set();
const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function byKeys() {
  let [x, y] = [0, 0];
  for (const key of held) {
    x += keys[key][0];
    y += keys[key][1];
  }
  turn(x, y);
}

addEventListener("keydown", (event) => {
  if (!(event.key in keys)) return;
  event.preventDefault();
  held.add(event.key);
  byKeys();
});
addEventListener("keyup", (event) => {
  held.delete(event.key);
  if (event.key in keys) byKeys();
});
addEventListener("blur", () => {
  held.clear();
  turn(0, 0);
});

function byFinger(event) {
  const box = canvas.getBoundingClientRect();
  const at = drawn.get(you);
  if (!at) return;
  const toward = (target, from) => (Math.abs(target - from) < 12 ? 0 : Math.sign(target - from));
  const x = ((event.clientX - box.left) / box.width) * canvas.width;
  const y = ((event.clientY - box.top) / box.height) * canvas.height;
  turn(toward(x, at.x), toward(y, at.y));
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  byFinger(event);
});
canvas.addEventListener("pointermove", (event) => {
  if (event.buttons) byFinger(event);
});
for (const end of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(end, () => turn(0, 0));
}

// ---- the connection

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function play() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const nano = new Nano(`${scheme}://${location.host}/nano`);
  nano.on("onFrame", frame);
  nano.on("onCoins", (bytes) => {
    coins = json(bytes).coins;
  });
  await nano.ready;
  const joined = await nano.request("game.join", {});
  if (joined.code !== 0) throw new Error(joined.error);
  you = joined.you;
  head = (to) => nano.notify("game.head", to);
  say("state", `You are number ${you}.`);
  const reason = await nano.ended;
  head = () => {};
  if (nano.kicked !== undefined) {
    say("state", `You were sent away: ${reason}`);
    return;
  }
  throw new Error(reason || "the connection has ended");
}

setInterval(() => {
  say("rate", frames);
  frames = 0;
}, 1000);
draw();

for (;;) {
  try {
    await play();
    break;
  } catch (error) {
    say("state", `Connecting again: ${error.message}`);
    told.clear();
    drawn.clear();
    await pause(1500);
  }
}
