// What tells of news while one looks elsewhere: the title, the icon, and the application's badge. Who
// wants to hear of them otherwise, too, has `alert.js`.

import { choices, onChoice } from "./choices.js";
import { soon } from "./parts.js";
import { store } from "./store.js";

let serverName = "Parlour";
let pageTitle = "";

/** Names the page in the window's title. */
export function setTitle(title) {
  pageTitle = title;
  update();
}

/** Names the server in it. */
export function setServer(name) {
  serverName = name;
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

/** Tells of news elsewhere, once somebody has chosen to be told. */
async function startAlerts() {
  const { desktop, sound } = choices();
  if (!desktop && !sound) return;
  alerts ??= import("./alert.js").then((module) => module.startAlerts());
  await alerts;
}

let alerts = null;

/** Keeps title and icon true, and tells of news. */
export function startBadge() {
  for (const kind of ["rooms", "notices"]) store.on(kind, update);
  onChoice(startAlerts);
  startAlerts();
  update();
}
