// For everyone: by keyboard alone, for screen readers, at any size, in any direction, with less motion.

import { readFileSync } from "node:fs";
import { equal, gone, ok, says, see, until } from "../check.mjs";
import { box, dialog, message, say, tabTo } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { codes, DOORS, furnish, PLAIN, walk } from "../tour.mjs";
import { PHONE, passwordOf } from "../world.mjs";

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
    for (const it of await wrongs(page)) found.add(`${name}: ${it}`);
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
    await ann.context.route("**/assets/js/main.js*", (route) => route.abort());
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

/** What sticks out of the page at its sides, or makes it scroll sideways. */
const sticksOut = (page) => page.evaluate(() => {
  const wrong = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) wrong.push(`the page is ${scrollWidth} wide in ${clientWidth}`);
  const scrolls = (it) => {
    for (let up = it.parentElement; up; up = up.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth) return true;
    }
    return false;
  };
  for (const it of document.querySelectorAll("button, input, select, textarea, a, h1, h2, h3, p")) {
    if (!it.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const { left, right, width, height } = it.getBoundingClientRect();
    // What is not seen at all (a sheet that is put away, words for screen readers) sticks out of nothing.
    if (width <= 1 || height <= 1 || right <= 0 || left >= innerWidth) continue;
    if ((left < -1 || right > innerWidth + 1) && !scrolls(it)) {
      wrong.push(`${it.outerHTML.slice(0, 120)} from ${Math.round(left)} to ${Math.round(right)}`);
    }
  }
  return wrong;
});

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
  await page.context().route("**/assets/js/main.js*", (route) => route.abort());
  for (const [name, path] of PLAIN) {
    await page.goto(path);
    await look(name, page);
  }
  equal(found.join("\n"), "");
}, TOUR);

// ---------------------------------------------------------------------------------------- keyboard

scenario("everything is done by keyboard alone", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.makeRoom("other", {}, [bo]);
  await ann.say("general", "good morning");
  const other = await ann.enter("general");
  const page = await (await world.browserOf("bo")).newPage();
  const keys = page.keyboard;
  const inFocus = (locator) => until(`focus in ${locator}`, () => locator.first().evaluate((it) => it === document.activeElement));
  await page.goto("/sign-in");
  await tabTo(page, page.getByLabel("Name or email"));
  await keys.type("bo");
  await keys.press("Tab");
  await keys.type(passwordOf("bo"));
  await keys.press("Enter");
  await see(box(page));
  // Into a room by the list of rooms.
  await page.goto("/r/other");
  await see(box(page));
  await tabTo(page, page.getByRole("navigation", { name: "Rooms and people" }).getByRole("link", { name: "general" }), { back: true });
  await keys.press("Enter");
  await page.waitForURL("**/r/general");
  await inFocus(box(page));
  await keys.type("hello from the keys");
  await keys.press("Enter");
  await see(message(other, "hello from the keys"));
  // To messages, and what can be done with them.
  await keys.press("Control+ArrowUp");
  await keys.press("ArrowUp");
  await until("the first message in focus", () => page.evaluate(() => document.activeElement?.textContent.includes("good morning")));
  await keys.press("r");
  await inFocus(box(page));
  await keys.type("and to you");
  await keys.press("Enter");
  await see(message(other, "and to you").getByRole("link", { name: /good morning/ }));
  await keys.press("Control+ArrowUp");
  await keys.press("ArrowUp");
  await keys.press("ArrowUp");
  await keys.press("+");
  await inFocus(page.getByRole("searchbox", { name: "Search emoji" }));
  await keys.type("rocket");
  await see(page.getByRole("option", { name: "🚀" }));
  await keys.press("Enter");
  await see(message(other, "good morning").getByRole("button", { name: /^🚀 1/ }));
  await until("focus on the message", () => page.evaluate(() => document.activeElement?.textContent.includes("good morning")));
  await keys.press("ArrowDown");
  await keys.press("e");
  await inFocus(box(page));
  await keys.press("End");
  await keys.type(", changed");
  await keys.press("Enter");
  await see(message(other, "hello from the keys, changed"));
  await keys.press("Control+ArrowUp");
  await keys.press("d");
  await see(dialog(page));
  await keys.press("Enter");
  await see(message(other, "Message deleted"));
  // Menus, the panel, the switcher, and one's own menu.
  await tabTo(page, page.getByRole("button", { name: "More about this room" }), { back: true });
  await keys.press("ArrowDown");
  await see(page.getByRole("menu"));
  await keys.press("Escape");
  await gone(page.getByRole("menu"));
  await keys.press("Control+Shift+f");
  await inFocus(page.getByRole("searchbox", { name: "Search for" }));
  await keys.type("morning");
  await see(page.getByRole("complementary").getByText("1 message", { exact: true }));
  await keys.press("Escape");
  await keys.press("Escape");
  await gone(page.getByRole("complementary"));
  await keys.press("Control+k");
  await inFocus(page.getByRole("combobox"));
  await keys.type("other");
  await keys.press("Enter");
  await page.waitForURL("**/r/other");
  await keys.press("Alt+ArrowUp");
  await page.waitForURL("**/r/general");
  await tabTo(page, page.getByRole("button", { name: /Your menu/ }), { back: true });
  await keys.press("Enter");
  await see(page.getByRole("menu"));
  await keys.press("s");
  await until("\"Settings\" or \"Sign out\" in focus", () => page.evaluate(() => document.activeElement?.textContent.startsWith("S")));
  await keys.press("End");
  await keys.press("Enter");
  await see(dialog(page));
  await keys.press("Enter");
  await page.waitForURL(/\/sign-in/);
});

scenario("the focus can be seen wherever it is", async (world) => {
  const { ann } = await furnish(world);
  const page = await ann.enter("general");
  const unseen = [];
  for (let count = 0; count < 40; count += 1) {
    await page.keyboard.press("Tab");
    const it = await page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return null;
      // The ring may be around what the element is in.
      for (let up = at, steps = 0; up && steps < 5; up = up.parentElement, steps += 1) {
        const style = getComputedStyle(up);
        if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) return null;
        if (up.matches(":focus, :focus-within") && style.boxShadow !== "none") return null;
      }
      return at.outerHTML.slice(0, 120);
    });
    if (it) unseen.push(it);
  }
  equal([...new Set(unseen)].join("\n"), "");
});

// ----------------------------------------------------------------------------------- screen readers

scenario("a screen reader is told of messages, once, and of nothing that one said oneself", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.say("general", "the first");
  await see(message(bo.page, "the first"));
  const log = bo.page.getByRole("log", { name: "New messages" });
  equal(await log.getAttribute("aria-live"), "polite");
  await says(log, "ann: the first");
  await say(bo.page, "my own");
  await see(message(ann.page, "my own"));
  ok(!(await log.textContent()).includes("my own"));
  await ann.api("PATCH", "/rooms/general/messages/1", { text: "the first, better" });
  await says(message(bo.page, "the first, better"), "(edited)");
  equal(await log.locator("p").count(), 1);
});

scenario("a page has its landmarks, one heading, a title and a language", async (world) => {
  const [ann] = await world.together(["ann", "bo"]);
  const { page } = ann;
  equal(await page.getByRole("main").count(), 1);
  ok(await page.getByRole("navigation", { name: "Rooms and people" }).isVisible());
  equal(await page.getByRole("heading", { level: 1 }).count(), 1);
  equal(await page.getAttribute("html", "lang"), "en");
  await until("a title", async () => (await page.title()).includes("general"));
  await page.getByRole("button", { name: /^Members/ }).click();
  await see(page.getByRole("complementary", { name: "Members" }));
  await page.goto("/settings/profile");
  await until("its own title", async () => (await page.title()).startsWith("Profile"));
});

// -------------------------------------------------------------------------------- direction, motion

scenario("text from right to left stands so, and the page can", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "שלום לכולם, hello");
  await see(message(bo.page, "שלום"));
  const direction = (page, text) => message(page, text).locator(".text p").first().evaluate((it) => getComputedStyle(it).direction);
  equal(await direction(bo.page, "שלום"), "rtl");
  await box(ann.page).fill("مرحبا");
  equal(await box(ann.page).evaluate((it) => getComputedStyle(it).direction), "rtl");
  await bo.page.evaluate(() => (document.documentElement.dir = "rtl"));
  const side = await bo.page.getByRole("navigation", { name: "Rooms and people" }).boundingBox();
  ok(side.x > 640, `the list of rooms is at the right: ${side.x}`);
  equal((await sticksOut(bo.page)).join("\n"), "");
});

scenario("who wants less motion gets none", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  const page = await bo.enter("general", { reducedMotion: "reduce" });
  await ann.enter("general");
  const moving = () => page.evaluate(() => document.getAnimations().filter((it) => it.playState === "running").length);
  await box(ann.page).pressSequentially("typing");
  await see(page.getByText("ann is writing…"));
  equal(await moving(), 0);
  await page.getByRole("button", { name: /^Members/ }).click();
  await page.keyboard.press("Control+k");
  await see(dialog(page));
  equal(await moving(), 0);
  await page.goto("/r/general/1");
  equal(await moving(), 0);
});

// -------------------------------------------------------------------------------------- installable

scenario("it can be installed, and its shell is there without a network", async (world) => {
  const [ann] = [await world.person("ann")];
  await ann.makeRoom("general");
  world.expectOutage();
  const manifest = await (await fetch(`${world.url}/manifest.webmanifest`)).json();
  for (const member of ["name", "short_name", "start_url", "display", "icons", "background_color", "theme_color"]) {
    ok(manifest[member], `${member} in the manifest`);
  }
  for (const { src } of manifest.icons) equal((await fetch(new URL(src, world.url))).status, 200, src);
  ok(manifest.icons.some(({ sizes }) => /512|any/.test(sizes)));
  await ann.sit({ serviceWorkers: "allow" });
  const page = await ann.enter("general");
  await until("the service worker", () => page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).active)));
  await until("that it looks after this page", async () => {
    if (await page.evaluate(() => Boolean(navigator.serviceWorker.controller))) return true;
    await page.reload();
    return false;
  });
  await ann.context.setOffline(true);
  await page.goto("/r/general");
  await see(page.getByText(/No connection|You are offline|Connection lost/), "the shell, which says that it is offline");
  await ann.context.setOffline(false);
  await see(box(page), "that it goes on by itself");
  const kept = await page.evaluate(async () => {
    const paths = [];
    for (const name of await caches.keys()) {
      for (const request of await (await caches.open(name)).keys()) paths.push(new URL(request.url).pathname);
    }
    return paths;
  });
  ok(kept.length > 0);
  equal(kept.filter((path) => /^\/(api|r\/)/.test(path)).join(), "", "what people say is not kept in it");
});
