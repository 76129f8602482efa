// The room: what is said, answered, changed and taken back.

import { deepEqual, equal, gone, match, ok, pause, says, see, until } from "../check.mjs";
import { act, actByMenu, arrived, box, choose, dialog, message, messages, say, texts } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

scenario("words go both ways and stand together by person and by day", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "first");
  await see(message(bo.page, "first"));
  await say(ann.page, "second");
  await say(bo.page, "third");
  await see(message(ann.page, "third"));
  await see(message(bo.page, "second"));
  deepEqual(await texts(ann.page), ["first", "second", "third"]);
  deepEqual(await texts(bo.page), ["first", "second", "third"]);
  await until("one avatar for what one person says at once", async () =>
    (await messages(bo.page).locator("[data-seq] .avatar").count()) === 2);
  await see(messages(bo.page).getByText("Today", { exact: true }));
});

scenario("Markdown is shown, and nothing in it is more than it says", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const text = [
    "**strong** *soft* ~~gone~~ `code <b>` https://example.org/a?b=c&d.",
    "[named](https://example.com/) [evil](javascript:alert(1)) <script>alert(1)</script> <img src=x onerror=alert(1)>",
    "",
    "> quoted",
    "",
    "- one",
    "- two",
    "",
    "```rust",
    "fn main() { let x = \"<i>\"; }",
    "```",
  ].join("\n");
  await ann.say("general", text);
  const it = message(bo.page, "strong").first();
  await see(it);
  equal(await it.locator("strong").first().innerText(), "strong");
  equal(await it.locator("em").first().innerText(), "soft");
  equal(await it.locator("blockquote").innerText(), "quoted");
  deepEqual(await it.locator("li").allInnerTexts(), ["one", "two"]);
  match(await it.locator("pre").innerText(), /fn main\(\) \{ let x = "<i>"; \}/);
  const links = await it.locator(".text a").evaluateAll((all) => all.map((a) => [a.getAttribute("href"), a.rel]));
  deepEqual(links.map(([href]) => href), ["https://example.org/a?b=c&d", "https://example.com/"]);
  for (const [, rel] of links) match(rel, /noopener|noreferrer/);
  equal(await it.locator("script, .text img").count(), 0);
  match(await it.innerText(), /<script>alert\(1\)<\/script>/);
});

scenario("lines, and Shift+Enter for the next one", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await box(ann.page).pressSequentially("one");
  await box(ann.page).press("Shift+Enter");
  await box(ann.page).pressSequentially("two");
  await box(ann.page).press("Enter");
  await see(message(bo.page, "one"));
  equal(await message(bo.page, "one").locator(".text").innerText(), "one\ntwo");
  equal(await box(ann.page).inputValue(), "");
});

scenario("somebody is mentioned by completion and hears of it", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("other", {}, [bo]);
  await bo.page.goto("/r/other");
  await see(box(bo.page));
  await box(ann.page).pressSequentially("hello @b");
  const options = ann.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");
  await see(options.filter({ hasText: "@bo" }));
  await box(ann.page).press("Enter");
  equal(await box(ann.page).inputValue(), "hello @bo ");
  await box(ann.page).press("Enter");
  await see(message(ann.page, "hello"));
  await until("that bo's sidebar says so", async () =>
    /1\s*mention/.test((await bo.page.getByRole("navigation", { name: "Rooms and people" }).innerText())));
  await until("the title", async () => (await bo.page.title()).startsWith("(1)"));
  await bo.page.getByRole("button", { name: /^Notifications, 1 new/ }).click();
  await bo.page.getByRole("complementary").getByRole("button", { name: /mentioned you/ }).click();
  await see(message(bo.page, "hello"));
  await until("that it is seen", async () => !(await bo.page.title()).startsWith("("));
});

scenario("a reply quotes what it answers and leads to it", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.say("general", "What shall we eat?");
  await ann.sayAll("general", Array.from({ length: 60 }, (_, at) => `between ${at}`));
  await see(message(bo.page, "between 59"));
  await bo.page.goto("/r/general/1");
  await act(bo.page, "What shall we eat?", "Reply");
  await see(bo.page.getByText("Reply to ann"));
  await say(bo.page, "Soup");
  await see(message(ann.page, "Soup"));
  const quote = message(ann.page, "Soup").getByRole("link", { name: /What shall we eat/ });
  await see(quote);
  await quote.click();
  await until("the message that was answered", async () => {
    const spot = await message(ann.page, "What shall we eat?").first().boundingBox();
    return spot && spot.y > 0 && spot.y < 800;
  });
});

scenario("arrow up changes what one said last, and Escape leaves it", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "helo");
  await arrived(ann.page, "helo");
  await box(ann.page).press("ArrowUp");
  await until("its text in the box", async () => (await box(ann.page).inputValue()) === "helo");
  await box(ann.page).press("Escape");
  equal(await box(ann.page).inputValue(), "");
  await box(ann.page).press("ArrowUp");
  await box(ann.page).fill("hello");
  await box(ann.page).press("Enter");
  await says(message(bo.page, "hello"), "(edited)");
  await gone(message(bo.page, "helo").filter({ hasNotText: "hello" }));
  equal(await box(ann.page).inputValue(), "");
});

scenario("a message is deleted only after a question", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "a mistake");
  await see(message(bo.page, "a mistake"));
  await arrived(ann.page, "a mistake");
  await actByMenu(ann.page, "a mistake", "Delete");
  await dialog(ann.page).getByRole("button", { name: "Cancel" }).click();
  await pause(200);
  equal(await message(bo.page, "a mistake").count(), 1);
  await actByMenu(ann.page, "a mistake", "Delete");
  await dialog(ann.page).getByRole("button", { name: "Delete" }).click();
  await see(message(bo.page, "Message deleted"));
  await gone(message(bo.page, "a mistake"));
  await gone(message(ann.page, "a mistake"));
});

scenario("who may not change a message is offered nothing of the kind", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.say("general", "mine");
  await message(bo.page, "mine").hover();
  await see(message(bo.page, "mine").getByRole("button", { name: "Reply" }));
  equal(await message(bo.page, "mine").getByRole("button", { name: "Edit" }).count(), 0);
  await act(bo.page, "mine", "More");
  await see(bo.page.getByRole("menuitem", { name: "Copy link" }));
  equal(await bo.page.getByRole("menuitem", { name: "Delete" }).count(), 0);
});

scenario("reactions are counted on both sides and taken back", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.say("general", "cake!");
  await act(bo.page, "cake!", "React with 👍");
  const chip = (page) => message(page, "cake!").getByRole("group", { name: "Reactions" }).getByRole("button", { name: /^👍/ });
  await see(chip(ann.page));
  await chip(ann.page).click();
  await until("two", async () => /👍 2/.test(await chip(bo.page).getAttribute("aria-label")));
  await until("that mine is marked", async () => (await chip(bo.page).getAttribute("aria-pressed")) === "true");
  await chip(bo.page).click();
  await until("one", async () => /👍 1/.test(await chip(ann.page).getAttribute("aria-label")));
  await chip(ann.page).click();
  await gone(chip(bo.page));
});

scenario("emoji are found by the picker and by their names", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await box(ann.page).fill("look ");
  await ann.page.getByRole("button", { name: "Emoji", exact: true }).click();
  await ann.page.getByRole("searchbox", { name: "Search emoji" }).fill("rocket");
  await ann.page.getByRole("option", { name: "🚀" }).first().click();
  // The picker promises it: it is written a moment behind the click.
  await until("what was chosen", async () => (await box(ann.page).inputValue()) === "look 🚀");
  await box(ann.page).press("Enter");
  await see(message(bo.page, "look 🚀"));
  await box(ann.page).pressSequentially("go :rocke");
  await see(ann.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option").filter({ hasText: "🚀" }));
  await box(ann.page).press("Tab");
  match(await box(ann.page).inputValue(), /^go 🚀/);
});

scenario("commands are completed, explained and done; what is none is not sent", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await box(ann.page).pressSequentially("/shr");
  await see(ann.page.getByRole("listbox", { name: "Suggestions" }).getByRole("option").filter({ hasText: "shrug" }));
  await box(ann.page).press("Tab");
  await box(ann.page).pressSequentially("well");
  await box(ann.page).press("Enter");
  await see(message(bo.page, "well ¯\\_(ツ)_/¯"));
  await say(ann.page, "/me waves");
  await see(message(bo.page, "waves"));
  await say(ann.page, "/topic All about soup");
  await see(bo.page.getByRole("banner").or(bo.page.locator("header")).getByText("All about soup"));
  await say(ann.page, "/help");
  await see(ann.page.getByText("Change what this room is about"));
  await say(ann.page, "/who");
  await see(ann.page.getByText(/Here just now: .*bo/));
  await box(ann.page).fill("");
  await say(ann.page, "/frobnicate now");
  await see(ann.page.getByText("There is no command /frobnicate", { exact: false }));
  equal(await message(bo.page, "frobnicate").count(), 0);
  equal(await box(ann.page).inputValue(), "/frobnicate now");
});

scenario("one sees who writes and who is there", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await box(ann.page).pressSequentially("hm");
  await see(bo.page.getByText("ann is writing…"));
  await say(ann.page, "hm, yes");
  await see(message(bo.page, "hm, yes"));
  await gone(bo.page.getByText("ann is writing…"));
  await bo.page.getByRole("button", { name: /^Members/ }).click();
  const panel = bo.page.getByRole("complementary");
  await see(panel.getByText("Here · 2"));
  await ann.context.close();
  await see(panel.getByText("Here · 1"));
});

scenario("what is too long is not sent, and said so before", async (world) => {
  const [ann] = await world.together(["ann", "bo"]);
  await box(ann.page).fill("x".repeat(8001));
  await until("that it cannot be sent", () => ann.page.getByRole("button", { name: "Send" }).isDisabled());
  await see(ann.page.getByText("-1", { exact: true }));
  await box(ann.page).press("Backspace");
  ok(await ann.page.getByRole("button", { name: "Send" }).isEnabled());
});

scenario("a draft is there again when one comes back to its room", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("other", {}, [bo]);
  await box(ann.page).fill("half a thou");
  await ann.page.goto("/r/other");
  await see(box(ann.page));
  equal(await box(ann.page).inputValue(), "");
  await ann.page.goto("/r/general");
  await until("the draft", async () => (await box(ann.page).inputValue()) === "half a thou");
});

scenario("a pinned message and the topic stand at the top for all", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.say("general", "the rules of the house");
  await see(message(ann.page, "the rules of the house"));
  await actByMenu(ann.page, "the rules of the house", "Pin");
  const pin = bo.page.getByRole("link", { name: /Pinned:.*the rules of the house/ });
  await see(pin);
  await ann.page.getByRole("button", { name: "Unpin" }).click();
  await gone(pin);
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Edit room");
  await dialog(ann.page, "Edit room").getByLabel("What it is about").fill("Soup & bread");
  await dialog(ann.page, "Edit room").getByRole("button", { name: "Save" }).click();
  await see(bo.page.getByText("Soup & bread"));
});

scenario("what is written before the scripts are there is kept", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sit();
  let open;
  const gate = new Promise((done) => (open = done));
  await ann.context.route("**/assets/js/all.js*", async (route) => {
    await gate;
    await route.continue();
  });
  const page = await ann.context.newPage();
  await page.goto("/r/general", { waitUntil: "commit" });
  await page.locator("textarea#text").fill("from the first moment");
  open();
  await until("what was begun", async () => (await box(page).inputValue()) === "from the first moment");
  await box(page).press("Enter");
  await until("it", async () => (await ann.api("GET", "/rooms/general/messages")).messages[0]?.text === "from the first moment");
});
