// What this browser knows of the chat: who I am, my rooms, people, notices, who is here and who
// types. The link tells it what happens; whoever shows something asks it and hears of changes.
//
// Kinds of changes: `rooms`, `people`, `notices`, `typing`, `presence`, gathered for a moment;
// `state`, `me`, `room` (name), `messages` (name, change), `event` (raw), at once.

import { Log } from "./log.js";

const listeners = new Map();
const waiting = new Set();

/** Rooms whose messages are kept when others are read. */
const LOGS_MAX = 12;

export const store = {
  /** `{name, display_name, role, admin}` */
  me: null,
  /** Name to the room's summary; those that I am in. */
  rooms: new Map(),
  /** Name to `{name, display_name, avatar?, presence?}`, as far as they were seen. */
  people: new Map(),
  notices: { unread: 0, latest: [] },
  /** `connecting`, `live`, `away` (no connection), `signed-out`. */
  state: "connecting",
  /** While `away`: when the next try is, in milliseconds since 1970. */
  nextTry: 0,
  epoch: null,
  op: 0,
  limits: { text: 8000, upload: 25 << 20 },
  logs: new Map(),

  on(kind, listener) {
    if (!listeners.has(kind)) listeners.set(kind, new Set());
    listeners.get(kind).add(listener);
    return () => listeners.get(kind).delete(listener);
  },

  /** Tells listeners at once. */
  emit(kind, ...what) {
    for (const listener of [...(listeners.get(kind) ?? [])]) {
      try {
        listener(...what);
      } catch (error) {
        console.error(error);
      }
    }
  },

  /** Tells listeners soon, once for all changes of this moment. */
  touch(kind) {
    if (waiting.has(kind)) return;
    waiting.add(kind);
    setTimeout(() => {
      waiting.delete(kind);
      store.emit(kind);
    }, 20);
  },

  setState(state, nextTry = 0) {
    const isNew = state !== store.state;
    store.state = state;
    store.nextTry = nextTry;
    if (isNew || nextTry) store.emit("state", state);
  },

  /** Who I am, if a name is mine. */
  isMe: (name) => store.me?.name === name,

  /** What somebody is called, `@name` if nothing better is known. */
  called: (name) => store.people.get(name)?.display_name ?? name,

  meet(name, about = {}) {
    if (!name) return null;
    const known = store.people.get(name);
    const isNew = !known || Object.entries(about).some(([key, value]) => known[key] !== value);
    if (!isNew) return known;
    const person = { display_name: name, ...known, ...about, name };
    store.people.set(name, person);
    store.touch("people");
    return person;
  },

  /** Changes what is known of a room that I am in, or makes it known. */
  changeRoom(name, facts) {
    const room = { ...store.rooms.get(name), room: name, ...facts };
    room.unread = Math.max(0, (room.seq ?? 0) - (room.read ?? 0));
    if (room.unread === 0) room.mentions = 0;
    store.rooms.set(name, room);
    store.touch("rooms");
    store.emit("room", name);
    return room;
  },

  forgetRoom(name) {
    store.logs.delete(name);
    here.delete(name);
    if (store.rooms.delete(name)) {
      store.touch("rooms");
      store.emit("room", name);
    }
  },

  /** What was said in a room, as far as it is read. */
  log(name, ask) {
    let log = store.logs.get(name);
    if (log) store.logs.delete(name);
    else log = new Log(name, ask);
    store.logs.set(name, log);
    if (store.logs.size > LOGS_MAX) store.logs.delete(store.logs.keys().next().value);
    return log;
  },

  /** Who types in a room, but for me: `[{name, display_name}]`. */
  typing: (room) => [...(typing.get(room)?.values() ?? [])].map((it) => it.person),

  /** Who is in a room just now: name to `online` or `away`. */
  online: (room) => here.get(room)?.people ?? new Map(),

  /** How many are, which is known for large rooms, too. */
  onlineCount: (room) => here.get(room)?.count ?? 0,
};

const here = new Map();
const typing = new Map();

/** Somebody types in a room, for so many seconds. */
export function noteTyping(room, person, seconds) {
  if (store.isMe(person.name)) return;
  if (!typing.has(room)) typing.set(room, new Map());
  const inRoom = typing.get(room);
  clearTimeout(inRoom.get(person.name)?.timer);
  const timer = setTimeout(() => stopTyping(room, person.name), seconds * 1000);
  inRoom.set(person.name, { person, timer });
  store.touch("typing");
}

/** They have said it, or given up. */
export function stopTyping(room, name) {
  const it = typing.get(room)?.get(name);
  if (!it) return;
  clearTimeout(it.timer);
  typing.get(room).delete(name);
  store.touch("typing");
}

/** Who is in a room, from an answer with lists or an event with changes. */
export function notePresence(room, { online, away, changes, count }) {
  if (!here.has(room)) here.set(room, { people: new Map(), count: 0 });
  const it = here.get(room);
  if (online) it.people = new Map();
  for (const name of online ?? []) it.people.set(name, "online");
  for (const name of away ?? []) it.people.set(name, "away");
  for (const [name, state] of Object.entries(changes ?? {})) {
    if (state === "offline") it.people.delete(name);
    else it.people.set(name, state);
    store.meet(name, { presence: state });
  }
  it.count = count ?? it.people.size;
  store.touch("presence");
}
