// The room: keeping order, for those who may.

import { equal, gone, see, until } from "../check.mjs";
import { box, choose, dialog, line, message, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

async function profile(page, name) {
  const panel = page.getByRole("complementary");
  if (!(await panel.isVisible())) await page.getByRole("button", { name: /^Members/ }).click();
  await panel.getByRole("button", { name: new RegExp(`(^|\\s)${name}(\\s|$)`) }).click();
  return dialog(page, "Profile");
}

const order = async (page, name, item) => choose(page, (await profile(page, name)).getByRole("button", { name: "Keep order" }), item);

scenario("members are listed, and who they are", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const shown = await profile(bo.page, "ann");
  await see(shown.getByText("@ann"));
  await see(shown.getByText(/Owner/));
  equal(await shown.getByRole("button", { name: "Keep order" }).count(), 0, "who may not keep order is not offered it");
  await shown.getByRole("button", { name: "Message" }).click();
  await say(bo.page, "hello you");
  await see(line(ann.page, /bo.*1 unread/));
});

scenario("somebody is muted, and may speak again", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await order(ann.page, "bo", "Mute…");
  await dialog(ann.page, "Mute bo").getByRole("button", { name: "Mute" }).click();
  await see(bo.page.getByText(/You are muted in this room until/));
  await gone(box(bo.page));
  await order(ann.page, "bo", "Let them write again");
  await see(box(bo.page));
  await say(bo.page, "thank you");
  await see(message(ann.page, "thank you"));
});

scenario("a moderator is made, and deletes what somebody said", async (world) => {
  const [ann, bo, cy] = await world.together(["ann", "bo", "cy"]);
  await cy.say("general", "rude words");
  await order(ann.page, "bo", "Moderator");
  await see(message(bo.page, "rude words"));
  await until("that bo may delete", async () => {
    await message(bo.page, "rude words").hover();
    await message(bo.page, "rude words").getByRole("button", { name: "More" }).click();
    const item = bo.page.getByRole("menuitem", { name: "Delete" });
    if (await item.count()) return item.click().then(() => true);
    await bo.page.keyboard.press("Escape");
    return false;
  });
  await dialog(bo.page).getByRole("button", { name: "Delete" }).click();
  await gone(message(cy.page, "rude words"));
  await see(message(cy.page, "Message deleted"));
});

scenario("somebody is removed and comes back; somebody is banned and does not", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expect(/status of 40[34]/);
  await say(bo.page, "spam spam");
  await see(message(ann.page, "spam spam"));
  await order(ann.page, "bo", "Remove from the room…");
  await dialog(ann.page, "Remove bo?").getByRole("button", { name: "Remove" }).click();
  await gone(line(bo.page, /general/));
  await bo.page.goto("/r/general");
  await bo.page.getByRole("button", { name: /^Join/ }).first().click();
  await see(box(bo.page));
  await order(ann.page, "bo", "Ban…");
  await dialog(ann.page, "Ban bo").getByRole("checkbox").check();
  await dialog(ann.page, "Ban bo").getByRole("button", { name: "Ban" }).click();
  await gone(line(bo.page, /general/));
  await gone(message(ann.page, "spam spam"));
  const refused = await fetch(`${world.url}/api/v1/rooms/general/members/me`, {
    method: "PUT", headers: { Authorization: `Bearer ${bo.token}` },
  });
  equal(refused.ok, false);
  await choose(ann.page, ann.page.getByRole("button", { name: "More about members" }), "Let somebody back in");
  const banned = dialog(ann.page, "Let somebody back in");
  await see(banned.getByText(/by ann/));
  await banned.getByRole("button", { name: "Let bo back in" }).click();
  await see(banned.getByText("Nobody is banned from here."));
  await banned.getByRole("button", { name: "Close" }).click();
  await bo.page.goto("/r/general");
  await bo.page.getByRole("button", { name: /^Join/ }).first().click();
  await see(box(bo.page));
});

scenario("another name is seen by others at once", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(bo.page, "who am I?");
  await see(message(ann.page, "who am I?"));
  await bo.api("PATCH", "/me", { display_name: "Bo Diddley" });
  await see(message(ann.page, "who am I?").getByText("Bo Diddley"));
});

scenario("an archived room is read and not written in, a deleted one is gone", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expect(/status of 404/);
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Archive");
  await dialog(ann.page).getByRole("button", { name: "Archive" }).click();
  await see(bo.page.getByText("This room is archived", { exact: false }));
  await gone(box(bo.page));
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Open again");
  await see(box(bo.page));
  await choose(ann.page, ann.page.getByRole("button", { name: "More about this room" }), "Delete room");
  await dialog(ann.page).getByRole("button", { name: "Delete" }).click();
  await gone(line(bo.page, /general/));
});
