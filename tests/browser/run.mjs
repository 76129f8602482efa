// The face in a browser: run.mjs PROGRAM FOLDER-WITH-node_modules BROWSER [WORDS OF NAMES…]
//
// Each test has a server of its own; all share one browser, each person of a test has a context of their own.
// A line for each test, and at the end what failed and why: the last lines of a log are what is read. Pictures of
// pages in tests that failed are kept.
// PARLOUR_ASSETS reads the pages' files from that folder, PARLOUR_SHOTS is where pictures go.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { scenarios } from "./scenario.mjs";
import { World } from "./world.mjs";

const [binary, home, executablePath, ...words] = process.argv.slice(2);
const AT_ONCE = 3;

const require = createRequire(resolve(home, "package.json"));
const { chromium } = require("playwright-core");
const here = dirname(fileURLToPath(import.meta.url));
const shots = process.env.PARLOUR_SHOTS ?? (await mkdtemp(join(tmpdir(), "parlour-pictures-")));
const flags = process.env.PARLOUR_ASSETS ? ["--assets", process.env.PARLOUR_ASSETS] : [];

for (const file of (await readdir(join(here, "themes"))).sort()) {
  if (file.endsWith(".mjs")) await import(`./themes/${file}`);
}

const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking",
  "--autoplay-policy=no-user-gesture-required"];
const browser = await chromium.launch({ executablePath, args });
const context = { browser, binary, flags, shots, require };

// What a test no longer waits for, because something before it failed, is not worth ending everything.
process.on("unhandledRejection", () => {});

const wanted = scenarios.filter(({ name }) => words.every((word) => name.includes(word)));
const failed = [];
const began = Date.now();

async function run({ name, deed, bare, limit: most }) {
  const world = new World(context);
  world.require = require;
  const from = Date.now();
  let timer;
  const limit = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not done after ${most / 1000} s`)), most);
  });
  const done = (async () => {
    if (!bare) await world.start();
    await deed(world);
    world.checkComplaints();
  })();
  try {
    await Promise.race([done, limit]);
    console.log(`ok      ${name} (${((Date.now() - from) / 1000).toFixed(1)} s)${world.note ? `: ${world.note}` : ""}`);
  } catch (error) {
    done.catch(() => {});
    const pictures = await world.picture(name);
    const text = [error.stack ?? String(error), ...world.complaints.map((it) => `browser: ${it}`), ...pictures];
    failed.push(`FAILED  ${name}\n${text.join("\n").replace(/^/gm, "    | ")}`);
    console.log(`FAILED  ${name}`);
  } finally {
    clearTimeout(timer);
    await world.end().catch((error) => console.log(`    | at the end: ${error}`));
  }
}

async function runSome(queue, atOnce) {
  const one = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await run(next);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

await runSome(wanted.filter((it) => it.alone), 1);
await runSome(wanted.filter((it) => !it.alone), AT_ONCE);
await browser.close();
if (failed.length === 0 && !process.env.PARLOUR_SHOTS) await rm(shots, { recursive: true, force: true });
for (const text of failed) console.log(text);
console.log(`${wanted.length - failed.length} passed, ${failed.length} failed (${Math.round((Date.now() - began) / 1000)} s)`);
process.exit(failed.length === 0 && wanted.length > 0 ? 0 : 1);
