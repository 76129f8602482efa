// Says when the server is away, and when it is back. A moment's interruption is nobody's business.

import { fill, h } from "./dom.js";
import { link } from "./link.js";
import { store } from "./store.js";

/** How long the server may be away before it is said. */
const QUIET_MS = 1000;

/** How long it is said that it is back. */
const BACK_MS = 4000;

let place = null;
let timer = 0;
let counting = 0;
let isSaid = false;
let isWaiting = false;

/** The banner's element, a live region that is there before anything is said in it, and what keeps it true. */
export function banner() {
  place = h("div", { class: "banner", role: "status" });
  store.on("state", changed);
  changed();
  return place;
}

function changed() {
  const { state } = store;
  // A try that begins changes nothing of what is said, nor when it is.
  if (state === "connecting") return;
  if (state === "away") {
    if (!isSaid && !isWaiting) {
      clearTimeout(timer);
      timer = setTimeout(sayAway, QUIET_MS);
      isWaiting = true;
    }
    return;
  }
  isWaiting = false;
  clearTimeout(timer);
  stop();
  if (state !== "live") return;
  if (isSaid) show("back", "Back. Everything is here.");
  isSaid = false;
  timer = setTimeout(() => show(""), BACK_MS);
}

function sayAway() {
  isWaiting = false;
  isSaid = true;
  stop();
  const trying = h("span", { "aria-hidden": "true" });
  const again = h(
    "button",
    { class: "button", type: "button", onclick: () => link.retry() },
    "Try now",
  );
  const offline = navigator.onLine === false;
  const what = offline ? "You are offline." : "Connection lost.";
  show("away", `${what} What you write is sent when it is back. `, trying, again);
  const count = () => {
    const left = Math.ceil((store.nextTry - Date.now()) / 1000);
    trying.textContent = left > 0 ? `Trying again in ${left} s.` : "Trying again…";
  };
  count();
  counting = setInterval(count, 250);
}

function stop() {
  clearInterval(counting);
}

function show(kind, ...what) {
  place.className = `banner ${kind}`;
  fill(place, what);
}
