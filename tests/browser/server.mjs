// The program itself, as it is released: on a port that nobody else has, with a folder of its own.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 20_000;

export class Server {
  /** `binary` is what is run; `flags` are its own. */
  static async start(binary, flags = []) {
    const data = await mkdtemp(join(tmpdir(), "parlour-browser-"));
    const server = new Server(binary, flags, data);
    await server.run("127.0.0.1:0");
    return server;
  }

  constructor(binary, flags, data) {
    Object.assign(this, { binary, flags, data, errors: "" });
  }

  async run(listen) {
    const args = ["serve", "--data", this.data, "--listen", listen, "--durability", "relaxed", ...this.flags];
    this.process = spawn(this.binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((done) => this.process.once("exit", done));
    this.process.stderr.on("data", (chunk) => (this.errors += chunk));
    const lines = createInterface({ input: this.process.stdout });
    const timer = setTimeout(() => this.process.kill("SIGKILL"), START_MS);
    const ready = new Promise((done, fail) => {
      lines.once("line", done);
      this.process.once("exit", (code) => fail(new Error(`the server ended with ${code}: ${this.errors}`)));
    });
    try {
      const line = await ready;
      this.url = line.replace(/^listening on /, "");
    } finally {
      clearTimeout(timer);
    }
  }

  get address() {
    return new URL(this.url).host;
  }

  /** Takes it away without a word. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  /** Asks it to end. */
  async stop() {
    this.process.kill("SIGTERM");
    await this.ended;
  }

  /** Runs it again where it was, with what it has kept. */
  async again() {
    await this.run(this.address);
  }

  async remove() {
    this.process.kill("SIGKILL");
    await this.ended;
    await rm(this.data, { recursive: true, force: true });
  }
}
