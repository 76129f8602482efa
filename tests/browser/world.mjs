// What one test has: a server of its own, and people with browsers who talk on it. When it ends, what the
// browsers complained of must be what the test expected.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { box } from "./hands.mjs";
import { Server } from "./server.mjs";
import { PATIENCE_MS, equal } from "./check.mjs";

/** What a browser is to be like. */
export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

export const passwordOf = (name) => `a password of ${name}`;

export class World {
  constructor({ browser, binary, flags, shots }) {
    Object.assign(this, { browser, binary, flags, shots });
    this.complaints = [];
    this.expected = [];
    this.pages = [];
    this.contexts = [];
    this.people = new Map();
  }

  async start() {
    this.server = await Server.start(this.binary, this.flags);
  }

  get url() {
    return this.server.url;
  }

  /** Complaints of browsers that this test brings about. */
  expect(...patterns) {
    this.expected.push(...patterns);
  }

  /** The server goes away in this test. */
  expectOutage() {
    this.expect(/net::ERR_/, /WebSocket connection to .* failed/, /Failed to fetch/, /ServiceWorker/);
  }

  // ------------------------------------------------------------------------------------------ people

  /** Somebody with an account, made over the API. The first one is the admin. */
  async person(name, about = {}) {
    const made = await this.api(null, "POST", "/users", { name, password: passwordOf(name), ...about });
    const person = new Person(this, name, made.token);
    this.people.set(name, person);
    return person;
  }

  /** Several, each with a browser in a room that all of them are in. */
  async together(names, room = "general", options = {}) {
    const people = [];
    for (const name of names) people.push(await this.person(name));
    await people[0].makeRoom(room, {}, people.slice(1));
    await Promise.all(people.map((it) => it.enter(room, options)));
    return people;
  }

  /** Asks the API; what it refuses ends the test. */
  async api(token, method, path, body) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  // ---------------------------------------------------------------------------------------- browsers

  /** A browser of its own: nobody's yet. */
  async browserOf(name, options = {}) {
    const context = await this.browser.newContext({
      baseURL: this.url,
      locale: "en-GB",
      timezoneId: "UTC",
      serviceWorkers: "block",
      ...DESKTOP,
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    this.contexts.push(context);
    await context.addInitScript(() =>
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`CSP: ${event.effectiveDirective} blocked ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)),
    );
    context.on("page", (page) => this.watch(page, name));
    return context;
  }

  watch(page, name) {
    this.pages.push([name, page]);
    page.on("pageerror", (error) => this.complain(`${name}: ${error.stack ?? error}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.complain(`${name}: ${message.text()} ${message.location().url}`);
    });
  }

  complain(text) {
    this.complaints.push(text);
  }

  // --------------------------------------------------------------------------------------------- end

  /** What browsers complained of, and was not expected. */
  checkComplaints() {
    const unexpected = this.complaints.filter((text) => !this.expected.some((it) => it.test(text)));
    equal(unexpected.join("\n"), "", "browsers complained");
  }

  /** Pictures of all pages as they are now; their paths. */
  async picture(title) {
    const paths = [];
    await mkdir(this.shots, { recursive: true });
    for (const [at, [name, page]] of this.pages.entries()) {
      if (page.isClosed()) continue;
      const path = join(this.shots, `${title.replace(/[^a-z0-9]+/gi, "-").slice(0, 60)}-${at}-${name}.png`);
      await page.screenshot({ path, timeout: 5000 }).then(() => paths.push(path), () => {});
    }
    return paths;
  }

  async end() {
    for (const context of this.contexts) await context.close().catch(() => {});
    await this.server?.remove();
  }
}

/** Somebody with an account. */
export class Person {
  constructor(world, name, token) {
    Object.assign(this, { world, name, token, context: null, page: null });
  }

  api(method, path, body) {
    return this.world.api(this.token, method, path, body);
  }

  /** Makes a room and brings others into it. */
  async makeRoom(room, about = {}, others = []) {
    await this.api("POST", "/rooms", { room, ...about });
    for (const it of others) await this.api("PUT", `/rooms/${room}/members/${it.name}`);
  }

  /** Says something without a browser. */
  say(room, text, about = {}) {
    return this.api("POST", `/rooms/${room}/messages`, { text, ...about });
  }

  /** Says many things, in order. */
  async sayAll(room, texts) {
    for (const text of texts) await this.say(room, text);
  }

  /** A browser in which this person is signed in. */
  async sit(options = {}) {
    this.context = await this.world.browserOf(this.name, options);
    await this.context.addCookies([
      { name: "parlour_token", value: this.token, url: this.world.url, httpOnly: true, sameSite: "Lax" },
    ]);
    return this.context;
  }

  /** Another tab of this person's browser. */
  async tab(path, options = {}) {
    if (!this.context) await this.sit(options);
    const page = await this.context.newPage();
    await page.goto(path);
    this.page ??= page;
    return page;
  }

  /** Opens a room in this person's browser, and waits until one can write in it. */
  async enter(room, options = {}) {
    const page = await this.tab(`/r/${room}`, options);
    await box(page).waitFor();
    return page;
  }
}
