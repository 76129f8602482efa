// One room on the screen: what was said, and where one writes.

import { composer } from "./composer.js";
import { isPhone } from "./device.js";
import { fill, h } from "./dom.js";
import { link } from "./link.js";
import { notePresence, store } from "./store.js";
import { full } from "./time.js";
import { timeline } from "./timeline.js";

/** The longest that a browser's timers wait. */
const WAIT_MS_MAX = 2 ** 31 - 1;

let open = null;

/** The room that is open, or null. */
export const openedRoom = () => open?.name ?? null;

/**
 * Opens a room below what else is in `main`; with `seq` around that message. If it is open already, only
 * the message is looked up.
 */
export function openRoom(main, name, { seq = null } = {}) {
  if (open?.name === name && open.element.isConnected) {
    if (open.timeline && (seq !== null || !open.isFresh)) open.timeline.open(seq);
    return;
  }
  closeRoom();
  const element = h("div", { class: "room-body" });
  main.append(element);
  const here = { name, element, seq, offs: [] };
  open = here;
  show(here);
  // Who comes in, is let in or sent out meanwhile sees something else.
  here.offs.push(
    store.on("room", (changed) => changed === name && sort(here) !== here.sort && show(here)),
    store.on("state", (state) => {
      if (state !== "live") return;
      if (!here.sort) show(here);
      attend(name);
    }),
  );
}

/** Closes the room that is open. */
export function closeRoom() {
  if (!open) return;
  const here = open;
  open = null;
  here.offs.forEach((off) => off());
  end(here);
  here.element.remove();
}

/** Puts the caret where one writes. */
export const focusComposer = () => open?.composer?.focus();

function end(here) {
  clearTimeout(here.timer);
  here.timeline?.close();
  here.composer?.close();
  here.timeline = null;
  here.composer = null;
}

/** What there is to be shown. */
function sort({ name }) {
  const room = store.rooms.get(name);
  if (!room) return null;
  if (room.archived) return "archived";
  if (room.muted_until && new Date(room.muted_until) > Date.now()) return "muted";
  return "open";
}

function show(here) {
  end(here);
  here.sort = sort(here);
  if (!here.sort)
    return fill(here.element, h("p", { class: "waiting", role: "status" }, "One moment…"));
  const { name } = here;
  const writes = here.sort === "open";
  here.timeline = timeline(name, {
    reply: (message) => here.composer?.reply(message),
    edit: (message) => here.composer?.edit(message),
    leave: () => here.composer?.focus(),
  });
  if (writes) {
    here.composer = composer(name, {
      sent: () => here.timeline.sent(),
      lastOwn: () => here.timeline.lastOwn(),
      back: () => here.timeline.deeds.enter(),
    });
  }
  const until = store.rooms.get(name).muted_until;
  const note = {
    archived: "This room is archived: it can be read, and nothing more is said in it.",
    muted: until && `You are muted in this room until ${full(until)}. You can go on reading.`,
  };
  if (here.sort === "muted") {
    const wait = Math.min(new Date(until) - Date.now() + 500, WAIT_MS_MAX);
    here.timer = setTimeout(() => sort(here) !== here.sort && show(here), wait);
  }
  fill(
    here.element,
    here.timeline.element,
    here.composer?.element ?? h("p", { class: "composer-note" }, note[here.sort]),
  );
  here.composer?.takeDrops(here.element);
  here.isFresh = true;
  here.timeline.open(here.seq).then(() => {
    here.isFresh = false;
    here.composer?.replyKept((seq) => here.timeline?.log.get(seq));
  });
  attend(name);
  if (here.composer && here.seq === null && !isPhone()) here.composer.focus();
}

/** Asks who is in the room just now. */
async function attend(name) {
  try {
    notePresence(name, await link.call({ do: "presence", room: name }));
  } catch {
    // It is told with the next change.
  }
}
