// A dialogue with an echo endpoint by Node's ws: echo.mjs ws://HOST:PORT/PATH FOLDER-WITH-node_modules

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [url, home] = process.argv.slice(2);
const { WebSocket } = createRequire(join(home, 'package.json'))('ws');

const SIZES = [0, 1, 125, 126, 127, 1000, 65_535, 65_536, 1_000_000];
const MESSAGES = SIZES.flatMap((size) => [
  'κόσμε 👍 '.repeat(Math.ceil(size / 16)),
  'x'.repeat(size),
  randomBytes(size),
  Buffer.alloc(size),
]);

function open(options) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { maxPayload: 0, handshakeTimeout: 10_000, ...options });
    socket.heard = [];
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
    socket.on('message', (data, isBinary) => socket.heard.push(isBinary ? data : data.toString()));
  });
}

function closed(socket) {
  return new Promise((resolve) => socket.once('close', (code) => resolve(code)));
}

async function echo(name, options, wanted) {
  const socket = await open(options);
  assert.equal(socket.extensions.split(';')[0], wanted, name);
  for (const message of MESSAGES) socket.send(message);
  // A message in three frames, its text cut where it may be.
  socket.send('frag', { fin: false });
  socket.send('men', { fin: false });
  socket.send('ted', { fin: true });
  const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
  socket.ping('are you there');
  assert.equal(await pong, 'are you there', name);
  for (let number = 0; number < 1000; number += 1) socket.send(`message ${number}`);
  socket.close(4321, 'good bye');
  assert.equal(await closed(socket), 4321, name);
  const expected = [...MESSAGES, 'fragmented'];
  for (let number = 0; number < 1000; number += 1) expected.push(`message ${number}`);
  assert.equal(socket.heard.length, expected.length, name);
  expected.forEach((message, index) => {
    const heard = socket.heard[index];
    const same = typeof message === 'string' ? heard === message : message.equals(heard);
    assert(same, `${name}: message ${index} differs`);
  });
  console.log(name, 'agreed on', socket.extensions || 'nothing');
}

async function refused(name, bytes, wanted) {
  const socket = await open({ perMessageDeflate: false });
  socket._socket.write(bytes);
  assert.equal(await closed(socket), wanted, name);
}

async function many(count) {
  const sockets = await Promise.all(Array.from({ length: count }, () => open({})));
  sockets.forEach((socket, number) => socket.send(`from ${number} `.repeat(200)));
  const codes = sockets.map((socket) => closed(socket));
  sockets.forEach((socket) => socket.close(1000));
  assert((await Promise.all(codes)).every((code) => code === 1000));
  sockets.forEach((socket, number) => assert.deepEqual(socket.heard, [`from ${number} `.repeat(200)]));
}

const DEFLATE = 'permessage-deflate';
await echo('plain', { perMessageDeflate: false }, '');
await echo('as it comes', {}, DEFLATE);
await echo('deflate', { perMessageDeflate: true }, DEFLATE);
await echo('everything compressed', { perMessageDeflate: { threshold: 0 } }, DEFLATE);
for (const bits of [9, 10, 15]) {
  const limits = { serverMaxWindowBits: bits, clientMaxWindowBits: bits, threshold: 0 };
  await echo(`${bits} bits`, { perMessageDeflate: limits }, DEFLATE);
}
await refused('not text', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1007);
await refused('a reserved opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002);
await many(100);
