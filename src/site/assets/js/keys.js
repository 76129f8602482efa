// Keyboard shortcuts. The list for people is in `help.js`.

import { go, parse, roomPath } from "./route.js";
import { closeSheet, listed } from "./sidebar.js";

const isMac = /Mac|iP/.test(navigator.platform);
/** Listens to keys wherever they are pressed. */
export function startKeys() {
  addEventListener("keydown", pressed);
}

async function pressed(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const key = event.key.toLowerCase();
  const isCommand = (isMac ? event.metaKey : event.ctrlKey) && !event.altKey;
  const inDialog = document.querySelector("dialog[open]");
  if (isCommand && !event.shiftKey && key === "k") {
    event.preventDefault();
    if (!inDialog) (await import("./switcher.js")).openSwitcher();
  } else if (inDialog) {
    // What is behind a dialog waits.
  } else if (isCommand && event.shiftKey && key === "f") {
    event.preventDefault();
    (await import("./search.js")).toggleSearch(currentRoom());
  } else if (isCommand && event.shiftKey && key === "u") {
    event.preventDefault();
    (await import("./notices.js")).toggleNotices();
  } else if (event.altKey && !isCommand && (key === "arrowup" || key === "arrowdown")) {
    event.preventDefault();
    step(key === "arrowup" ? -1 : 1, event.shiftKey);
  } else if (key === "?" && !isCommand && !isTyping(event.target)) {
    event.preventDefault();
    (await import("./help.js")).openHelp();
  } else if (key === "escape" && document.body.classList.contains("side-open")) {
    closeSheet();
  } else if (key === "escape" && hasPanel() && !isTyping(event.target)) {
    (await import("./panel.js")).closePanel();
  }
}

const hasPanel = () => document.body.classList.contains("with-panel");

const currentRoom = () => parse(location.pathname).room ?? null;

const isTyping = (element) =>
  element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName ?? "");

/** Goes to the room above or below; round the end. */
function step(by, onlyUnread) {
  const { rooms, direct } = listed();
  const all = [...rooms, ...direct];
  const own = currentRoom();
  const at = all.findIndex((room) => room.room === own);
  for (let count = 1; count <= all.length; count += 1) {
    const room = all[(Math.max(at, by < 0 ? 0 : -1) + by * count + all.length * 2) % all.length];
    if (onlyUnread && !(room.unread > 0 && room.level !== "nothing")) continue;
    if (room.room !== own) go(roomPath(room.room));
    return;
  }
}
