// What was said here and has not arrived yet. Each message has a key of its own, so that saying it
// again, by this tab or another or after a reload, is harmless: the server takes it once.
//
// A message is `sending` until the server has it, then `sent` until it comes back as an event, which
// takes its place; or `failed`, with the reason, and waits for somebody to decide.

import { freshKey, Refusal } from "./api.js";
import { forget, keep, kept } from "./keeping.js";
import { link } from "./link.js";
import { store } from "./store.js";

const WAIT_MS = 1000;
const WAIT_MS_MAX = 30_000;

/** In the order in which they were said. */
let entries = [];
const busy = new Set();
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("parlour-outbox") : null;

export const outbox = {
  /** What waits in a room. */
  of: (room) => entries.filter((entry) => entry.room === room),

  /** Says something as soon as that is possible. */
  send({ room, text, reply_to, attachment }) {
    const at = new Date().toISOString();
    const key = freshKey();
    const from = store.me?.name;
    const entry = { key, room, text, reply_to, attachment, at, from, state: "sending", tries: 0 };
    entries.push(entry);
    keep(entry);
    tell(room);
    pump(room);
    return entry;
  },

  retry(key) {
    const entry = entries.find((it) => it.key === key);
    if (!entry) return;
    Object.assign(entry, { state: "sending", why: undefined, tries: 0 });
    keep(entry);
    tell(entry.room);
    pump(entry.room);
  },

  discard(key) {
    channel?.postMessage({ gone: key });
    drop(key);
  },
};

function tell(room) {
  store.emit("messages", room, { kind: "outbox" });
}

function drop(key) {
  const entry = entries.find((it) => it.key === key);
  if (!entry) return;
  entries = entries.filter((it) => it !== entry);
  forget(key);
  tell(entry.room);
}

/** Says what waits in a room, one after the other. */
async function pump(room) {
  if (busy.has(room) || store.state !== "live") return;
  const entry = entries.find((it) => it.room === room && it.state === "sending");
  if (!entry) return;
  busy.add(room);
  try {
    const { text, reply_to, attachment, key } = entry;
    const content = { room, text, reply_to, attachment: attachment?.id, key };
    const answer = await link.call({ do: "send", ...content });
    if (answer.repeat) drop(key);
    else if (entries.includes(entry)) {
      Object.assign(entry, { state: "sent", seq: answer.seq });
      forget(key);
      tell(room);
    }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    refused(entry, refusal);
    if (entry.state === "sending") return;
  } finally {
    busy.delete(room);
  }
  pump(room);
}

function refused(entry, refusal) {
  if (refusal.retry) {
    // Without a connection the next one begins it again.
    const usual = Math.min(WAIT_MS_MAX, WAIT_MS * 2 ** entry.tries);
    entry.tries += 1;
    const wait = refusal.retryAfter ? refusal.retryAfter * 1000 : usual * (0.5 + Math.random());
    setTimeout(() => pump(entry.room), wait);
    return;
  }
  Object.assign(entry, { state: "failed", why: refusal.message });
  keep(entry);
  tell(entry.room);
}

/** It has come back: the message itself is there. */
store.on("event", (event) => {
  if (event.event === "message" && event.key && store.isMe(event.from)) drop(event.key);
});

/** A page of history may have it already. */
store.on("messages", (room, change) => {
  if (change.kind !== "load") return;
  const here = new Set(store.logs.get(room)?.messages.map((message) => message.key));
  for (const entry of outbox.of(room)) if (here.has(entry.key)) drop(entry.key);
});

channel?.addEventListener("message", ({ data }) => drop(data.gone));

let isRead = false;

store.on("state", async (state) => {
  if (state !== "live") return;
  for (const entry of entries.filter((it) => it.state === "sent")) {
    if (entry.seq <= (store.rooms.get(entry.room)?.seq ?? 0)) drop(entry.key);
  }
  if (!isRead) {
    isRead = true;
    const known = new Set(entries.map((entry) => entry.key));
    const before = (await kept()).filter((it) => store.isMe(it.from) && !known.has(it.key));
    entries = [...before, ...entries];
    for (const room of new Set(before.map((entry) => entry.room))) tell(room);
  }
  for (const room of new Set(entries.map((entry) => entry.room))) pump(room);
});
