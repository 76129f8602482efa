// The other way to hear what happens, where WebSockets do not get through: Server-Sent Events, and
// plain requests for what `hello` says.

import { api } from "./api.js";
import { begin, take, told } from "./events.js";
import { notePresence, store } from "./store.js";

const KINDS = (
  "message edited deleted reaction joined left member room invited notification seen read level " +
  "account signed_out person typing presence hello bye caught_up"
).split(" ");

/** Silence after which it is tried anew; the server says something each quarter of a minute. */
const WAIT_S = 5;

let source = null;
let timer = 0;
let on = null;

/** Listens; `on` hears whether that works: `live()`, `lost(seconds)`, `signedOut()`. */
export function openStream(listener) {
  on = listener;
  listen();
}

export function closeStream() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function listen() {
  closeStream();
  const it = new EventSource("/api/v1/events");
  source = it;
  // What happens while the plain requests are under way comes after what they say.
  let early = [];
  let epoch = null;
  const receive = (event) => {
    if (event.event === "presence") notePresence(event.room, event);
    else if (event.event === "caught_up") told.set(event.room, event.version);
    else if (event.event === "bye") again(event.retry_after ?? WAIT_S);
    else {
      if (event.version && event.op) told.set(event.room, event.version);
      take(event);
    }
  };
  const hello = async (event) => {
    if (event.epoch === epoch && !event.reset) return on.live();
    early = [];
    epoch = event.epoch;
    try {
      await catchUp(event);
    } catch (refusal) {
      if (it !== source) return;
      if (refusal.code === "unauthenticated") return on.signedOut();
      return again(refusal.retryAfter ?? WAIT_S);
    }
    if (it !== source) return;
    const events = early;
    early = null;
    events.forEach(receive);
    on.live();
  };
  for (const kind of KINDS) {
    it.addEventListener(kind, ({ data }) => {
      if (it !== source) return;
      const event = JSON.parse(data);
      if (kind === "hello") hello(event);
      else if (early) early.push(event);
      else receive(event);
    });
  }
  it.onerror = () => {
    if (it !== source) return;
    // A browser comes back by itself and says where it was, unless it was refused.
    if (it.readyState === EventSource.CLOSED) refused();
    else on.lost(3);
  };
}

/** Why it was refused is not told here, but to a plain request. */
async function refused() {
  again(WAIT_S);
  try {
    await api.get("/me");
  } catch (refusal) {
    if (refusal.code === "unauthenticated" && source === null) on.signedOut();
  }
}

function again(seconds) {
  closeStream();
  on.lost(seconds);
  timer = setTimeout(listen, seconds * 1000);
}

/** What `hello` says on a WebSocket. */
async function catchUp({ epoch, op }) {
  const [me, notes, rooms] = await Promise.all([
    api.get("/me"),
    api.get("/notifications?limit=10"),
    allRooms(),
  ]);
  // Messages that are shown may have changed meanwhile: they are read anew.
  for (const log of store.logs.values()) log.empty();
  const notifications = { unread: notes.unread, latest: notes.notifications };
  begin({ epoch, op, user: me.user, rooms, notifications });
  for (const room of rooms) told.set(room.room, room.version);
  for (const name of store.logs.keys()) store.emit("messages", name, { kind: "reset" });
}

async function allRooms() {
  const rooms = [];
  let page = { more: true };
  let after = "";
  while (page.more) {
    page = await api.get(`/rooms?limit=200${after}`);
    rooms.push(...page.rooms.filter((room) => room.joined));
    after = `&after=${encodeURIComponent(page.rooms.at(-1)?.room ?? "")}`;
  }
  return rooms;
}
