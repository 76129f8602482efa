// For everyone: by keyboard alone, for screen readers, in any direction, with less motion, installed.

import { equal, gone, ok, says, see, until } from "../check.mjs";
import { box, dialog, message, say, tabTo } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { furnish, sticksOut } from "../tour.mjs";
import { passwordOf } from "../world.mjs";

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
