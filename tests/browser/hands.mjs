// What people do on a page, found as people find it: by role and by name.

import { until, see } from "./check.mjs";

/** The page as the scripts have made it; before that, it is the server's and looks the same. */
export const app = (page) => page.locator("body:not(.plain)");

/** Where one writes. */
export const box = (page) => app(page).getByRole("textbox", { name: /^Message / });

/** Says something in the room that is open. */
export async function say(page, text) {
  await box(page).fill(text);
  await box(page).press("Enter");
}

/** The list of messages. */
export const messages = (page) => page.getByRole("region", { name: "What was said" });

/** Messages with a text. */
export const message = (page, text) =>
  messages(page).getByRole("list", { name: "Messages" }).locator(":scope > li").filter({ hasText: text });

/** The message has arrived at the server: it is one with a number. */
export const arrived = (page, text) =>
  until(`"${text}" is sent`, async () =>
    (await message(page, text).last().locator("a[href^='/r/'] time").count()) > 0 ||
    (await message(page, text).last().getAttribute("data-seq")));

/** Does one of the things that can be done with a message, by its bar. */
export async function act(page, text, name) {
  const it = message(page, text).last();
  await it.hover();
  await it.getByRole("button", { name, exact: true }).click();
}

/** Does one of the things in the menu of a message. */
export async function actByMenu(page, text, name) {
  await act(page, text, "More");
  await page.getByRole("menuitem", { name, exact: true }).click();
}

/** Opens a menu and takes something from it. */
export async function choose(page, button, item) {
  await button.click();
  await page.getByRole("menu").getByText(item, { exact: true }).click();
}

/** The dialog that is open. */
export const dialog = (page, name) => page.getByRole("dialog", name ? { name } : {});

/** Rooms and conversations. */
export const sidebar = (page) => page.getByRole("navigation", { name: "Rooms and people" });

/** A room's line in the sidebar. */
export const line = (page, name) => sidebar(page).getByRole("link", { name });

/** The texts of all messages on the page, in order. */
export const texts = (page) =>
  messages(page).locator("[data-seq]").evaluateAll((all) =>
    all.map((it) => it.querySelector(".text, .gone")?.innerText.trim() ?? ""));

/** Which keys bring one somewhere: Tab until it is in focus. */
export async function tabTo(page, locator, { back = false, most = 60 } = {}) {
  for (let count = 0; count < most; count += 1) {
    if (await locator.first().evaluate((it) => it === document.activeElement).catch(() => false)) return;
    await page.keyboard.press(back ? "Shift+Tab" : "Tab");
  }
  throw new Error(`Tab does not lead to ${locator}`);
}

/** Fills a form of labelled fields. */
export async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

/** The toast or status that says so. */
export const told = (page, text) => see(page.getByRole("status").filter({ hasText: text }));

/** A picture of some pixels, made by the browser. */
export const picture = (page, colour = "#c33", side = 40) =>
  page.evaluate(([colour, side]) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const pen = canvas.getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, side, side);
    return canvas.toDataURL("image/png").split(",")[1];
  }, [colour, side]).then((base64) => Buffer.from(base64, "base64"));
