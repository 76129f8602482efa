// What begins with a slash: completed, answered in private; polls on which two people vote.

import { equal, gone, match, see, until } from "../check.mjs";
import { box, message, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

const suggestions = (page) => page.getByRole("listbox", { name: "Suggestions" }).getByRole("option");

scenario("what can be completed after a slash is what one may use", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await box(ann.page).pressSequentially("/ki");
  await see(suggestions(ann.page).filter({ hasText: "/kick @NAME" }));
  await box(bo.page).pressSequentially("/re");
  await see(suggestions(bo.page).filter({ hasText: "/remind" }));
  await box(bo.page).fill("");
  await box(bo.page).pressSequentially("/ki");
  equal(await suggestions(bo.page).count(), 0);
});

scenario("an answer for one alone is seen by one, until it is dismissed or the page is read anew", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "/remind me in 2 hours to water the plants");
  const answer = ann.page.getByText(/I will remind you in 2 hours, at 20.* UTC/);
  await see(answer);
  equal(await box(ann.page).inputValue(), "");
  equal(await bo.page.getByText("I will remind you").count(), 0);
  await ann.page.getByRole("button", { name: "Dismiss" }).click();
  await gone(answer);
  await say(ann.page, "/remind list");
  const list = ann.page.getByText(/1\. 20.* UTC.*, you: water the plants/);
  await see(list);
  await ann.page.reload();
  await see(box(ann.page));
  equal(await list.count(), 0);
  await say(ann.page, "/remind me tomorrow");
  await see(ann.page.getByText(/Say whom, when and of what/));
  equal(await box(ann.page).inputValue(), "/remind me tomorrow");
});

scenario("what somebody does is told with their name, and two slashes say one", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "/me waves at everybody");
  const doing = message(bo.page, "ann waves at everybody").locator(".action");
  await see(doing);
  equal((await doing.textContent()).trim(), "ann waves at everybody");
  await say(ann.page, "//help");
  await until("it is said", async () => (await message(bo.page, "/help").count()) > 0);
  const texts = await bo.page.locator("[data-seq] .text").allInnerTexts();
  equal(texts.at(-1).trim(), "/help");
});

scenario("two people vote in a poll, and one takes it back", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(ann.page, "/poll Tea or coffee? Tea, Coffee, Neither");
  const choice = (page, name) => page.getByRole("group", { name: "Tea or coffee?" }).getByRole("button", { name });
  await see(choice(bo.page, "Tea: 0 votes"));
  await choice(bo.page, "Tea: 0 votes").click();
  await see(choice(ann.page, "Tea: 1 vote"));
  equal(await choice(bo.page, "Tea: 1 vote").getAttribute("aria-pressed"), "true");
  equal(await choice(ann.page, "Tea: 1 vote").getAttribute("aria-pressed"), "false");
  // By keyboard, and whoever has voted is where they were.
  await choice(ann.page, "Tea: 1 vote").focus();
  await ann.page.keyboard.press("Enter");
  await see(choice(bo.page, "Tea: 2 votes"));
  await see(choice(ann.page, "Tea: 2 votes"));
  await until("the focus is there still", () =>
    choice(ann.page, "Tea: 2 votes").evaluate((it) => it === document.activeElement));
  await choice(bo.page, "Tea: 2 votes").click();
  await choice(bo.page, "Coffee: 0 votes").click();
  await see(choice(ann.page, "Coffee: 1 vote"));
  await see(choice(ann.page, "Tea: 1 vote"));
  match(await message(ann.page, "Tea or coffee?").locator(".total").innerText(), /2 people have voted/);
  equal(await message(ann.page, "Tea or coffee?").locator(".reaction:not(.add)").count(), 0);
});
