// The page of the chat. It uses the same endpoints as everybody: a token for the REST API, and a
// WebSocket that tells when something is new. While the WebSocket is gone it asks every two seconds.
'use strict';

const POLL_MS = 2000;
const RETRY_MS = [500, 1000, 2000, 5000, 10000];

const $ = (id) => document.getElementById(id);
const show = (id, yes) => { $(id).hidden = !yes; };
const path = location.pathname.match(/^\/chats\/([0-9a-f]{15})\/$/);

let uri = path && path[1];
let token = sessionStorage.getItem('token');
let name = sessionStorage.getItem('name');
let socket = null;
let retries = 0;
let poll = null;
/** Counts what was begun, so that what comes late for something that has ended is dropped. */
let round = 0;
/** The number of the last message that is shown. */
let lastId = 0;
/** The round for which news are being asked for, and whether that was wanted again meanwhile. */
let asking = 0;
let wanted = false;

/** Asks the API. What it refuses is thrown as a list of sentences. */
async function ask(method, where, fields) {
  const headers = {};
  if (token) headers.Authorization = `Token ${token}`;
  const body = fields && new URLSearchParams(fields);
  let answer;
  try {
    answer = await fetch(where, { method, headers, body });
  } catch {
    throw ['The server cannot be reached. Try again in a moment.'];
  }
  const data = await answer.json().catch(() => ({}));
  if (answer.ok) return data;
  if (answer.status === 401 && token) signOut();
  const told = Object.values(data).flat().filter((it) => typeof it === 'string');
  throw told.length ? told : [`That did not work (${answer.status}).`];
}

function complain(id, told) {
  const lines = (Array.isArray(told) ? told : [String(told)]).map((text) => {
    const line = document.createElement($(id).tagName === 'UL' ? 'li' : 'span');
    line.textContent = text;
    return line;
  });
  $(id).replaceChildren(...lines);
  show(id, lines.length > 0);
}

// ---- accounts ----------------------------------------------------------------------------------

let isNew = false;

function accountForm(makesNew) {
  isNew = makesNew;
  $('account-title').textContent = isNew ? 'Make an account' : 'Sign in';
  $('account-go').textContent = isNew ? 'Make the account' : 'Sign in';
  $('other-question').textContent = isNew ? 'You have one?' : 'New here?';
  $('other').textContent = isNew ? 'Sign in' : 'Make an account';
  show('email-row', isNew);
  const form = $('account-form');
  form.email.disabled = !isNew;
  form.password.autocomplete = isNew ? 'new-password' : 'current-password';
  complain('account-wrong', []);
  form.username.focus();
}

$('other').onclick = () => accountForm(!isNew);

$('account-form').onsubmit = async (event) => {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  $('account-go').disabled = true;
  complain('account-wrong', []);
  try {
    if (isNew) await ask('POST', '/auth/users/create/', fields);
    const { username, password } = fields;
    const signedIn = await ask('POST', '/auth/token/create/', { username, password });
    token = signedIn.auth_token;
    name = username;
    sessionStorage.setItem('token', token);
    sessionStorage.setItem('name', name);
    event.target.reset();
    begin();
  } catch (told) {
    complain('account-wrong', told);
  } finally {
    $('account-go').disabled = false;
  }
};

function signOut() {
  token = name = null;
  sessionStorage.clear();
  leave();
  begin();
}

$('sign-out').onclick = signOut;

// ---- chats -------------------------------------------------------------------------------------

$('start-go').onclick = async () => {
  complain('start-wrong', []);
  try {
    const started = await ask('POST', '/api/chats/');
    uri = started.uri;
    history.pushState(null, '', `/chats/${uri}/`);
    begin();
  } catch (told) {
    complain('start-wrong', told);
  }
};

async function enter() {
  const mine = ++round;
  try {
    const joined = await ask('PATCH', `/api/chats/${uri}/`, { username: name });
    if (mine !== round) return;
    tellMembers(joined.members.map((member) => member.username));
    listen(mine);
  } catch (told) {
    if (mine !== round) return;
    tellMembers([]);
    tellState('not connected', false);
    complain('chat-wrong', told);
  }
}

function leave() {
  round += 1;
  stopPolling();
  if (socket) socket.close();
  socket = null;
}

/**
 * The WebSocket says that there is news, and what it is is asked for by the number of the last
 * message that is here: so every message is shown once, however connections come and go.
 */
function listen(mine) {
  const here = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/${uri}`);
  socket = here;
  here.onopen = () => {
    retries = 0;
    catchUp(mine);
  };
  here.onmessage = () => catchUp(mine);
  here.onclose = () => {
    if (mine !== round) return;
    startPolling(mine);
    const wait = RETRY_MS[Math.min(retries++, RETRY_MS.length - 1)];
    setTimeout(() => { if (mine === round) listen(mine); }, wait);
  };
}

async function catchUp(mine) {
  wanted = true;
  if (asking === mine) return;
  asking = mine;
  try {
    while (wanted) {
      wanted = false;
      const news = await ask('GET', `/api/chats/${uri}/messages/?after=${lastId}`);
      if (mine !== round) return;
      lastId = news.last;
      news.messages.forEach(tell);
      show('nothing', lastId === 0);
      if (socket.readyState === WebSocket.OPEN) {
        stopPolling();
        tellState('live', true);
      } else {
        tellState('asking for news', false);
      }
    }
  } catch {
    if (mine === round) startPolling(mine, 'not connected');
  } finally {
    if (asking === mine) asking = 0;
  }
}

/** The browser sends the ETag that it has, so asking for no news costs next to nothing. */
function startPolling(mine, state = 'reconnecting') {
  tellState(state, false);
  if (!poll) poll = setInterval(() => catchUp(mine), POLL_MS);
}

function stopPolling() {
  clearInterval(poll);
  poll = null;
}

// ---- what is shown -----------------------------------------------------------------------------

let members = [];
let last = null;

function tellMembers(names) {
  members = names;
  $('members').textContent = names.length > 1 ? names.join(', ') : names.length ? 'Only you so far' : 'Chat';
}

function tellState(text, isLive) {
  $('state').textContent = text;
  $('state').classList.toggle('live', isLive);
}

/** Shows one message. Whatever people wrote is text, never markup. */
function tell({ user, message }) {
  const said = $('said');
  const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 80;
  const item = document.createElement('li');
  item.classList.toggle('mine', user.username === name);
  item.classList.toggle('bot', user.username === 'hubot');
  if (last !== user.username) {
    item.classList.add('first');
    const who = document.createElement('span');
    who.className = 'name';
    who.textContent = user.username === name ? 'You' : user.username;
    item.append(who);
  }
  last = user.username;
  const text = document.createElement('p');
  text.className = 'text';
  text.textContent = message;
  item.append(text);
  said.append(item);
  if (user.username !== 'hubot' && !members.includes(user.username)) {
    tellMembers([...members, user.username]);
  }
  if (atEnd || user.username === name) said.scrollTop = said.scrollHeight;
}

async function say(message) {
  complain('chat-wrong', []);
  try {
    await ask('POST', `/api/chats/${uri}/messages/`, { message });
    return true;
  } catch (told) {
    complain('chat-wrong', told);
    return false;
  }
}

$('say').onsubmit = async (event) => {
  event.preventDefault();
  const field = event.target.message;
  const text = field.value;
  if (!text.trim()) return;
  field.value = '';
  if (!await say(text) && !field.value) field.value = text;
};

$('try').onclick = (event) => say(event.target.textContent);

$('share').onclick = async () => {
  const link = `${location.origin}/chats/${uri}/`;
  try {
    await navigator.clipboard.writeText(link);
    $('share').textContent = 'Copied';
    setTimeout(() => { $('share').textContent = 'Copy link'; }, 1500);
  } catch {
    // Without a clipboard, as on plain http from elsewhere, people copy it themselves.
    window.prompt('Send this link:', link);
  }
};

// ---- which of the three views ------------------------------------------------------------------

function begin() {
  leave();
  show('me', token);
  $('me-name').textContent = name || '';
  show('account', !token);
  show('start', token && !uri);
  show('chat', token && uri);
  complain('chat-wrong', []);
  if (!token) {
    show('invited', uri);
    accountForm(false);
  } else if (uri) {
    $('said').replaceChildren();
    lastId = 0;
    last = null;
    show('nothing', false);
    tellState('connecting', false);
    $('say').message.focus();
    enter();
  }
}

window.onpopstate = () => location.reload();
begin();
