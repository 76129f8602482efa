// Commands that are under way on a WebSocket, each until its answer comes.

import { Refusal, unreachable } from "./api.js";

/** How long a command may take to be answered. */
const ANSWER_MS = 20_000;

export class Asked {
  /** `late` is called when something was not answered in time. */
  constructor(late) {
    this.late = late;
    this.nextId = 1;
    this.waiting = new Map();
  }

  /** Says a command; its `ok`, or a Refusal. */
  say(command, send) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(unreachable());
        this.late();
      }, ANSWER_MS);
      this.waiting.set(id, { resolve, reject, timer });
      send(JSON.stringify({ id, ...command }));
    });
  }

  /** An answer has come. */
  settle({ re, ok, error }) {
    const it = this.waiting.get(re);
    if (!it) return;
    this.waiting.delete(re);
    clearTimeout(it.timer);
    if (error) it.reject(new Refusal(error));
    else it.resolve(ok);
  }

  /** No answers come any more: nobody knows what was done. */
  hush() {
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(unreachable());
    }
    this.waiting.clear();
  }
}
