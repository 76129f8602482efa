// Pomelo's own packages against nano_room: nano.mjs HOST:PORT FOLDER-WITH-node_modules
//
// First pomelo-protocol alone makes and reads the bytes, in pieces of all sizes; then two people talk by
// pomelo-jsclient-websocket, the client that browsers load.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import vm from 'node:vm';

const [place, home] = process.argv.slice(2);
const require = createRequire(join(home, 'package.json'));
const { WebSocket } = require('ws');
const { Package, Message, strencode, strdecode } = require('pomelo-protocol');
const parse = (body) => JSON.parse(strdecode(body));

// ---- framing

class Raw {
  constructor() {
    this.heard = [];
    this.waiting = [];
  }

  open() {
    this.socket = new WebSocket(`ws://${place}/nano`);
    this.socket.on('message', (data) => this.hear(data));
    return new Promise((resolve, reject) => {
      this.socket.once('open', resolve).once('error', reject);
    });
  }

  hear(data) {
    // Each message has whole packets in it, as pomelo's clients expect.
    for (const it of [Package.decode(data)].flat()) {
      assert.ok(it.type >= 1 && it.type <= 5);
      (this.waiting.shift() ?? ((packet) => this.heard.push(packet)))(it);
    }
  }

  next() {
    return this.heard.length > 0
      ? Promise.resolve(this.heard.shift())
      : new Promise((resolve) => this.waiting.push(resolve));
  }

  say(bytes, size) {
    for (let at = 0; at < bytes.length; at += size) this.socket.send(bytes.subarray(at, at + size));
  }
}

const hello = JSON.stringify({ sys: { type: 'js-websocket', version: '0.0.1' }, user: {} });

async function framing(size, id) {
  const raw = new Raw();
  await raw.open();
  const request = Message.encode(id, Message.TYPE_REQUEST, false, 'room.join', strencode('{}'));
  const words = JSON.stringify({ name: 'raw', content: 'κόσμε 👍' });
  const notify = Message.encode(0, Message.TYPE_NOTIFY, false, 'room.message', strencode(words));
  const script = Buffer.concat([
    Package.encode(Package.TYPE_HANDSHAKE, strencode(hello)),
    Package.encode(Package.TYPE_HANDSHAKE_ACK),
    Package.encode(Package.TYPE_DATA, request),
    Package.encode(Package.TYPE_HEARTBEAT),
    Package.encode(Package.TYPE_DATA, notify),
  ]);
  raw.say(script, size);
  const handshake = await raw.next();
  assert.equal(handshake.type, Package.TYPE_HANDSHAKE);
  assert.equal(parse(handshake.body).code, 200);
  const told = [];
  for (let number = 0; number < 3; number += 1) {
    const packet = await raw.next();
    assert.equal(packet.type, Package.TYPE_DATA);
    const message = Message.decode(packet.body);
    told.push([message.type, message.id, message.route, parse(message.body)]);
  }
  assert.equal(told[0][2], 'onMembers');
  assert.deepEqual(told[1], [Message.TYPE_RESPONSE, id, null, { code: 0, result: 'success' }]);
  assert.deepEqual(told[2].slice(2), ['onMessage', JSON.parse(words)]);
  raw.socket.close();
  await new Promise((resolve) => raw.socket.once('close', resolve));
}

// ---- the browsers' client

function client() {
  const quiet = { log() {}, error() {} };
  const sandbox = vm.createContext({ EventEmitter, console: quiet, setTimeout, clearTimeout });
  sandbox.window = sandbox;
  sandbox.WebSocket = WebSocket;
  for (const file of ['pomelo-protocol/lib/protocol.js', 'pomelo-jsclient-websocket/lib/pomelo-client.js']) {
    sandbox.module = {};
    vm.runInContext(readFileSync(join(home, 'node_modules', file), 'utf8'), sandbox, { filename: file });
  }
  return sandbox.pomelo;
}

// What it says, as it was said: objects of another realm are others.
const same = (value) => JSON.parse(JSON.stringify(value));
const once = (pomelo, route) => new Promise((resolve) => pomelo.once(route, (it) => resolve(same(it))));
const ask = (pomelo, route, value) =>
  new Promise((resolve) => pomelo.request(route, value, (it) => resolve(same(it))));

async function enter() {
  const pomelo = client();
  const [host, port] = place.split(':');
  // This client knows no paths: what it is told is a port stands at the end of the address.
  await new Promise((resolve) => pomelo.init({ host, port: `${port}/nano`, user: {} }, resolve));
  return pomelo;
}

async function talk() {
  const [ann, bob] = [await enter(), await enter()];
  const members = once(ann, 'onMembers');
  assert.deepEqual(await ask(ann, 'room.join', {}), { code: 0, result: 'success' });
  assert.deepEqual((await members).members, []);
  const [newcomer, present] = [once(ann, 'onNewUser'), once(bob, 'onMembers')];
  await ask(bob, 'room.join', {});
  assert.match((await newcomer).content, /^New user: \d+$/);
  assert.equal((await present).members.length, 1);
  const heard = [once(ann, 'onMessage'), once(bob, 'onMessage')];
  const words = { name: 'bob', content: 'grüß dich 👍' };
  bob.notify('room.message', words);
  for (const message of heard) assert.deepEqual(await message, words);
  assert.equal((await ask(ann, 'room.nothing', {})).code, 404);
  ann.disconnect();
  bob.disconnect();
}

for (const size of [1, 2, 3, 7, 64, 4096]) await framing(size, 1 + size * 300);
const late = setTimeout(() => {
  console.error('not done in time');
  process.exit(1);
}, 20_000);
await talk();
clearTimeout(late);
process.exit(0);
