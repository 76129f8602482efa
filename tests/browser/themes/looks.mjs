// For everyone: what axe says of every page, light and dark, and whether it fits: on small screens, at 200 %, under fingers.

import { readFileSync } from "node:fs";
import { equal, see } from "../check.mjs";
import { message } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { codes, DOORS, furnish, PLAIN, sticksOut, walk } from "../tour.mjs";
import { PHONE } from "../world.mjs";

/** A walk past all pages takes its time. */
const TOUR = { limit: 240_000 };

const colourRules = { runOnly: ["color-contrast"] };

/** What axe finds wrong with a page as it is, in words. */
async function wrongs(page, options = {}) {
  const found = await page.evaluate(async (options) => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"], ...options });
    return violations.map((it) => `${it.id}: ${it.help}: ${it.nodes.slice(0, 4).map((node) =>
      `${node.html.slice(0, 160)} (${node.failureSummary?.split("\n").slice(1, 2).join(" ").trim()})`).join(" | ")}`);
  }, options);
  return found;
}

/** Looks at a page in both schemes; adds to `found`. */
function axeFor(world, found) {
  const source = readFileSync(world.require.resolve("axe-core/axe.min.js"), "utf8");
  return async (name, page) => {
    if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(source);
    // While the sheet of rooms is open on a phone, the page behind it is inert, and its heading with it.
    const isBehind = await page.locator("main[inert]").count();
    // A page is looked at when it is there.
    if (!isBehind) await page.getByRole("heading", { level: 1 }).first().waitFor();
    const off = { "landmark-one-main": { enabled: false }, "page-has-heading-one": { enabled: false } };
    for (const it of await wrongs(page, isBehind ? { rules: off } : {})) found.add(`${name}: ${it}`);
    const headings = await page.getByRole("heading", { level: 1 }).count();
    if (headings > 1) found.add(`${name}: ${headings} headings of the first level`);
    await page.emulateMedia({ colorScheme: "dark" });
    for (const it of await wrongs(page, colourRules)) found.add(`${name}, dark: ${it}`);
    await page.emulateMedia({ colorScheme: "light" });
  };
}

const sizes = [["desktop", {}], ["phone", PHONE]];

for (const [size, options] of sizes) {
  scenario(`axe finds nothing on any page of the application (${size})`, async (world) => {
    const people = await furnish(world);
    await people.ann.sit({ ...options, reducedMotion: "reduce" });
    const found = new Set();
    const look = axeFor(world, found);
    await walk(world, people, await people.ann.context.newPage(), async (name, page) => {
      await look(name, page);
      if (size === "phone") for (const it of await tooSmall(page)) found.add(`too small: ${it}`);
      else for (const it of await zoomed(page)) found.add(`${name}, at 200 %: ${it}`);
    });
    equal([...found].join("\n"), "");
  }, TOUR);

  scenario(`axe finds nothing on any plain page (${size})`, async (world) => {
    world.expect(/status of 404/, /net::ERR_FAILED/);
    const found = new Set();
    const look = axeFor(world, found);
    const outside = await world.browserOf("somebody", options);
    const page = await outside.newPage();
    await page.goto("/first");
    await look("first", page);
    const { ann } = await furnish(world);
    for (const [name, path] of DOORS(...(await codes(ann)))) {
      await page.goto(path);
      await look(name, page);
    }
    await ann.sit(options);
    // What somebody without scripts is shown, with scripts to look at it.
    await ann.context.route("**/assets/js/all.js*", (route) => route.abort());
    const plain = await ann.context.newPage();
    for (const [name, path] of PLAIN) {
      await plain.goto(path);
      await look(name, plain);
      if (size === "desktop") for (const it of await zoomed(plain)) found.add(`${name}, at 200 %: ${it}`);
    }
    equal([...found].join("\n"), "");
  }, TOUR);
}

// -------------------------------------------------------------------------------------------- sizes

/** The same in a window of which 200 % shows half: half as many pixels, each twice as large. */
async function zoomed(page) {
  const { width, height } = page.viewportSize();
  await page.setViewportSize({ width: width / 2, height: height / 2 });
  const found = await sticksOut(page);
  await page.setViewportSize({ width, height });
  return found;
}

/** What is too small for fingers. Emoji and reactions stand close, and are a little smaller. */
const tooSmall = (page) => page.evaluate(() => {
  const wrong = [];
  for (const it of document.querySelectorAll("button, select, input:not([type=checkbox], [type=radio], [type=range]), nav a, [role=option], [role=menuitem]")) {
    if (!it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || it.closest("[inert]")) continue;
    // The bar of a message is for a mouse and for keys; a finger that stays on it has a sheet.
    if (it.closest("[role=toolbar]")) continue;
    const { width, height, right, left } = it.getBoundingClientRect();
    if (width <= 1 || right <= 0 || left >= innerWidth || it.readOnly) continue;
    const isEmoji = it.closest("[role=listbox]")?.getAttribute("aria-label") === "Emoji";
    const least = isEmoji || it.closest("[role=group]") ? 36 : 43.5;
    if (height < least || width < Math.min(least, 36)) {
      wrong.push(`${it.tagName} "${(it.getAttribute("aria-label") ?? it.textContent).trim().slice(0, 30)}" ${Math.round(width)}x${Math.round(height)}`);
    }
  }
  return wrong;
});

scenario("nothing sticks out of any page at 320 pixels", async (world) => {
  world.expect(/status of 404/, /net::ERR_FAILED/);
  const people = await furnish(world);
  await people.bo.say("kitchen", `averylongword${"x".repeat(300)} https://example.org/${"y".repeat(300)}`);
  const found = [];
  const look = async (name, page) => {
    for (const it of await sticksOut(page)) found.push(`${name}: ${it}`);
  };
  const options = { viewport: { width: 320, height: 640 } };
  await people.ann.sit({ ...options, reducedMotion: "reduce" });
  const page = await people.ann.context.newPage();
  await walk(world, people, page, look);
  await page.goto("/r/kitchen");
  await see(message(page, "averylongword"));
  await look("long words", page);
  const outside = await (await world.browserOf("somebody", options)).newPage();
  for (const [name, path] of DOORS(...(await codes(people.ann)))) {
    await outside.goto(path);
    await look(name, outside);
  }
  await page.context().route("**/assets/js/all.js*", (route) => route.abort());
  for (const [name, path] of PLAIN) {
    await page.goto(path);
    await look(name, page);
  }
  equal(found.join("\n"), "");
}, TOUR);
