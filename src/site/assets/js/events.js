// What happens becomes what the store knows. An event that is older than what is known of its room
// (because it is told again, or because `hello` knew it already) counts nothing twice.

import { api } from "./api.js";
import { learnPerson } from "./people.js";
import { noteTyping, stopTyping, store } from "./store.js";

/** Versions of rooms up to which everything was told here. */
export const told = new Map();

/** Takes one event. */
export function take(event) {
  const deed = deeds[event.event];
  if (deed) deed(event);
  if (event.op) store.op = Math.max(store.op, event.op);
  store.emit("event", event);
}

/** Whether an event is newer than the summary of its room, which then is as new. */
function isNews(event) {
  const room = store.rooms.get(event.room);
  if (!room || event.version <= (room.version ?? 0)) return false;
  room.version = event.version;
  return true;
}

function tellLog(event) {
  const change = store.logs.get(event.room)?.take(event);
  if (change) store.emit("messages", event.room, change);
}

function ofMessage(event) {
  if (event.from) store.meet(event.from, { display_name: event.display_name });
  tellLog(event);
}

function ofRoom(event) {
  const { event: _, summary, room, op, by, at, version, ...facts } = event;
  if (!summary && !store.rooms.has(room)) return;
  if (!summary && !isNews(event)) return;
  // What the room does not have is left out.
  store.changeRoom(room, { pinned: undefined, ...(summary ?? facts) });
}

const deeds = {
  message(event) {
    ofMessage(event);
    stopTyping(event.room, event.from);
    if (!isNews(event)) return;
    const room = store.rooms.get(event.room);
    store.changeRoom(event.room, { seq: Math.max(room.seq ?? 0, event.seq) });
  },
  edited: ofMessage,
  deleted: (event) => {
    isNews(event);
    tellLog(event);
  },
  reaction: (event) => {
    isNews(event);
    tellLog(event);
  },
  joined(event) {
    store.meet(event.user, { display_name: event.display_name });
    learnPerson(event.user);
    if (store.isMe(event.user) && !store.rooms.has(event.room)) return void learnRoom(event.room);
    if (!isNews(event)) return;
    const room = store.rooms.get(event.room);
    store.changeRoom(event.room, { members: (room.members ?? 0) + 1 });
  },
  left(event) {
    if (store.isMe(event.user)) {
      told.delete(event.room);
      return store.forgetRoom(event.room);
    }
    if (!isNews(event)) return;
    const room = store.rooms.get(event.room);
    store.changeRoom(event.room, { members: Math.max(0, (room.members ?? 1) - 1) });
  },
  member(event) {
    store.meet(event.user, { display_name: event.display_name });
    isNews(event);
    if (!store.isMe(event.user) || !store.rooms.has(event.room)) return;
    store.changeRoom(event.room, { role: event.role, muted_until: event.muted_until });
  },
  room: ofRoom,
  invited: ofRoom,
  notification({ notification }) {
    const { notices } = store;
    if (notices.latest.some((known) => known.id >= notification.id)) return;
    notices.latest = [notification, ...notices.latest].slice(0, 200);
    notices.unread += 1;
    store.touch("notices");
    const room = store.rooms.get(notification.room);
    if (notification.kind === "mention" && room && notification.seq > (room.read ?? 0)) {
      store.changeRoom(room.room, { mentions: (room.mentions ?? 0) + 1 });
    }
  },
  seen({ id }) {
    const { notices } = store;
    notices.latest = notices.latest.map((it) => (it.id <= id ? { ...it, seen: true } : it));
    notices.unread = notices.latest.filter((it) => !it.seen && it.id > id).length;
    store.touch("notices");
  },
  read({ room: name, seq }) {
    const room = store.rooms.get(name);
    if (!room || seq <= (room.read ?? 0)) return;
    const left = store.notices.latest.filter(
      (it) => it.kind === "mention" && it.room === name && it.seq > seq,
    );
    store.changeRoom(name, { read: seq, mentions: Math.min(room.mentions ?? 0, left.length) });
  },
  level({ room, level }) {
    if (store.rooms.has(room)) store.changeRoom(room, { level: level ?? undefined });
  },
  account({ user, display_name, role, disabled }) {
    store.meet(user, { display_name, role, disabled });
    if (!store.isMe(user)) return;
    store.me = { ...store.me, display_name, role, admin: role === "admin" };
    store.emit("me");
  },
  person({ name, display_name, avatar }) {
    store.meet(name, { display_name, avatar });
    if (!store.isMe(name)) return;
    store.me = { ...store.me, display_name, avatar };
    store.emit("me");
  },
  typing({ room, from, display_name, expires_in }) {
    noteTyping(room, { name: from, display_name }, expires_in);
  },
};

/** A room that I came into and that nobody has described. */
async function learnRoom(name) {
  try {
    store.changeRoom(name, await api.get(`/rooms/${encodeURIComponent(name)}`));
  } catch {
    // It is gone again, or comes with the next hello.
  }
}

/** Everything anew, as `hello` or the plain requests that stand for it say. */
export function begin({ epoch, op, user, limits, rooms, notifications }) {
  if (store.epoch && epoch && store.epoch !== epoch) {
    told.clear();
    for (const log of store.logs.values()) log.empty();
    store.rooms.clear();
    store.emit("messages", null, { kind: "reset" });
  }
  store.epoch = epoch ?? store.epoch;
  store.op = op ?? store.op;
  Object.assign(store.limits, limits);
  const { name, display_name, avatar } = user;
  store.me = { ...store.me, ...user, avatar };
  store.meet(name, { display_name, avatar });
  const names = new Set(rooms.map((room) => room.room));
  for (const name of [...store.rooms.keys()]) if (!names.has(name)) store.forgetRoom(name);
  for (const room of rooms) {
    store.rooms.delete(room.room);
    store.changeRoom(room.room, room);
  }
  store.notices = { unread: notifications.unread, latest: notifications.latest };
  store.emit("me");
  store.touch("notices");
}
