// A walk past every page and every state of it that somebody may see, for what has to hold of all of them.

import { gone, see, until } from "./check.mjs";
import { box, dialog, message, messages, picture } from "./hands.mjs";

/** The pages of whoever is not signed in: `[name, path]`. */
export const DOORS = (invite, reset) => [
  ["sign in", "/sign-in"],
  ["sign up", "/sign-up"],
  ["invited", `/invite/${invite}`],
  ["reset", `/reset/${reset}`],
  ["a page that is not there", "/no/such/page"],
];

/** The pages that are plain forms for whoever has no scripts. */
export const PLAIN = [
  ["plain home", "/"],
  ["plain rooms", "/rooms"],
  ["plain room", "/r/general"],
  ["plain reply", "/r/general?reply=1"],
  ["plain room from outside", "/r/garden"],
  ["plain notifications", "/notifications"],
  ["plain password", "/password"],
  ["plain settings", "/settings"],
  ["plain sign out", "/sign-out"],
];

const SETTINGS = ["profile", "notifications", "password", "devices", "appearance"];
const ADMIN = ["overview", "people", "rooms", "invites", "bots", "server"];

/** A server with something of everything on it. */
export async function furnish(world) {
  const [ann, bo, cy] = [await world.person("ann"), await world.person("bo"), await world.person("cy")];
  await ann.api("PATCH", "/me", { display_name: "Ann Ägren" });
  await bo.api("PATCH", "/me", { display_name: "Bo" });
  await ann.makeRoom("general", { title: "General", topic: "What concerns all of us" }, [bo, cy]);
  await ann.makeRoom("kitchen", { title: "Kitchen" }, [bo]);
  await ann.makeRoom("plans", { title: "Plans", kind: "private" }, [bo]);
  await cy.makeRoom("garden", { title: "Garden", topic: "Beds and bees" });
  await bo.say("general", "Good morning! Who is here?");
  await bo.say("general", "I have **news**, and `code`, and a [link](https://example.org/).");
  await ann.say("general", "> quoted\n\nYes, and:\n\n- one\n- two\n\n```js\nconst far = \"a line of code that is so long that it has to be scrolled sideways on every phone\";\n```");
  await cy.say("general", "What do you think, @ann?");
  await ann.say("general", "I think so", { reply_to: 1 });
  await bo.say("general", "a mistake");
  await bo.api("DELETE", "/rooms/general/messages/6");
  await ann.api("PUT", `/rooms/general/messages/1/reactions/${encodeURIComponent("👍")}`);
  await cy.api("PUT", `/rooms/general/messages/1/reactions/${encodeURIComponent("👍")}`);
  await ann.api("PATCH", "/rooms/general", { pinned: 2 });
  await bo.say("kitchen", "Soup is ready, @ann");
  const { room } = await bo.api("POST", "/dms", { user: "ann" });
  await bo.say(room, "Just between us");
  return { ann, bo, cy };
}

/** Puts a picture into a room. */
export async function hang(world, person, room, bytes) {
  const answer = await fetch(`${world.url}/api/v1/uploads?name=sea.png`, {
    method: "POST",
    headers: { Authorization: `Bearer ${person.token}`, "Content-Type": "image/png" },
    body: bytes,
  });
  await person.say(room, "the sea", { attachment: (await answer.json()).id });
}

/** Walks past the pages of the application; `stop(name, page)` looks at each. */
export async function walk(world, { bo }, page, stop) {
  const ready = async (path) => {
    await page.goto(path);
    await see(page.getByRole("heading", { level: 1 }));
    await until("that it is quiet", async () => !(await page.getByText("One moment…").isVisible()));
  };
  const room = async () => {
    await ready("/r/general");
    await see(box(page));
    await see(message(page, "I think so"));
    // What was begun at the stop before is kept.
    await box(page).fill("");
    await box(page).focus();
  };
  const opened = async (name, open, ...there) => {
    await room();
    await open();
    for (const it of there) await see(it);
    await stop(name, page);
  };
  await hang(world, bo, "general", await picture(page, "#2a6f97", 400));
  await room();
  await stop("room", page);
  await opened("a message in hand", async () => {
    await page.keyboard.press("Control+ArrowUp");
    await until("focus in the list", () => messages(page).evaluate((it) => it.contains(document.activeElement)));
  });
  await opened("menu of a message", async () => {
    await page.keyboard.press("Control+ArrowUp");
    await page.keyboard.press("Enter");
  }, page.getByRole("menu"));
  await opened("deleting", async () => {
    await page.keyboard.press("Control+ArrowUp");
    await page.keyboard.press("d");
  }, dialog(page));
  await opened("answering", async () => {
    await page.keyboard.press("Control+ArrowUp");
    await page.keyboard.press("r");
  }, page.getByText(/^Reply to/));
  await opened("emoji", () => page.getByRole("button", { name: "Emoji", exact: true }).click(), page.getByRole("listbox", { name: "Emoji" }));
  await opened("completion", () => box(page).pressSequentially("@b"), page.getByRole("option").first());
  await opened("commands", () => box(page).pressSequentially("/"), page.getByRole("option").first());
  await opened("help with commands", async () => {
    await box(page).pressSequentially("/help ");
    await page.getByRole("button", { name: "Send" }).click();
  }, page.getByText("Change what this room is about"));
  await opened("large picture", () => messages(page).getByRole("link", { name: "sea.png" }).click(), dialog(page));
  await opened("menu of the room", () => page.getByRole("button", { name: "More about this room" }).click(), page.getByRole("menu"));
  await opened("members", () => page.getByRole("button", { name: /^Members/ }).click(), page.getByRole("complementary").getByText("Bo"));
  await opened("profile", async () => {
    await page.getByRole("button", { name: /^Members/ }).click();
    await page.getByRole("complementary").getByRole("button", { name: /Bo/ }).click();
  }, dialog(page).getByText("@bo"));
  await opened("search", async () => {
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.getByRole("searchbox", { name: "Search for" }).fill("soup");
  }, page.locator("mark"));
  await opened("notices", async () => {
    const bell = page.getByRole("button", { name: /^Notifications/ });
    if (!(await bell.isVisible())) await page.getByRole("button", { name: "Rooms and people" }).click();
    await bell.click();
  }, page.getByRole("complementary").getByText(/mentioned you/).first());
  await opened("list of rooms", async () => {
    const button = page.getByRole("button", { name: "Rooms and people" });
    if (await button.isVisible()) await button.click();
  }, page.getByRole("link", { name: /Kitchen/ }));
  await opened("switcher", () => page.keyboard.press("Control+k"), dialog(page));
  await opened("shortcuts", async () => {
    await page.keyboard.press("Control+ArrowUp");
    await page.keyboard.press("?");
  }, dialog(page));
  const plus = (name, item) => async () => {
    const button = page.getByRole("button", { name });
    if (!(await button.isVisible())) await page.getByRole("button", { name: "Rooms and people" }).click();
    await button.click();
    if (item) await page.getByRole("menuitem", { name: item }).click();
  };
  await opened("making a room", plus("Add a room", "Create a room"), dialog(page));
  await opened("all rooms", plus("Add a room", "Browse rooms"), dialog(page).getByText("Garden"));
  await opened("new conversation", plus("New conversation"), dialog(page).getByText("@bo"));
  world.expectOutage();
  await opened("without a network", async () => {
    await page.context().setOffline(true);
    await box(page).fill("kept until it is back");
    await page.getByRole("button", { name: "Send" }).click();
  }, page.getByText("You are offline."), page.getByText("Waiting for the connection"));
  await page.context().setOffline(false);
  await gone(page.getByText("Waiting for the connection"));
  await ready("/r/garden");
  await see(page.getByRole("button", { name: /^Join/ }));
  await stop("a room from outside", page);
  for (const part of SETTINGS) {
    await ready(`/settings/${part}`);
    await stop(`settings, ${part}`, page);
  }
  for (const part of ADMIN) {
    await ready(`/admin/${part}`);
    if (part === "overview") await see(page.locator("svg[role=img]"));
    await stop(`administration, ${part}`, page);
  }
}

/** Codes for the pages of whoever is not signed in. */
export async function codes(ann) {
  const invite = await ann.api("POST", "/invites", { uses: 5, room: "general" });
  const reset = await ann.api("POST", "/users/cy/reset");
  return [invite.code, reset.secret];
}

/** What sticks out of the page at its sides, or makes it scroll sideways. */
export const sticksOut = (page) => page.evaluate(() => {
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
