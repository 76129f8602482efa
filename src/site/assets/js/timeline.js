// What was said in a room, to be scrolled through without an end and without jumps: what is read
// stays where it is on the screen, whatever is put before or after it.

import { anchorOf, putBack } from "./anchor.js";
import { announcer } from "./announce.js";
import { h, icon } from "./dom.js";
import { deedsOf } from "./deeds.js";
import { link } from "./link.js";
import { outbox } from "./outbox.js";
import { soon } from "./parts.js";
import { quotes } from "./quotes.js";
import { reader } from "./reading.js";
import { store } from "./store.js";
import { complain } from "./toast.js";
import { Window } from "./window.js";

/** Pixels from an end at which more is put there, and from the bottom that count as being there. */
const NEAR = 900;
const AT_END = 48;

/**
 * The timeline of a room. `on` has `reply(message)`, `edit(message)` and `leave()` (focus goes back to
 * where one writes).
 */
export function timeline(room, on) {
  const log = store.log(room, (which) => link.call({ do: "history", room, ...which }));
  const known = quotes(log, room, () => redraw());
  const view = new Window(log, {
    room,
    ...known,
    title: () => store.rooms.get(room)?.title ?? room,
    onreact: ({ seq }, emoji, isOn) =>
      link.call({ do: isOn ? "unreact" : "react", room, seq, emoji }).catch(complain),
    retry: (entry) => outbox.retry(entry.key),
    discard: (entry) => outbox.discard(entry.key),
    onswap: (before, after) => deeds.swapped(before, after),
  });
  const deeds = deedsOf(view, { ...on, room });
  const scroller = h("div", { class: "timeline" }, view.list);
  const pill = h("button", { class: "pill", type: "button", hidden: true, onclick: () => toEnd() });
  const toUnread = h(
    "button",
    { class: "to-unread", type: "button", hidden: true, onclick: jumpToUnread },
    icon("up"),
    "Jump to what is new",
  );
  const said = announcer();
  const problem = h("div", { class: "problem", role: "alert", hidden: true });
  const element = h(
    "section",
    { class: "timeline-frame", "aria-label": "What was said" },
    toUnread,
    scroller,
    problem,
    pill,
    said.element,
  );

  const reading = reader(room, log, () => isStuck && !isOver);
  let isStuck = true;
  let isBusy = false;
  let isOver = false;
  let news = 0;
  let saved = null;
  let wish = null;
  let hasSeenUnread = false;

  const anchor = () => anchorOf(scroller, view.list);

  let last = { top: 0, height: 0 };
  const note = () => (last = { top: scroller.scrollTop, height: scroller.clientHeight });

  /** Whoever has scrolled up just now is not held at the end, even if nobody has been told yet. */
  function feel() {
    const isMoved = scroller.scrollTop < last.top - 4 && scroller.clientHeight === last.height;
    if (isMoved && !atBottom()) isStuck = false;
  }

  function restore(place) {
    const it = place && view.rows.get(place.key)?.element;
    if (isStuck) scroller.scrollTop = scroller.scrollHeight;
    else if (it) putBack(scroller, it, place.offset);
    note();
  }

  function draw() {
    // While another stretch is read the one before it stays in sight.
    if (isOver || !log.isLoaded) return;
    feel();
    const place = isStuck ? null : anchor();
    view.draw();
    restore(place);
    look();
    said.flush();
  }

  const redraw = soon(draw);

  const sizes = new ResizeObserver(() => {
    feel();
    restore(saved);
  });
  sizes.observe(scroller);
  sizes.observe(view.list);

  const below = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  const atBottom = () => below() < AT_END;

  /** What follows from where one is: what is read, what else is to be shown, which buttons. */
  function look() {
    if (!log.isLoaded) return;
    // What has another size by now is put right in a moment.
    const isResized = isStuck && scroller.clientHeight !== last.height;
    isStuck = view.isAtEnd && (atBottom() || isResized);
    saved = anchor();
    if (isStuck) {
      news = 0;
      reading.mark();
    }
    const line = view.rows.get("unread")?.element;
    const top = scroller.getBoundingClientRect().top;
    if (line && line.getBoundingClientRect().bottom > top) hasSeenUnread = true;
    showButtons();
    extend();
  }

  let shownNews = null;

  /** The buttons that lead to the end and to what is new; they change only if they have to. */
  function showButtons() {
    const wanted = isStuck ? null : news;
    if (wanted !== shownNews) {
      shownNews = wanted;
      pill.hidden = isStuck;
      pill.classList.toggle("has-news", news > 0);
      const words = news === 1 ? "1 new message" : `${news} new messages`;
      const end = h("span", { class: "unseen" }, "To the newest messages");
      pill.replaceChildren(news ? words : end, icon("down"));
    }
    const isHidden = hasSeenUnread || view.unreadAfter === null;
    if (toUnread.hidden !== isHidden) toUnread.hidden = isHidden;
  }

  scroller.addEventListener(
    "scroll",
    soon(() => {
      if (isOver) return;
      deeds.scrolled(Math.abs(scroller.scrollTop - last.top));
      look();
      note();
    }),
    { passive: true },
  );

  async function extend() {
    if (isBusy || isOver || !log.isLoaded) return;
    const isNearTop = scroller.scrollTop < NEAR;
    const isNearEnd = below() < NEAR;
    if (isNearTop && view.showOlder()) return redraw();
    if (isNearEnd && view.showNewer()) return redraw();
    const wantsOlder = isNearTop && !log.hasStart;
    const wantsNewer = isNearEnd && !log.hasEnd;
    if (!wantsOlder && !wantsNewer) return;
    isBusy = true;
    try {
      if (wantsOlder) {
        view.shift(await log.older());
        view.showOlder();
      } else {
        await log.newer();
        view.showNewer();
      }
      isBusy = false;
      redraw();
    } catch {
      // Without a connection there is none to be read; it goes on when there is one again.
      isBusy = false;
    }
  }

  /** Shows the newest messages, or those around one. */
  async function open(seq) {
    const mine = { seq };
    wish = mine;
    problem.hidden = true;
    try {
      const isHere = log.isLoaded && (seq === null ? log.hasEnd : log.get(seq));
      if (!isHere) {
        log.empty();
        await log.open(seq ?? undefined);
        store.emit("messages", room, { kind: "load" });
      }
    } catch (refusal) {
      if (isOver || wish !== mine || refusal.code === "unreachable") return;
      problem.replaceChildren(h("p", { dir: "auto" }, refusal.message));
      problem.hidden = false;
      return;
    }
    if (isOver || wish !== mine) return;
    wish = null;
    if (seq === null) showEnd();
    else showMessage(seq);
  }

  function showEnd() {
    isStuck = true;
    news = 0;
    view.showAround();
    restore(null);
    look();
  }

  function showMessage(seq) {
    const place = Math.min(log.place(seq), log.messages.length - 1);
    const message = log.messages[place];
    if (!message) return showEnd();
    isStuck = false;
    if (place < view.first || place >= view.end) view.showAround(place);
    else view.draw();
    const it = view.rows.get(message.seq).element;
    it.scrollIntoView({ block: "center" });
    saved = anchor();
    it.classList.remove("found");
    void it.offsetWidth;
    it.classList.add("found");
    deeds.focus(it);
    look();
  }

  const toEnd = () => (view.isAtEnd ? showEnd() : open(null));

  function jumpToUnread() {
    hasSeenUnread = true;
    const place = view.unreadPlace;
    if (place !== -1) showMessage(log.messages[place].seq);
    else open(view.unreadAfter + 1);
  }

  /** Remembers where what is new begins, if that is not known yet. */
  function beginUnread() {
    if (view.unreadAfter !== null) return;
    view.unreadAfter = reading.upTo();
    hasSeenUnread = true;
  }

  function changed(name, change) {
    if (name !== room && name !== null) return;
    if (change.kind === "reset") return void reset();
    if (change.kind === "add") {
      const message = log.get(change.seq);
      view.grow(isStuck);
      if (!store.isMe(message.from)) {
        if (document.hidden || !isStuck) beginUnread();
        if (!isStuck) news += 1;
        said.add(message);
      }
    }
    redraw();
  }

  function reset() {
    view.unreadAfter = null;
    open(isStuck ? null : (saved?.key ?? null));
  }

  const offs = [
    store.on("messages", changed),
    store.on("people", redraw),
    store.on("room", (name) => name === room && redraw()),
    store.on("state", (state) => {
      if (state === "live" && (wish || !log.isLoaded)) open(wish?.seq ?? null);
      redraw();
    }),
  ];
  const seen = () => !document.hidden && look();
  document.addEventListener("visibilitychange", seen);

  const about = store.rooms.get(room);
  if (about?.unread > 0) view.unreadAfter = about.read ?? 0;

  return {
    element,
    open,
    toEnd,
    deeds,
    log,
    /** I have said something: what is above it is no news. */
    sent() {
      view.unreadAfter = null;
      toEnd();
    },
    /** My newest message that can be changed. */
    lastOwn: () => log.messages.findLast((it) => store.isMe(it.from) && !it.deleted && it.text),
    close() {
      isOver = true;
      offs.forEach((off) => off());
      sizes.disconnect();
      document.removeEventListener("visibilitychange", seen);
      deeds.close();
    },
  };
}
