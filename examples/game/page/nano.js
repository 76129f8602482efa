// A small client of the game protocol: packets, messages, dictionary, heartbeats.

const HANDSHAKE = 1;
const ACK = 2;
const HEARTBEAT = 3;
const DATA = 4;
const KICK = 5;
const REQUEST = 0;
const NOTIFY = 1;
const RESPONSE = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Nano {
  #socket;
  #input = new Uint8Array(0);
  #codes = new Map();
  #routes = new Map();
  #awaited = new Map();
  #heard = new Map();
  #requests = 0;
  #silence;
  #heartbeat = 0;

  constructor(url, user = {}) {
    this.ready = new Promise((ready, failed) => {
      this.#heard.set(HANDSHAKE, { ready, failed });
    });
    this.ended = new Promise((ended) => this.#heard.set("ended", ended));
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      const sys = { type: "js-websocket", version: "0.0.1" };
      this.#say(HANDSHAKE, encoder.encode(JSON.stringify({ sys, user })));
    };
    this.#socket.onmessage = ({ data }) => this.#hear(new Uint8Array(data));
    this.#socket.onclose = ({ reason }) => {
      clearTimeout(this.#silence);
      this.#heard.get(HANDSHAKE).failed(new Error(reason || "not connected"));
      for (const { failed } of this.#awaited.values()) failed(new Error("the connection has ended"));
      this.#heard.get("ended")(this.kicked ?? reason);
    };
  }

  on(route, listener) {
    this.#heard.set(`on ${route}`, listener);
  }

  request(route, value) {
    const id = ++this.#requests;
    return new Promise((answered, failed) => {
      this.#awaited.set(id, { answered, failed });
      this.#message(REQUEST, id, route, value);
    });
  }

  notify(route, value) {
    this.#message(NOTIFY, 0, route, value);
  }

  #message(type, id, route, value) {
    const data = encoder.encode(JSON.stringify(value));
    const code = this.#codes.get(route);
    const head = [(type << 1) | (code === undefined ? 0 : 1)];
    for (let rest = id; type === REQUEST; rest = Math.floor(rest / 128)) {
      head.push(rest % 128 | (rest >= 128 ? 128 : 0));
      if (rest < 128) break;
    }
    if (code === undefined) {
      const name = encoder.encode(route);
      head.push(name.length, ...name);
    } else {
      head.push(code >> 8, code & 255);
    }
    const body = new Uint8Array(head.length + data.length);
    body.set(head);
    body.set(data, head.length);
    this.#say(DATA, body);
  }

  #say(kind, body = new Uint8Array(0)) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const bytes = new Uint8Array(4 + body.length);
    bytes.set([kind, body.length >> 16, (body.length >> 8) & 255, body.length & 255]);
    bytes.set(body, 4);
    this.#socket.send(bytes);
  }

  // Messages of the WebSocket are parts of one stream.
  #hear(piece) {
    const input = new Uint8Array(this.#input.length + piece.length);
    input.set(this.#input);
    input.set(piece, this.#input.length);
    let at = 0;
    while (input.length >= at + 4) {
      const length = (input[at + 1] << 16) | (input[at + 2] << 8) | input[at + 3];
      if (input.length < at + 4 + length) break;
      this.#packet(input[at], input.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#input = input.slice(at);
    this.#watch();
  }

  // Whoever says nothing for two heartbeats has gone.
  #watch() {
    clearTimeout(this.#silence);
    if (this.#heartbeat > 0) {
      this.#silence = setTimeout(() => this.#socket.close(), this.#heartbeat * 2500);
    }
  }

  #packet(kind, body) {
    if (kind === HANDSHAKE) {
      const answer = JSON.parse(decoder.decode(body));
      if (answer.code !== 200) {
        this.#heard.get(HANDSHAKE).failed(new Error(answer.message ?? `code ${answer.code}`));
        return;
      }
      this.#heartbeat = answer.sys.heartbeat ?? 0;
      for (const [route, code] of Object.entries(answer.sys.dict ?? {})) {
        this.#codes.set(route, code);
        this.#routes.set(code, route);
      }
      this.#say(ACK);
      this.#heard.get(HANDSHAKE).ready(answer.user);
    } else if (kind === HEARTBEAT) {
      this.#say(HEARTBEAT);
    } else if (kind === DATA) {
      this.#data(body);
    } else if (kind === KICK) {
      this.kicked = decoder.decode(body);
    }
  }

  #data(body) {
    const type = (body[0] >> 1) & 7;
    let at = 1;
    if (type === RESPONSE) {
      let id = 0;
      for (let group = 1; ; group *= 128) {
        const byte = body[at++];
        id += (byte & 127) * group;
        if (byte < 128) break;
      }
      const awaited = this.#awaited.get(id);
      this.#awaited.delete(id);
      awaited?.answered(JSON.parse(decoder.decode(body.subarray(at))));
      return;
    }
    let route;
    if (body[0] & 1) {
      route = this.#routes.get((body[at] << 8) | body[at + 1]);
      at += 2;
    } else {
      route = decoder.decode(body.subarray(at + 1, at + 1 + body[at]));
      at += 1 + body[at];
    }
    this.#heard.get(`on ${route}`)?.(body.subarray(at));
  }
}

export const json = (bytes) => JSON.parse(decoder.decode(bytes));
