// Around the room: the list of rooms, the switcher, notices, and what tells of news while one looks elsewhere.

import { equal, gone, match, ok, see, until } from "../check.mjs";
import { box, choose, dialog, fill, line, message, say, sidebar } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

const modifier = process.platform === "darwin" ? "Meta" : "Control";

scenario("the list of rooms counts what is unread and forgets it when it is read", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("other", {}, [bo]);
  await see(line(bo.page, "other"), "a room that one is brought into");
  await ann.say("other", "something");
  await see(line(bo.page, /other.*unread/));
  await ann.say("other", "hey @bo");
  await see(line(bo.page, /other.*1 mention/));
  await line(bo.page, /^other/).click();
  await see(message(bo.page, "hey @bo"));
  await until("that nothing is unread", async () => (await line(bo.page, /other/).innerText()).trim() === "other");
  equal(new URL(bo.page.url()).pathname, "/r/other");
  await bo.page.goBack();
  await until("the room before", async () => new URL(bo.page.url()).pathname === "/r/general");
  await say(bo.page, "back again");
  await see(message(ann.page, "back again"));
});

scenario("two people talk alone", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await world.person("cy");
  await ann.page.getByRole("button", { name: "New conversation" }).click();
  const asked = dialog(ann.page, "New conversation");
  await asked.getByLabel("With whom").fill("bo");
  await see(asked.getByRole("button", { name: /@bo/ }));
  await asked.getByRole("button", { name: /@bo/ }).click();
  await asked.getByRole("button", { name: "Start" }).click();
  await ann.page.waitForURL((url) => url.pathname !== "/r/general");
  await say(ann.page, "psst");
  await see(line(bo.page, /ann.*1 unread message/));
  await line(bo.page, /ann/).click();
  await see(message(bo.page, "psst"));
  await say(bo.page, "what is it?");
  await see(message(ann.page, "what is it?"));
  await see(ann.page.getByRole("heading", { level: 1, name: /bo/ }));
});

scenario("several talk in a conversation of their own", async (world) => {
  const [ann, bo, cy] = await world.together(["ann", "bo", "cy"]);
  await ann.page.getByRole("button", { name: "New conversation" }).click();
  const asked = dialog(ann.page, "New conversation");
  for (const name of ["bo", "cy"]) {
    await asked.getByLabel("With whom").fill(name);
    await asked.getByRole("button", { name: new RegExp(`@${name}`) }).click();
  }
  await asked.getByRole("button", { name: "Start" }).click();
  await ann.page.waitForURL((url) => url.pathname !== "/r/general");
  await say(ann.page, "the three of us");
  await see(ann.page.getByRole("button", { name: "Members: 3 people" }));
  for (const it of [bo, cy]) {
    await line(it.page, /unread message/).click();
    await see(message(it.page, "the three of us"));
  }
});

scenario("the switcher leads to a room or a person by a few letters", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("gardening", { title: "Gärtnern" });
  await ann.page.keyboard.press(`${modifier}+k`);
  const field = ann.page.getByRole("combobox", { name: "Jump to a room or a person" });
  await field.pressSequentially("gart");
  await see(ann.page.getByRole("option", { name: /Gärtnern/, selected: true }));
  await field.press("Enter");
  await ann.page.waitForURL("**/r/gardening");
  await ann.page.keyboard.press(`${modifier}+k`);
  await field.pressSequentially("bo");
  await see(ann.page.getByRole("option", { name: /bo/, selected: true }));
  await field.press("Enter");
  await see(ann.page.getByRole("heading", { level: 1, name: /bo/ }));
  await say(ann.page, "by the switcher");
  await see(line(bo.page, /ann/));
  await ann.page.keyboard.press(`${modifier}+k`);
  await field.pressSequentially("nothing is called so");
  await see(dialog(ann.page).getByText("Nothing is called so.").last());
  await ann.page.keyboard.press("Escape");
  await gone(dialog(ann.page));
  ok(await box(ann.page).evaluate((it) => it === document.activeElement), "focus is where it was");
});

scenario("a room is made, found by another and joined; a private one is not found", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const make = async (title, kind) => {
    await choose(ann.page, ann.page.getByRole("button", { name: "Add a room" }), "Create a room");
    const asked = dialog(ann.page, "Create a room");
    await fill(asked, { Title: title });
    await asked.getByRole("radio", { name: kind }).check();
    await asked.getByRole("button", { name: "Create" }).click();
    await see(ann.page.getByRole("heading", { level: 1, name: title }));
  };
  await make("Öl & Essig", /Open/);
  await say(ann.page, "who likes vinegar?");
  await make("Secret", /Private/);
  await choose(bo.page, bo.page.getByRole("button", { name: "Add a room" }), "Browse rooms");
  const rooms = dialog(bo.page, "Browse rooms");
  await rooms.getByRole("searchbox", { name: "Find a room" }).fill("ol");
  await see(rooms.getByRole("button", { name: "Join Öl & Essig" }));
  equal(await rooms.getByText("Secret").count(), 0);
  await rooms.getByRole("button", { name: "Join Öl & Essig" }).click();
  await see(message(bo.page, "who likes vinegar?"));
  await say(bo.page, "I do");
  await line(ann.page, /Öl/).click();
  await see(message(ann.page, "I do"));
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Leave");
  await dialog(ann.page).getByRole("button", { name: "Leave" }).click();
  await gone(line(ann.page, /Öl/));
});

scenario("somebody is brought into a private room", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("secret", { kind: "private" });
  await ann.page.goto("/r/secret");
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Invite people");
  const asked = dialog(ann.page);
  await asked.getByLabel("Whom").fill("bo");
  await asked.getByRole("button", { name: /@bo/ }).click();
  await asked.getByRole("button", { name: "Invite", exact: true }).click();
  await see(line(bo.page, /secret/));
  await line(bo.page, /secret/).click();
  await say(bo.page, "I am in");
  await see(message(ann.page, "I am in"));
});

scenario("notices are listed, lead to what they are about, and are seen on all devices", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("other", {}, [bo]);
  const second = await bo.tab("/r/general");
  await see(box(second));
  await ann.sayAll("other", ["@bo one", "@bo two", "three"]);
  for (const page of [bo.page, second]) await see(page.getByRole("button", { name: "Notifications, 2 new" }));
  await bo.page.getByRole("button", { name: "Notifications, 2 new" }).click();
  const panel = bo.page.getByRole("complementary");
  await see(panel.getByRole("button", { name: /@bo one/ }));
  await panel.getByRole("button", { name: "Mark all as seen" }).click();
  for (const page of [bo.page, second]) await see(page.getByRole("button", { name: "Notifications", exact: true }));
  await panel.getByRole("button", { name: /@bo one/ }).click();
  await bo.page.waitForURL("**/r/other/1");
  await see(message(bo.page, "@bo one"));
});

/** Notes what a page shows on the desktop and what it plays, instead of doing it. */
const overhear = (context) => context.addInitScript(() => {
  globalThis.heard = { shown: [], notes: 0 };
  globalThis.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, options) {
      globalThis.heard.shown.push([title, options.body]);
    }
    close() {}
  };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...times) {
    globalThis.heard.notes += 1;
    return start.apply(this, times);
  };
});

/** Makes a page believe that nobody looks at it. */
const hide = (page) => page.evaluate(() => {
  Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
  Object.defineProperty(document, "visibilityState", { get: () => "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
});

scenario("while one looks elsewhere, title, icon, desktop and sound tell of news", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await bo.sit();
  await overhear(bo.context);
  const page = await bo.enter("general");
  const icon = () => page.locator('link[rel~="icon"]').getAttribute("href");
  const plain = await icon();
  await ann.say("general", "@bo before it is chosen");
  await see(message(page, "@bo before it is chosen"));
  await page.goto("/settings/notifications");
  await page.getByRole("checkbox", { name: "Show notifications on the desktop" }).check();
  await page.getByRole("checkbox", { name: "Play a sound" }).check();
  await page.goto("/r/general");
  await see(box(page));
  await until("one live tab", () => page.evaluate(() => document.title.includes("general")));
  await hide(page);
  await ann.say("general", "just so");
  await ann.say("general", "@bo come & see");
  await until("a notification on the desktop", () => page.evaluate(() => globalThis.heard.shown.length > 0));
  const { shown, notes } = await page.evaluate(() => globalThis.heard);
  equal(shown.length, 1, JSON.stringify(shown));
  match(shown[0].join(" "), /ann.*come & see/);
  ok(notes > 0, "a sound");
  await until("the title", async () => /^\(\d+\)/.test(await page.title()));
  await until("another icon", async () => (await icon()) !== plain);
});

scenario("a room can be quiet", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("noise", {}, [bo]);
  await bo.page.goto("/r/noise");
  await choose(bo.page, bo.page.getByRole("button", { name: "More about this room" }), "Nothing");
  await line(bo.page, /general/).click();
  await ann.say("noise", "blah");
  await ann.say("general", "a sign");
  await see(message(bo.page, "a sign"));
  equal((await line(bo.page, /noise/).innerText()).trim(), "noise");
});

scenario("the panel and dialogs give focus back to where it was", async (world) => {
  const [ann] = await world.together(["ann", "bo"]);
  const { page } = ann;
  const members = page.getByRole("button", { name: /^Members/ });
  await members.focus();
  await page.keyboard.press("Enter");
  await see(page.getByRole("complementary").getByRole("heading", { name: "Members" }));
  await until("focus in the panel", () => page.evaluate(() => document.querySelector("aside").contains(document.activeElement)));
  await page.keyboard.press("Escape");
  await until("focus back", () => members.evaluate((it) => it === document.activeElement));
  const add = page.getByRole("button", { name: "Add a room" });
  await add.focus();
  await page.keyboard.press("Enter");
  await see(page.getByRole("menu"));
  await page.keyboard.press("Enter");
  await see(dialog(page, "Create a room"));
  await page.keyboard.press("Escape");
  await gone(dialog(page));
  await until("focus back at the button", () => add.evaluate((it) => it === document.activeElement));
});

scenario("on a phone the list of rooms is a sheet, and the room has the screen", async (world) => {
  const { PHONE } = await import("../world.mjs");
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.makeRoom("other", {}, [bo]);
  const page = await bo.enter("general", PHONE);
  await until("no list of rooms", async () => !(await line(page, /other/).isVisible()) ||
    (await line(page, /other/).boundingBox()).x < 0);
  await page.getByRole("button", { name: "Rooms and people" }).tap();
  await line(page, /other/).tap();
  await page.waitForURL("**/r/other");
  await box(page).tap();
  await page.keyboard.type("from my phone");
  await page.getByRole("button", { name: "Send" }).tap();
  const desk = await ann.enter("other");
  await see(message(desk, "from my phone"));
  ok(await sidebar(desk).isVisible());
});
