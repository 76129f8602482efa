// What tells of news while one looks elsewhere: the title, the icon, the desktop, a sound. Of several
// tabs one alone speaks, and none while one of them is looked at.

import { choices } from "./choices.js";
import { go, roomPath } from "./route.js";
import { soon } from "./parts.js";
import { store } from "./store.js";

let serverName = "Parlour";
let pageTitle = "";
let isLeader = !navigator.locks;

/** Names the page in the window's title. */
export function setTitle(title, server = serverName) {
  pageTitle = title;
  serverName = server;
  update();
}

/** What waits for somebody: `count` of what is for them, and whether there is anything else. */
export function waitingNews() {
  let count = store.notices.unread ?? 0;
  let more = false;
  for (const room of store.rooms.values()) {
    if (room.joined === false || room.level === "nothing" || !room.unread) continue;
    if (room.kind === "direct" || room.level === "everything") count += room.unread;
    else more = true;
  }
  return { count, more: more || count > 0 };
}

const update = soon(() => {
  const { count, more } = waitingNews();
  const parts = [pageTitle, serverName].filter(Boolean);
  const name = [...new Set(parts)].join(" · ");
  document.title = count > 0 ? `(${count}) ${name}` : name;
  drawIcon(more, count > 0);
  if (count > 0) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
});

// ------------------------------------------------------------------------------------------ icon

let drawn = "";
let plain = null;

/** The site's own icon with a dot on it. */
async function drawIcon(more, isForMe) {
  const state = isForMe ? "mine" : more ? "more" : "";
  if (state === drawn) return;
  drawn = state;
  const link = document.querySelector('link[rel~="icon"]');
  if (!link) return;
  plain ??= { href: link.getAttribute("href"), type: link.getAttribute("type") };
  if (!state) {
    link.setAttribute("href", plain.href);
    if (plain.type) link.setAttribute("type", plain.type);
    return;
  }
  const size = 64;
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = canvas.getContext("2d");
  const picture = Object.assign(new Image(size, size), { src: plain.href });
  try {
    await picture.decode();
    pen.drawImage(picture, 0, 0, size, size);
  } catch {
    // Then it is the dot alone.
  }
  const style = getComputedStyle(document.documentElement);
  pen.beginPath();
  pen.arc(46, 18, 18, 0, 7);
  pen.fillStyle = style.getPropertyValue("--paper");
  pen.fill();
  pen.beginPath();
  pen.arc(46, 18, 14, 0, 7);
  pen.fillStyle = style.getPropertyValue(isForMe ? "--bad" : "--ink-soft");
  pen.fill();
  if (state !== drawn) return;
  link.setAttribute("type", "image/png");
  link.setAttribute("href", canvas.toDataURL("image/png"));
}

// --------------------------------------------------------------------------------------- telling

/** What of an event somebody wants to be told; null for nothing. */
export function newsOf(event) {
  const own = store.me?.name;
  if (event.state || event.deleted) return null;
  if (event.event === "notification") {
    const it = event.notification ?? event;
    if (it.from === own) return null;
    return { from: it.from, text: it.text, room: it.room, seq: it.seq, isMention: true };
  }
  if (event.event !== "message" || event.from === own) return null;
  const room = store.rooms.get(event.room);
  if (!room || room.level === "nothing" || room.level === "mentions") return null;
  if (room.kind !== "direct" && room.level !== "everything") return null;
  const { room: name, seq, text, from } = event;
  return { from, text, room: name, seq, isMention: room.kind === "direct" };
}

async function tell(event) {
  const news = newsOf(event);
  if (!news || !isLeader || (await isLookedAt())) return;
  const chosen = choices();
  if (chosen.sound && (news.isMention || chosen.soundFor === "everything")) playSound();
  if (!chosen.desktop || globalThis.Notification?.permission !== "granted") return;
  const person = store.people.get(news.from);
  const room = store.rooms.get(news.room);
  const who = person?.display_name ?? news.from ?? serverName;
  const where = room && room.kind !== "direct" ? ` in ${room.title}` : "";
  const shown = new Notification(`${who}${where}`, {
    body: news.text || "sent a file",
    // The same message is told once, though it is a mention as well.
    tag: news.room ? `${news.room}/${news.seq}` : undefined,
    icon: plain?.href ?? "/assets/icon.svg",
  });
  shown.onclick = () => {
    window.focus();
    shown.close();
    go(news.room ? roomPath(news.room, news.seq) : "/");
  };
}

/** Whether some tab of this site is before somebody's eyes. */
async function isLookedAt() {
  if (!document.hidden) return true;
  const { held = [] } = (await navigator.locks?.query?.()) ?? {};
  return held.some((lock) => lock.name === "parlour-looked-at");
}

let stopLooking = null;

function look() {
  if (document.hidden) {
    stopLooking?.();
    stopLooking = null;
  } else if (!stopLooking) {
    const hold = () => new Promise((resolve) => (stopLooking = resolve));
    stopLooking = () => {};
    navigator.locks?.request("parlour-looked-at", { mode: "shared" }, hold).catch(() => {});
  }
}

// ----------------------------------------------------------------------------------------- sound

let audio = null;

/** Two soft notes. */
export function playSound() {
  audio ??= new AudioContext();
  audio.resume?.();
  const start = audio.currentTime + 0.02;
  [660, 880].forEach((pitch, at) => {
    const note = audio.createOscillator();
    const volume = audio.createGain();
    const begin = start + at * 0.11;
    note.frequency.value = pitch;
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.12, begin + 0.015);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + 0.35);
    note.connect(volume).connect(audio.destination);
    note.start(begin);
    note.stop(begin + 0.4);
  });
}

/** Keeps title and icon true, and tells of news. */
export function startBadge() {
  for (const kind of ["rooms", "notices"]) store.on(kind, update);
  store.on("event", (event) => tell(event));
  // The lock is one tab's until it is closed; then another's.
  navigator.locks?.request("parlour-speaks", () => {
    isLeader = true;
    return new Promise(() => {});
  }).catch(() => (isLeader = true));
  document.addEventListener("visibilitychange", look);
  look();
  update();
}
