// Desktop notifications and a sound, for who chose them. Of several tabs one alone speaks, and none
// while one of them is looked at.

import { choices } from "./choices.js";
import { go, roomPath } from "./route.js";
import { store } from "./store.js";

let isLeader = !navigator.locks;

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
  const who = person?.display_name ?? news.from ?? "Parlour";
  const where = room && room.kind !== "direct" ? ` in ${room.title}` : "";
  const shown = new Notification(`${who}${where}`, {
    body: news.text || "sent a file",
    // The same message is told once, though it is a mention as well.
    tag: news.room ? `${news.room}/${news.seq}` : undefined,
    icon: document.querySelector('link[rel~="icon"]')?.href,
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

/** Tells of what happens from now on. */
export function startAlerts() {
  store.on("event", (event) => tell(event));
  // The lock is one tab's until it is closed; then another's.
  const speak = () => {
    isLeader = true;
    return new Promise(() => {});
  };
  navigator.locks?.request("parlour-speaks", speak).catch(() => (isLeader = true));
  document.addEventListener("visibilitychange", look);
  look();
}
