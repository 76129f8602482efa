// Coming in and going out: the first person, invitations, signing in, passwords, tokens, who one is.

import { equal, gone, ok, says, see, until } from "../check.mjs";
import { box, choose, dialog, fill, message, picture, say, sidebar } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { passwordOf } from "../world.mjs";

async function ownMenu(page, item) {
  await choose(page, page.getByRole("button", { name: /Your menu/ }), item);
}

scenario("the first person makes the place, another comes by the link, and they talk", async (world) => {
  const ann = await (await world.browserOf("ann")).newPage();
  await ann.goto("/");
  await fill(ann, { Name: "ann", "What it is called": "The Harbour", Password: passwordOf("ann") });
  await ann.getByLabel("Shown as").fill("Ann Ä.");
  await ann.getByLabel("The first room").fill("harbour");
  await ann.getByRole("button", { name: "Begin" }).click();
  const link = await ann.getByLabel("Invitation").inputValue();
  ok(link.startsWith(`${world.url}/invite/`), link);
  await ann.getByRole("link", { name: /^Go to/ }).click();
  await see(box(ann));
  equal(new URL(ann.url()).pathname, "/r/harbour");

  const bo = await (await world.browserOf("bo")).newPage();
  await bo.goto(link);
  await see(bo.getByText("Ann Ä."));
  await fill(bo, { Name: "bo", Password: passwordOf("bo") });
  await bo.getByRole("button", { name: "Come in" }).click();
  await see(box(bo));
  equal(new URL(bo.url()).pathname, "/r/harbour");
  await say(ann, "Welcome!");
  await see(message(bo, "Welcome!"));
  await say(bo, "It is nice here");
  await see(message(ann, "It is nice here"));
  await see(sidebar(bo).getByText("The Harbour"));

  const late = await (await world.browserOf("cy")).newPage();
  await late.goto("/first");
  ok(!late.url().endsWith("/first"), "the first account can be made once");
  await late.goto("/sign-up");
  await see(late.getByLabel("Invitation"), "that an invitation is asked for");
});

scenario("whoever has an account signs in and out", async (world) => {
  await world.person("ann");
  world.expect(/status of 401/, /status of 422/, /status of 400/);
  const page = await (await world.browserOf("ann")).newPage();
  await page.goto("/");
  await fill(page, { "Name or email": "ann", Password: "not her password" });
  await page.getByRole("button", { name: "Sign in" }).click();
  await see(page.getByRole("alert"), "why one is not let in");
  equal(await page.getByLabel("Name or email").inputValue(), "ann");
  await page.getByLabel("Password", { exact: true }).fill(passwordOf("ann"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await see(sidebar(page));
  await ownMenu(page, "Sign out");
  await dialog(page).getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
  await page.goto("/");
  await see(page.getByRole("button", { name: "Sign in" }));
});

scenario("a link to a message leads there after one has signed in", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  await ann.sayAll("general", ["one", "two", "three"]);
  const page = await (await world.browserOf("ann")).newPage();
  await page.goto("/r/general/2");
  await page.waitForURL(/\/sign-in/);
  await fill(page, { "Name or email": "ann", Password: passwordOf("ann") });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/r/general/2");
  await see(message(page, "two"));
});

scenario("a name that is taken is said beside its field, and what was typed stays", async (world) => {
  await world.person("ann");
  world.expect(/status of 4\d\d/);
  const page = await (await world.browserOf("cy")).newPage();
  await page.goto("/sign-up");
  await fill(page, { Name: "ann", Password: passwordOf("cy") });
  await page.getByLabel("Shown as").fill("Cy");
  await page.getByRole("button", { name: "Make my account" }).click();
  await until("what is wrong", () => page.getByLabel("Name", { exact: true }).getAttribute("aria-invalid"));
  equal(await page.getByLabel("Shown as").inputValue(), "Cy");
  await page.getByLabel("Name", { exact: true }).fill("cy");
  await page.getByLabel("Password", { exact: true }).fill(passwordOf("cy"));
  await page.getByRole("button", { name: "Make my account" }).click();
  await see(sidebar(page));
});

scenario("somebody who forgot the password gets in again by a link, and other browsers are signed out", async (world) => {
  const ann = await world.person("ann");
  const bo = await world.person("bo");
  await ann.makeRoom("general", {}, [bo]);
  world.expect(/status of 401/, /WebSocket connection/);
  const old = await bo.enter("general");
  const admin = await ann.tab("/admin/people");
  await choose(admin, admin.getByRole("button", { name: "More about bo" }), "Link for a new password");
  const link = await dialog(admin).getByRole("textbox").inputValue();
  const page = await (await world.browserOf("bo, anew")).newPage();
  await page.goto(link);
  await page.getByLabel("New password").fill("quite another one");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.waitForURL(/\/sign-in|\/$|\/r\//);
  if (page.url().includes("/sign-in")) {
    await fill(page, { "Name or email": "bo", Password: "quite another one" });
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await see(box(page));
  await old.waitForURL(/\/sign-in/);
});

scenario("a password is changed in the settings, and other browsers are signed out", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  world.expect(/status of 40[013]/, /WebSocket connection/);
  const phone = await world.browserOf("phone");
  const page = await phone.newPage();
  await page.goto("/sign-in");
  await fill(page, { "Name or email": "ann", Password: passwordOf("ann") });
  await page.getByRole("button", { name: "Sign in" }).click();
  await see(box(page));
  const desk = await ann.tab("/settings/password");
  const form = desk.getByRole("main");
  await form.getByLabel("Current password").fill("wrong wrong");
  await form.getByLabel("New password").fill("a new one, much longer");
  await form.getByRole("button", { name: "Change password" }).click();
  await until("that the old one is wrong", () => form.locator("[aria-invalid]").count());
  await form.getByLabel("Current password").fill(passwordOf("ann"));
  await form.getByRole("button", { name: "Change password" }).click();
  await see(desk.getByText("Your password is changed", { exact: false }));
  await page.waitForURL(/\/sign-in/);
  ok(!desk.url().includes("sign-in"), "the browser in which it was changed stays signed in");
});

scenario("a token is made, speaks for somebody, and is taken back", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  const page = await ann.tab("/settings/devices");
  await page.getByRole("button", { name: "Make a token" }).click();
  const asked = dialog(page, "Make a token");
  await fill(asked, { "What it is for": "a script", "Your password": passwordOf("ann") });
  await asked.getByRole("button", { name: "Make it" }).click();
  const token = await dialog(page, "Your new token").getByRole("textbox").inputValue();
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await world.api(token, "POST", "/rooms/general/messages", { text: "from a script" });
  const row = page.getByRole("row").filter({ hasText: "a script" });
  await row.getByRole("button", { name: /Sign out/ }).click();
  await dialog(page).getByRole("button", { name: "Sign out" }).click();
  await gone(row, "the token's row");
  const refused = await fetch(`${world.url}/api/v1/me`, { headers: { Authorization: `Bearer ${token}` } });
  equal(refused.status, 401);
});

scenario("others see a new name and a picture", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await say(bo.page, "it is me");
  await see(message(ann.page, "it is me"));
  const page = await bo.tab("/settings/profile");
  await page.getByLabel("Shown as").fill("Bo the <b>Great</b>");
  await page.getByRole("button", { name: "Save" }).click();
  await bo.say("general", "and I am new");
  await see(message(ann.page, "and I am new"));
  await see(message(ann.page, "it is me").getByText("Bo the <b>Great</b>"));
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a picture" }).click();
  await (await choosing).setFiles({ name: "me.png", mimeType: "image/png", buffer: await picture(page) });
  await dialog(page, "Your picture").getByRole("button", { name: "Use this" }).click();
  await see(page.getByRole("main").locator("img"), "the picture in the settings");
  await ann.page.reload();
  await until("the picture beside the message", async () => {
    const image = message(ann.page, "it is me").locator("img").first();
    return (await image.count()) && (await image.evaluate((it) => it.naturalWidth > 0));
  });
});
