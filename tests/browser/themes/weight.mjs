// What a visit costs: bytes at the first one, and time where a room is long.

import { ok, pause, see, until } from "../check.mjs";
import { box, fill, message, messages } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { passwordOf } from "../world.mjs";

/** All that a first visit may transfer, in bytes, compressed. */
const MOST = 60 * 1024;
/** How long nothing may hold up a page that is scrolled, in milliseconds. */
const LONGEST_MS = 100;

scenario("a first visit transfers less than 60 KB", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sayAll("general", ["hello", "and welcome"]);
  const context = await world.browserOf("bo", { serviceWorkers: "allow" });
  const page = await context.newPage();
  const bodies = new Map();
  let total = 0;
  const came = [];
  context.on("requestfinished", (request) => came.push((async () => {
    // What is kept for later is fetched when the page is there already.
    if (request.serviceWorker()) return;
    const { responseBodySize, responseHeadersSize } = await request.sizes();
    const { pathname } = new URL(request.url());
    bodies.set(pathname, (bodies.get(pathname) ?? 0) + responseBodySize);
    total += responseBodySize + responseHeadersSize;
  })()));
  await page.goto("/sign-in");
  await fill(page, { "Name or email": "bo", Password: passwordOf("bo") });
  await page.getByRole("button", { name: "Sign in" }).click();
  await see(box(page));
  await see(message(page, "and welcome"));
  const measured = await page.evaluate(() => performance.getEntriesByType("resource")
    .concat(performance.getEntriesByType("navigation")).map((it) => it.encodedBodySize).reduce((sum, it) => sum + it, 0));
  await pause(500);
  await Promise.all(came);
  const sum = [...bodies.values()].reduce((sum, it) => sum + it, 0);
  const most = [...bodies].sort((one, other) => other[1] - one[1]).map(([path, size]) => `${size} ${path}`);
  world.note = `${sum} bytes of ${bodies.size} files, ${total} with what is said about them; the room alone ${measured}`;
  ok(sum < MOST, `${world.note}:\n${most.join("\n")}`);
}, { alone: true });

scenario("a second visit transfers next to nothing", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  const page = await ann.enter("general");
  await page.goto("/settings/profile");
  await page.goto("/r/general");
  await see(box(page));
  const again = await page.evaluate(() => performance.getEntriesByType("resource")
    .filter((it) => it.name.includes("/assets/")).reduce((sum, it) => sum + it.transferSize, 0));
  ok(again < 15_000, `${again} bytes of files`);
});

scenario("a room of 5,000 messages is scrolled to its beginning without holding up the page", async (world) => {
  const COUNT = 5000;
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  const texts = ["short one", "a **strong** word and `code`", "https://example.org/some/where", "two\nlines", "> quoted\n\nand said",
    "what is a little longer than the others, so that it takes two lines or three on a screen that is not wide", "@bo look", "- one\n- two"];
  for (let from = 1; from <= COUNT; from += 50) {
    // Several at once; which comes first does not matter.
    await Promise.all(Array.from({ length: 50 }, (_, at) =>
      (at % 3 ? ann : bo).say("general", `${texts[(from + at) % texts.length]} ${from + at}.`)));
  }
  const turns = [];
  for (let turn = 0; turn < 3; turn += 1) {
    turns.push(await scrollUp(world, bo));
    if (Math.min(turns.at(-1).seen, turns.at(-1).own) <= LONGEST_MS) break;
  }
  world.note = `longest task ${turns.map(({ seen, own }) => `${seen} ms (${own} ms of its own)`).join(", ")}`;
  // Where others take the processor, what a task took itself tells more than how long it lasted.
  ok(turns.some(({ seen, own }) => Math.min(seen, own) <= LONGEST_MS), world.note);
}, { alone: true, limit: 240_000 });

/** Scrolls from the newest message to the oldest; the longest task in milliseconds, as it lasted and in itself. */
async function scrollUp(world, person) {
  const context = await world.browserOf(person.name);
  await context.addCookies([{ name: "parlour_token", value: person.token, url: world.url, httpOnly: true, sameSite: "Lax" }]);
  const page = await context.newPage();
  await page.goto("/r/general");
  await see(box(page));
  await until("the newest messages", async () => (await messages(page).locator("[data-seq]").count()) > 20);
  await pause(500);
  const tasks = await traceTasks(context, page);
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: "longtask" });
  });
  const list = await messages(page).evaluateHandle((frame) =>
    [frame, ...frame.querySelectorAll("*")].find((it) => /auto|scroll/.test(getComputedStyle(it).overflowY)));
  // As a wheel does it, but in the page itself: what drives the browser from outside is no part of what is measured.
  await list.evaluate(async (it) => {
    const isThere = () => it.textContent.includes("This is where it begins.");
    const end = performance.now() + 60_000;
    while (!(isThere() && it.scrollTop < 5) && performance.now() < end) {
      it.scrollBy({ top: -900, behavior: "instant" });
      await new Promise((done) => requestAnimationFrame(done));
    }
  });
  await see(messages(page).getByText("This is where it begins."));
  const first = await messages(page).locator("[data-seq]").first().getAttribute("data-seq");
  ok(first === "1", `the first message is ${first}`);
  const seen = Math.round(await page.evaluate(() => globalThis.longest));
  const own = await tasks();
  await context.close();
  return { seen, own };
}

/** From now on notes how much of the processor tasks take; what it gives tells the most that one of the page took. */
async function traceTasks(context, page) {
  const client = await context.newCDPSession(page);
  const events = [];
  client.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  const traceConfig = { includedCategories: ["toplevel", "devtools.timeline"] };
  await client.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
  return async () => {
    const complete = new Promise((done) => client.once("Tracing.tracingComplete", done));
    await client.send("Tracing.end");
    await complete;
    const frames = new Map();
    for (const { name, tid } of events) if (name === "FireAnimationFrame") frames.set(tid, (frames.get(tid) ?? 0) + 1);
    const [main] = [...frames].sort((one, other) => other[1] - one[1])[0];
    const own = events.filter(({ name, tid }) => tid === main && /RunTask/.test(name)).map(({ tdur }) => tdur ?? 0);
    ok(own.length > 0, "tasks were traced");
    return Math.round(own.reduce((most, it) => Math.max(most, it), 0) / 1000);
  };
}
