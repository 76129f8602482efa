// The part of a room's messages that is in the page: at most some hundred elements, however long the
// room is. Elements of messages that did not change stay the same.

import { h, icon } from "./dom.js";
import { follows, look, messageElement, waitingElement } from "./message.js";
import { outbox } from "./outbox.js";
import { store } from "./store.js";
import { day } from "./time.js";

/** Messages in the page at most, and how many come at a time. */
const SHOWN_MAX = 200;
const STEP = 20;

export class Window {
  /** `context` is what elements of messages are made with. */
  constructor(log, context) {
    this.log = log;
    this.context = context;
    this.list = h("ol", { class: "messages", "aria-label": "Messages" });
    this.rows = new Map();
    this.first = 0;
    this.end = 0;
    /** What takes the place of an element that has focus. */
    this.moved = null;
    /** The line "new" is above what was said after this message. */
    this.unreadAfter = null;
  }

  get messages() {
    return this.log.messages;
  }

  get isAtEnd() {
    return this.log.hasEnd && this.end >= this.messages.length;
  }

  /** Shows the messages around a place, or the newest. */
  showAround(place = this.messages.length) {
    const first = Math.max(0, place - 40);
    this.first = Math.max(0, Math.min(first, this.messages.length - 80));
    this.end = Math.min(this.messages.length, this.first + 80);
    this.draw();
  }

  /** Shows some earlier ones; whether there were any. */
  showOlder() {
    if (this.first === 0) return false;
    this.first = Math.max(0, this.first - STEP);
    this.end = Math.min(this.end, this.first + SHOWN_MAX);
    return true;
  }

  /** Shows some later ones; whether there were any. */
  showNewer() {
    if (this.end >= this.messages.length) return false;
    this.end = Math.min(this.messages.length, this.end + STEP);
    this.first = Math.max(this.first, this.end - SHOWN_MAX);
    return true;
  }

  /** Messages were put before the others. */
  shift(count) {
    this.first += count;
    this.end += count;
  }

  /** One was put after the others. It is shown if those before it are; `isWatched` says that earlier ones may go for it. */
  grow(isWatched) {
    if (this.end !== this.messages.length - 1) return;
    if (isWatched) this.first = Math.max(this.first, this.end + 1 - SHOWN_MAX);
    if (this.end - this.first < SHOWN_MAX) this.end += 1;
  }

  /** The place of the first unread message, or -1 if it is not here. */
  get unreadPlace() {
    if (this.unreadAfter === null) return -1;
    const place = this.log.place(this.unreadAfter + 1);
    const isKnown = place > 0 || this.log.hasStart;
    return isKnown && place < this.messages.length ? place : -1;
  }

  /** Makes the page show what it is to show. */
  draw() {
    this.end = Math.min(this.end, this.messages.length);
    this.first = Math.min(this.first, this.end);
    const wanted = this.elements();
    const hadFocus = this.list.contains(document.activeElement);
    let next = this.list.firstChild;
    for (const element of wanted) {
      if (element === next) next = next.nextSibling;
      else this.list.insertBefore(element, next);
    }
    while (next) {
      const after = next.nextSibling;
      next.remove();
      next = after;
    }
    if (!this.list.querySelector(':scope > [tabindex="0"]')) {
      const last = [...this.list.children].findLast((it) => it.matches(".message"));
      if (last) last.tabIndex = 0;
    }
    this.moved?.focus({ preventScroll: true });
    this.moved = null;
    if (hadFocus && document.activeElement === document.body) {
      this.list.querySelector(':scope > [tabindex="0"]')?.focus({ preventScroll: true });
    }
  }

  elements() {
    const rows = new Map();
    const wanted = [];
    const add = (key, version, make) => {
      const known = this.rows.get(key);
      const row = known?.version === version ? known : { version, element: make() };
      if (known && row !== known) this.swap(known.element, row.element);
      rows.set(key, row);
      wanted.push(row.element);
    };
    const { messages, first, end } = this;
    const isStart = first === 0 && this.log.hasStart;
    const isBare = messages.length === 0;
    if (isStart) add("start", `${this.context.title()} ${isBare}`, () => this.beginning(isBare));
    else if (this.log.isLoaded) add("older", "", () => more("Reading what was said before…"));
    const unread = this.unreadPlace;
    let before = messages[first - 1];
    let lastDay = isStart || first === 0 ? "" : null;
    for (let place = first; place < end; place += 1) {
      const message = messages[place];
      const today = day(message.at);
      if (today !== lastDay) add(`day ${today}`, "", () => daySeparator(today, message.at));
      lastDay = today;
      if (place === unread) add("unread", "", unreadLine);
      const isFollowing = place !== unread && follows(message, before);
      const version = `${look(message)} ${isFollowing} ${this.context.lookOfQuote(message)}`;
      add(message.seq, version, () => messageElement(message, { ...this.context, isFollowing }));
      before = message;
    }
    if (this.isAtEnd) this.addWaiting(add, before, lastDay);
    else if (this.log.isLoaded) add("newer", "", () => more("Reading what was said afterwards…"));
    this.rows = rows;
    return wanted;
  }

  addWaiting(add, before, lastDay) {
    for (const entry of outbox.of(this.context.room)) {
      const message = { ...entry, from: store.me?.name };
      const today = day(entry.at);
      if (today !== lastDay) add(`day ${today}`, "", () => daySeparator(today, entry.at));
      lastDay = today;
      const isFollowing = follows(message, before);
      const version = [entry.state, entry.why, isFollowing, store.state === "live"].join();
      add(entry.key, version, () => waitingElement(entry, { ...this.context, isFollowing }));
      before = message;
    }
  }

  /** An element takes the place of another: what was in focus there still is. */
  swap(before, after) {
    after.tabIndex = before.tabIndex;
    const active = document.activeElement;
    if (before === active) this.moved = after;
    this.context.onswap?.(before, after);
  }

  beginning(isBare) {
    const words = "This is where it begins.";
    return h(
      "li",
      { class: "beginning" },
      icon("message"),
      h("p", { class: "title", dir: "auto" }, this.context.title()),
      h("p", {}, isBare ? `${words} Say the first word.` : words),
    );
  }
}

const more = (words) => h("li", { class: "more" }, words);

const daySeparator = (name, at) =>
  h("li", { class: "day" }, h("time", { datetime: at.slice(0, 10) }, name));

const unreadLine = () => h("li", { class: "unread" }, h("span", {}, "New"));
