// The beginning: who is signed in, the parts of the page, and which of them an address wants.

import { api } from "./api.js";
import { setServer, setTitle, startBadge } from "./badge.js";
import { banner } from "./banner.js";
import { fill, find, h } from "./dom.js";
import { keepDraft } from "./drafts.js";
import { roomHeader, sideButton } from "./header.js";
import { startKeys } from "./keys.js";
import { link } from "./link.js";
import { button, nothing, style, waiting } from "./parts.js";
import { learnPeople } from "./people.js";
import { go, parse, roomPath, startRouting } from "./route.js";
import { closeRoom, openRoom } from "./room.js";
import { listed, nameServer, setCurrent, sidebar } from "./sidebar.js";
import { store } from "./store.js";
import { toasts } from "./toast.js";

const LAST_ROOM = "parlour-last-room";

const main = h("main", { class: "stage", id: "main", tabindex: "-1" });
let shown = { page: null };
let head = null;
/** Pages come by `import()`: only the last one that was asked for is shown. */
let turn = 0;

async function boot() {
  try {
    const { user } = await api.get("/me");
    store.me = { ...user, ...store.me };
    store.meet(user.name, user);
  } catch (refusal) {
    if (refusal.code === "unauthenticated") return signIn();
    // The server is away: the banner says so, and the link goes on trying.
  }
  store.on("state", (state) => state === "signed-out" && signIn());
  const known = once("me");
  link.start();
  // Until there is something to show, what the server has made stays: it looks the same.
  await Promise.race([known, once("state", () => store.state === "away")]);
  takeOver();
  await known;
  startRouting(show);
  learnServer();
  learnPeople();
  navigator.serviceWorker?.register("/sw.js", { scope: "/" }).catch(() => {});
}

function signIn() {
  // Whoever goes by themselves is on their way already.
  if (document.body.classList.contains("leaving")) return;
  location.replace(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
}

function skip(event) {
  event.preventDefault();
  main.focus();
}

/** What somebody began to write before the scripts were here is a draft of theirs. */
function carryOver() {
  const { page, room } = parse(location.pathname);
  const text = document.querySelector("#text")?.value;
  if (page === "room" && text) keepDraft(room, { text });
}

/** Puts the application where the server's page is. */
function takeOver() {
  carryOver();
  document.body.className = "app";
  fill(
    document.body,
    h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the conversation"),
    banner(),
    sidebar(),
    main,
    h("aside", { class: "panel", id: "panel", hidden: true }),
    toasts(),
  );
  const text = "Your rooms are here as soon as the server can be reached.";
  if (store.state === "away") fill(main, nothing("No connection", text));
  store.on("room", roomChanged);
  startBadge();
  startKeys();
}

/** Resolves when something of a kind is told next, and is as it is waited for. */
function once(kind, isIt = () => true) {
  return new Promise((resolve) => {
    const off = store.on(kind, () => {
      if (!isIt()) return;
      off();
      resolve();
    });
  });
}

async function learnServer() {
  const { name } = await api.get("/settings").catch(() => ({}));
  if (!name) return;
  nameServer(name);
  setServer(name);
}

// ----------------------------------------------------------------------------------------- pages

async function show(route) {
  const mine = (turn += 1);
  const isSameRoom = route.page === "room" && shown.page === "room" && shown.room === route.room;
  shown = route;
  if (route.page === "home") return showHome();
  if (route.page === "room") return isSameRoom && head ? showMessage(route) : showRoom(route);
  leaveRoom();
  setCurrent(null);
  fill(main, waiting());
  const module = route.page === "admin" ? import("./admin.js") : import("./settings.js");
  const [page] = await Promise.all([module, style("over"), style("settings")]);
  if (mine !== turn) return;
  const title = page.show(main, route.part, sideButton());
  setTitle(title);
  find("h1", main)?.focus();
}

function leaveRoom() {
  if (!head) return;
  head.end();
  head = null;
  closeRoom();
  if (document.body.classList.contains("with-panel")) {
    import("./panel.js").then(({ leavePanel }) => leavePanel());
  }
}

/** Where one was last, or the first of the rooms; or what to do if there is none. */
function showHome() {
  const { rooms, direct } = listed();
  const all = [...rooms, ...direct];
  const last = kept();
  const room = all.find((it) => it.room === last) ?? all[0];
  if (room) return go(roomPath(room.room), { replace: true });
  leaveRoom();
  setCurrent(null);
  setTitle("");
  const browse = async () => (await import("./browse.js")).browseRooms();
  const create = async () => (await import("./create.js")).createRoom();
  fill(
    main,
    h(
      "header",
      { class: "room-head" },
      h("div", { class: "bar" }, sideButton(), h("h1", { tabindex: "-1" }, "Welcome")),
    ),
    nothing(
      "You are in no room yet.",
      "Join one that is there, or make one and invite the others.",
      button("Browse rooms", browse, { kind: "main" }),
      button("Create a room", create),
    ),
  );
}

function showMessage({ room, seq }) {
  setCurrent(room);
  if (seq === null) return;
  openRoom(find(".room", main), room, { seq });
}

async function showRoom({ room: name, seq }) {
  leaveRoom();
  const mine = turn;
  const room = store.rooms.get(name);
  setCurrent(name);
  if (!room || room.joined === false) {
    const title = await (await import("./browse.js")).showFromOutside(main, name, sideButton());
    if (mine === turn) setTitle(title);
    return;
  }
  keep(name);
  head = roomHeader(name);
  const place = h("div", { class: "room" });
  fill(main, head.element, place);
  setTitle(room.title || name);
  openRoom(place, name, { seq });
  // Whoever came here by a link of the sidebar hears where they are; a composer may take it.
  if (!main.contains(document.activeElement)) head.heading.focus({ preventScroll: true });
}

/** The room that is open was left, taken away, or joined. */
function roomChanged(name) {
  if (shown.page === "home" && store.rooms.size) return showHome();
  if (shown.page !== "room" || shown.room !== name) return;
  const room = store.rooms.get(name);
  const isIn = Boolean(room && room.joined !== false);
  if (isIn && head) setTitle(room.title || name);
  else if (isIn) showRoom(shown);
  else if (head) go("/", { replace: true });
}

function keep(name) {
  try {
    localStorage.setItem(LAST_ROOM, name);
  } catch {
    // Then it begins with the first room.
  }
}

function kept() {
  try {
    return localStorage.getItem(LAST_ROOM);
  } catch {
    return null;
  }
}

boot();
