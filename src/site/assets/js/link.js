// The connection: one WebSocket that comes back by itself and says where it was, so that nothing is
// missed and nothing told twice; where WebSockets do not get through, `stream.js` stands in.

import { Refusal, unreachable } from "./api.js";
import { Asked } from "./asked.js";
import { attend } from "./attend.js";
import { begin, take, told } from "./events.js";
import { notePresence, store } from "./store.js";

/** Waits between tries: drawn from zero to a bound that doubles up to the last. */
const WAIT_MS = 500;
const WAIT_MS_MAX = 30_000;
/** How long a connection may take to say hello. */
const OPEN_MS = 10_000;
/** Tries that fail before the other way is taken, and when WebSockets are tried again after that. */
const FAILURES_MAX = 2;
const AGAIN_MS = 5 * 60_000;

let socket = null;
let failures = 0;
let isStreaming = false;
/** The other way, which is read when it is taken: `byRest`, `openStream`, `closeStream`. */
let other = null;
let retryTimer = 0;
let silenceTimer = 0;
let heartbeat = 30;
const asked = new Asked(() => lose());
/** Rooms that are just told what they missed. */
const catching = new Set();

export const link = {
  /** Connects, and from then on keeps connected. */
  start() {
    addEventListener("online", () => hurry());
    addEventListener("offline", () => lose());
    addEventListener("pagehide", () => socket?.close());
    addEventListener("pageshow", (event) => event.persisted && hurry());
    document.addEventListener("visibilitychange", looked);
    connect();
  },

  /** Does a command; its `ok`, or a Refusal. */
  call(command) {
    if (isStreaming) return other.byRest(command);
    if (store.state !== "live") return Promise.reject(unreachable());
    return say(command);
  },

  /** The same without an answer; nothing happens if there is no connection. */
  tell(command) {
    if (store.state !== "live") return;
    if (isStreaming) other.byRest(command).catch(() => {});
    else socket.send(JSON.stringify(command));
  },

  /** Tries now instead of later. */
  retry: () => hurry(),

  /** Whether WebSockets do not get through. */
  isStreaming: () => isStreaming,
};

const say = (command) => asked.say(command, (text) => socket.send(text));

function hurry() {
  if (store.state === "signed-out") return;
  clearTimeout(retryTimer);
  if (!socket && !isStreaming) connect();
}

function connect() {
  clearTimeout(retryTimer);
  if (store.state !== "live") store.setState("connecting");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  let it;
  try {
    it = new WebSocket(`${scheme}//${location.host}/ws?hold=1`, "parlour.v1");
  } catch {
    return failed();
  }
  socket = it;
  let isOpen = false;
  const tooSlow = setTimeout(() => it === socket && lose(), OPEN_MS);
  it.onmessage = ({ data }) => {
    if (it !== socket) return;
    listen();
    const message = JSON.parse(data);
    if (message.event === "hello") {
      clearTimeout(tooSlow);
      isOpen = true;
      hello(message);
    } else receive(message);
  };
  it.onclose = () => {
    clearTimeout(tooSlow);
    if (it !== socket) return;
    socket = null;
    hush();
    if (isOpen) later();
    else failed();
  };
}

/** Gives a connection up without waiting for its end, which may never be heard of. */
function lose() {
  const it = socket;
  if (!it) return;
  const wasOpen = store.state === "live";
  socket = null;
  it.close();
  hush();
  if (wasOpen) later();
  else failed();
}

/** What was under way has no answer any more. */
function hush() {
  clearTimeout(silenceTimer);
  asked.hush();
  catching.clear();
}

/** Nothing came of a try: is it the server, or the way to it, or am I signed out? */
async function failed() {
  failures += 1;
  later();
  if (!navigator.onLine) return;
  let status = 0;
  try {
    status = (await fetch("/api/v1/me", { cache: "no-store" })).status;
  } catch {
    return;
  }
  if (status === 401) return signedOut();
  if (status === 200 && failures >= FAILURES_MAX && !socket && !isStreaming) stream();
}

async function stream() {
  try {
    other ??= Object.assign(
      {},
      ...(await Promise.all([import("./rest.js"), import("./stream.js")])),
    );
  } catch {
    return;
  }
  if (socket || isStreaming || store.state === "signed-out") return;
  clearTimeout(retryTimer);
  isStreaming = true;
  other.openStream({
    live() {
      store.setState("live");
      attend(link.call);
    },
    lost: (seconds) => store.setState("away", Date.now() + seconds * 1000),
    signedOut,
  });
  setTimeout(tryAgain, AGAIN_MS);
}

/** WebSockets may get through by now. */
function tryAgain() {
  if (!isStreaming) return;
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const probe = new WebSocket(`${scheme}//${location.host}/ws?hold=1`, "parlour.v1");
  probe.onmessage = () => {
    probe.close();
    if (!isStreaming) return;
    isStreaming = false;
    other.closeStream();
    store.setState("connecting");
    connect();
  };
  probe.onerror = () => setTimeout(tryAgain, AGAIN_MS);
}

function later(seconds) {
  if (store.state === "signed-out") return;
  const bound = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** Math.min(failures, 10));
  const wait = seconds === undefined ? Math.random() * bound : seconds * 1000;
  store.setState("away", Date.now() + wait);
  clearTimeout(retryTimer);
  retryTimer = setTimeout(connect, wait);
}

function signedOut() {
  clearTimeout(retryTimer);
  if (isStreaming) other.closeStream();
  isStreaming = false;
  const it = socket;
  socket = null;
  it?.close();
  hush();
  store.setState("signed-out");
}

/** Something was heard; silence for too long means that the connection is dead. */
function listen() {
  clearTimeout(silenceTimer);
  silenceTimer = setTimeout(() => lose(), heartbeat * 1500);
}

async function hello(message) {
  heartbeat = message.heartbeat ?? heartbeat;
  begin(message);
  // What is open here goes on where it was; all else is as hello says.
  const rooms = {};
  for (const name of [...told.keys()]) {
    if (store.rooms.has(name) && store.logs.has(name)) rooms[name] = told.get(name);
    else told.delete(name);
  }
  for (const room of message.rooms) if (!told.has(room.room)) told.set(room.room, room.version);
  try {
    const resumed = await say({ do: "resume", epoch: message.epoch, rooms });
    place(resumed.rooms);
    await restOfRooms(message);
    failures = 0;
    store.setState("live");
    attend(link.call);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    lose();
  }
}

/** What became of each room that was open. */
function place(rooms) {
  for (const [name, way] of Object.entries(rooms)) {
    if (way.error) {
      // It is gone, or I am not in it any more; nothing else may say so.
      told.delete(name);
      store.forgetRoom(name);
    } else if (way.mode === "reset") {
      told.set(name, way.to);
      store.logs.get(name)?.empty();
      store.emit("messages", name, { kind: "reset" });
    } else catching.add(name);
  }
}

async function restOfRooms({ more }) {
  let after;
  while (more) {
    const page = await say({ do: "rooms", after });
    for (const room of page.rooms) {
      if (!room.joined || store.rooms.has(room.room)) continue;
      store.changeRoom(room.room, room);
      told.set(room.room, room.version);
    }
    more = page.more;
    after = page.rooms.at(-1)?.room;
  }
}

function receive(message) {
  if ("re" in message) asked.settle(message);
  else if (message.event === "caught_up") {
    told.set(message.room, message.version);
    catching.delete(message.room);
  } else if (message.event === "presence") notePresence(message.room, message);
  else if (message.event === "bye") goodbye(message);
  else if (message.event) happen(message);
  else socket.send("{}");
}

function happen(event) {
  // My own leaving ends a room, whatever its version: of a deleted one it says nothing of the others.
  if (event.event === "left" && store.isMe(event.user)) catching.delete(event.room);
  else if (event.version && event.op) {
    const last = told.get(event.room);
    const isGap = last !== undefined && event.version > last + 1 && !catching.has(event.room);
    if (isGap) return void fillGap(event.room, last);
    told.set(event.room, Math.max(last ?? 0, event.version));
  }
  take(event);
}

/** Something is missing, which should not be: what came afterwards comes again. */
async function fillGap(room, version) {
  catching.add(room);
  try {
    const resumed = await say({ do: "resume", epoch: store.epoch, rooms: { [room]: version } });
    place(resumed.rooms);
  } catch {
    lose();
  }
}

function goodbye({ code, reconnect, retry_after: seconds }) {
  const it = socket;
  socket = null;
  it.close();
  hush();
  if (code === 4001) signedOut();
  else if (reconnect) later(seconds);
  else later(60); // More devices than one person may have: not at once.
}

function looked() {
  if (!document.hidden) hurry();
  attend(link.call);
}
