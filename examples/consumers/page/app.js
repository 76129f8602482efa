// The page of the example. Whatever people wrote reaches it as text (textContent), never as HTML.

const $ = (id) => document.getElementById(id);
const PAGE = 50;

let me = null; // {username, display_name}
let group = null; // where we are
let socket = null;
let retry = null;
let oldest = null; // the id of the earliest message that is shown
let seen = new Set(); // what is shown already: history and the socket overlap
let lastBy = null;
let early = null; // what the socket says while the history is on its way
let unread = 0;

// ---- the server -------------------------------------------------------------------------------

async function ask(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { accept: "application/json", ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const value = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) {
    const error = new Error(value?.message ?? `The server said ${answer.status}.`);
    throw Object.assign(error, { status: answer.status });
  }
  return value;
}

function connect(tries = 0) {
  clearTimeout(retry);
  socket?.close();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const ws = new WebSocket(`${scheme}//${location.host}/ws/chat/${encodeURIComponent(group)}`);
  socket = ws;
  early = [];
  tell("connecting …");
  ws.onopen = () => {
    tries = 0;
    // Listening already, so nothing falls between what was stored and what comes.
    catchUp(ws);
    look();
  };
  ws.onmessage = (message) => {
    if (ws === socket) hear(JSON.parse(message.data));
  };
  ws.onclose = () => {
    if (ws !== socket) return;
    tell("not connected, trying again …");
    retry = setTimeout(() => again(ws, tries + 1), Math.min(500 * 2 ** tries, 10000));
  };
}

// A socket does not tell why it was refused, so whether we are still signed in is asked beside it.
async function again(ws, tries) {
  const status = await ask("GET", "/me").then(() => 200, (error) => error.status);
  if (ws !== socket) return;
  if (status === 401) door(false);
  else connect(tries);
}

function send(command) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(command));
  return true;
}

function hear(event) {
  if (event.type === "chat") {
    $("title").textContent = event.display_name;
    if (early) early.push(event);
    else show(event);
  } else if (event.type === "notification") {
    note(event);
    if (!isSeen()) count(unread + 1);
  } else {
    $("say-wrong").textContent = event.message;
  }
}

// ---- what is shown ----------------------------------------------------------------------------

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function clock(date) {
  const at = new Date(date);
  const today = at.toDateString() === new Date().toDateString();
  const shape = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  const element = make("time", at.toLocaleString([], shape));
  element.dateTime = date;
  return element;
}

function line(event, isFirst) {
  const item = make("li");
  item.classList.toggle("mine", event.from_user === me.username);
  item.classList.toggle("first", isFirst);
  if (isFirst) {
    const by = make("div", undefined, "by");
    by.append(make("span", event.from_user), clock(event.date));
    item.append(by);
  }
  item.append(make("p", event.message));
  return item;
}

// The same message by history and by the socket: its date has milliseconds.
function isNew(event) {
  const key = JSON.stringify([event.date, event.from_user, event.message]);
  return !seen.has(key) && seen.add(key);
}

function show(event) {
  if (!isNew(event)) return;
  const room = $("log").parentElement;
  const atEnd = room.scrollHeight - room.scrollTop - room.clientHeight < 120;
  $("log").append(line(event, event.from_user !== lastBy));
  lastBy = event.from_user;
  $("empty").hidden = true;
  if (atEnd || event.from_user === me.username) room.scrollTop = room.scrollHeight;
}

function note(event) {
  const item = make("li");
  const by = make("div");
  by.append(make("b", event.from_user), " ", clock(event.date));
  item.append(by, make("p", event.message));
  $("notes").prepend(item);
  $("no-notes").hidden = true;
}

function count(n) {
  unread = n;
  $("count").textContent = n;
  $("count").hidden = n === 0;
  document.title = n ? `(${n}) Groups` : "Groups";
}

// Whether new notifications are before somebody's eyes.
function isSeen() {
  return !document.hidden && getComputedStyle($("side")).display !== "none";
}

function tell(state) {
  $("state").textContent = state;
}

async function look() {
  const found = await ask("GET", `/groups/${encodeURIComponent(group)}`).catch(() => null);
  if (!found || found.group_name !== group) return;
  $("title").textContent = found.display_name;
  const here = found.connections === 1 ? "only you are here" : `${found.connections} connections`;
  tell(found.display_name === group ? here : `${group} · ${here}`);
}

// ---- lists ------------------------------------------------------------------------------------

async function catchUp(ws) {
  const path = `/messages/${encodeURIComponent(group)}?limit=${PAGE}`;
  const list = await ask("GET", path).catch(() => []);
  if (ws !== socket) return;
  $("log").replaceChildren();
  seen = new Set();
  lastBy = null;
  oldest = list[0]?.id ?? null;
  $("older").hidden = list.length < PAGE;
  [...list, ...early].forEach(show);
  early = null;
  $("empty").hidden = $("log").childElementCount > 0;
  const room = $("log").parentElement;
  room.scrollTop = room.scrollHeight;
}

async function older() {
  const here = group;
  const path = `/messages/${encodeURIComponent(here)}?limit=${PAGE}&before=${oldest}`;
  const list = await ask("GET", path).catch(() => []);
  if (here !== group) return;
  $("older").hidden = list.length < PAGE;
  if (!list.length) return;
  oldest = list[0].id;
  const room = $("log").parentElement;
  const below = room.scrollHeight - room.scrollTop;
  let by = null;
  const lines = list.filter(isNew).map((event) => {
    const item = line(event, event.from_user !== by);
    by = event.from_user;
    return item;
  });
  $("log").prepend(...lines);
  room.scrollTop = room.scrollHeight - below;
}

// ---- coming and going -------------------------------------------------------------------------

function known() {
  try {
    const list = JSON.parse(localStorage.getItem("groups"));
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function enter(name) {
  group = name;
  location.hash = name;
  const names = [name, ...known().filter((it) => it !== name)].slice(0, 12);
  localStorage.setItem("groups", JSON.stringify(names));
  $("groups").replaceChildren(
    ...names.sort().map((it) => {
      const item = make("li");
      const button = make("button", it);
      if (it === name) button.setAttribute("aria-current", "true");
      button.onclick = () => {
        side(false);
        if (it !== group) enter(it);
      };
      item.append(button);
      return item;
    }),
  );
  $("title").textContent = name;
  $("say-wrong").textContent = "";
  $("log").replaceChildren();
  $("older").hidden = true;
  connect();
}

function asked() {
  const name = location.hash.slice(1); // of letters that need no escapes
  return /^[A-Za-z0-9._-]{1,99}$/.test(name) ? name : "lobby";
}

function side(isOpen) {
  $("house").classList.toggle("sided", isOpen);
  $("bell").setAttribute("aria-expanded", isOpen);
  $("bell-word").textContent = isOpen ? "Back" : "People & groups";
  if (isOpen) count(0);
}

async function welcome(person) {
  me = person;
  $("me").textContent = person.display_name;
  $("me").title = person.username;
  $("door").hidden = true;
  $("house").hidden = false;
  $("notes").replaceChildren();
  (await ask("GET", `/notifications?limit=${PAGE}`).catch(() => [])).forEach(note);
  enter(asked());
}

function door(isNew) {
  $("house").hidden = true;
  $("door").hidden = false;
  $("to-login").setAttribute("aria-pressed", !isNew);
  $("to-register").setAttribute("aria-pressed", isNew);
  $("display-name").hidden = !isNew;
  $("account").password.autocomplete = isNew ? "new-password" : "current-password";
  $("account-go").textContent = isNew ? "Register" : "Sign in";
  $("account-wrong").textContent = "";
}

// ---- what people do ---------------------------------------------------------------------------

$("to-login").onclick = () => door(false);
$("to-register").onclick = () => door(true);

$("account").onsubmit = async (submit) => {
  submit.preventDefault();
  const form = $("account");
  const isNew = $("to-register").getAttribute("aria-pressed") === "true";
  const body = { username: form.username.value, password: form.password.value };
  if (isNew && form.display_name.value) body.display_name = form.display_name.value;
  $("account-go").disabled = true;
  try {
    const person = await ask("POST", isNew ? "/register" : "/login", body);
    form.reset();
    await welcome(person);
  } catch (error) {
    $("account-wrong").textContent = error.message;
  }
  $("account-go").disabled = false;
};

$("say").onsubmit = (submit) => {
  submit.preventDefault();
  const field = $("say").message;
  const text = field.value.trim();
  if (!text) return;
  const sent = send({ cate: "chat", group_name: group, message: text });
  $("say-wrong").textContent = sent ? "" : "Not connected: your message is still here.";
  if (sent) field.value = "";
};

$("say").message.onkeydown = (key) => {
  if (key.key !== "Enter" || key.shiftKey || key.isComposing) return;
  key.preventDefault();
  $("say").requestSubmit();
};

$("notify").onsubmit = (submit) => {
  submit.preventDefault();
  const form = $("notify");
  const command = { cate: "notification", user_name: form.user_name.value.trim(), message: form.message.value };
  const sent = send(command);
  $("say-wrong").textContent = sent ? "" : "Not connected: nobody was told.";
  if (sent) form.message.value = "";
  side(false);
};

$("join").onsubmit = (submit) => {
  submit.preventDefault();
  const name = $("join").group.value;
  $("join").reset();
  side(false);
  enter(name);
};

$("rename").onclick = () => {
  const form = $("titling").querySelector("form");
  form.display_name.value = $("title").textContent;
  $("title-wrong").textContent = "";
  $("titling").showModal();
  form.display_name.select();
};
$("not-titling").onclick = () => $("titling").close();
$("titling").querySelector("form").onsubmit = async (submit) => {
  submit.preventDefault();
  const display_name = submit.target.display_name.value;
  try {
    const titled = await ask("PUT", `/groups/${encodeURIComponent(group)}`, { display_name });
    $("title").textContent = titled.display_name;
    $("titling").close();
  } catch (error) {
    $("title-wrong").textContent = error.message;
  }
};

$("leave").onclick = async () => {
  await ask("POST", "/logout").catch(() => null);
  clearTimeout(retry);
  const ws = socket;
  socket = null;
  ws?.close();
  side(false);
  door(false);
};

document.onvisibilitychange = () => isSeen() && count(0);
$("bell").onclick = () => side(!$("house").classList.contains("sided"));
$("older").onclick = older;
window.onhashchange = () => {
  if (me && !$("house").hidden && asked() !== group) enter(asked());
};

setInterval(() => socket?.readyState === WebSocket.OPEN && look(), 15000);

ask("GET", "/me").then(welcome, () => door(false));
