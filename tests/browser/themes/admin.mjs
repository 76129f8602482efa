// Administration: people, rooms, invites, bots, the server's settings, and how it is.

import { equal, gone, ok, see, until } from "../check.mjs";
import { box, choose, dialog, fill, line, message, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { passwordOf } from "../world.mjs";

const secretOf = (page) => dialog(page).getByRole("textbox").inputValue();

scenario("an admin makes an account, and its person comes in by the link", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  const admin = await ann.tab("/admin/people");
  await admin.getByRole("button", { name: "Make an account" }).click();
  await fill(dialog(admin), { Name: "dora" });
  await dialog(admin).getByRole("button", { name: "Make it" }).click();
  await see(dialog(admin, "Link for a new password"));
  const link = await secretOf(admin);
  const page = await (await world.browserOf("dora")).newPage();
  await page.goto(link);
  await page.getByLabel("New password").fill(passwordOf("dora"));
  await page.getByRole("button", { name: "Change it" }).click();
  if (page.url().includes("sign-in")) {
    await fill(page, { "Name or email": "dora", Password: passwordOf("dora") });
    await page.getByRole("button", { name: "Sign in" }).click();
  }
  await see(page.getByRole("navigation", { name: "Rooms and people" }));
});

scenario("an admin makes another, and disables and erases people", async (world) => {
  const [ann, bo, cy] = await world.together(["ann", "bo", "cy"]);
  world.expect(/status of 401/, /WebSocket connection/);
  await say(cy.page, "things that should go");
  await see(message(bo.page, "things that should go"));
  const admin = await ann.tab("/admin/people");
  const more = (name) => admin.getByRole("button", { name: `More about ${name}` });
  await choose(admin, more("bo"), "Admin");
  await until("that bo may", async () => {
    await bo.page.getByRole("button", { name: /Your menu/ }).click();
    const count = await bo.page.getByRole("menuitem", { name: "Administration" }).count();
    await bo.page.keyboard.press("Escape");
    return count > 0;
  });
  await choose(admin, more("cy"), "Disable");
  await cy.page.waitForURL(/\/sign-in/);
  await see(admin.getByRole("row", { name: /cy/ }).getByText("disabled"));
  await choose(admin, more("cy"), "Erase…");
  await dialog(admin).getByRole("checkbox").check();
  await dialog(admin).getByLabel("Type cy to be sure").fill("cyy");
  await dialog(admin).getByRole("button", { name: "Erase" }).click();
  await see(dialog(admin).getByText(/is not "cy"/));
  await dialog(admin).getByLabel("Type cy to be sure").fill("cy");
  await dialog(admin).getByRole("button", { name: "Erase" }).click();
  await gone(dialog(admin));
  await gone(message(bo.page, "things that should go"));
});

scenario("an admin sees all rooms, archives one and deletes one", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await bo.makeRoom("noise", { title: "Noise", kind: "private" });
  const admin = await ann.tab("/admin/rooms");
  await choose(admin, admin.getByRole("button", { name: "More about Noise" }), "Archive");
  await see(admin.getByRole("row", { name: /Noise/ }).getByText(/archived/));
  await gone(line(bo.page, "Noise"));
  await choose(admin, admin.getByRole("button", { name: "More about Noise" }), "Delete…");
  await dialog(admin).getByRole("button", { name: "Delete" }).click();
  await gone(admin.getByRole("row", { name: /Noise/ }));
});

scenario("an invite lets in as many as it says, until it is revoked", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  await ann.api("PATCH", "/settings", { sign_up: "invite" });
  world.expect(/status of 4\d\d/);
  const admin = await ann.tab("/admin/invites");
  const make = async (uses) => {
    await admin.getByRole("button", { name: "Make an invite" }).click();
    await fill(dialog(admin), { "How many it lets in": String(uses) });
    await dialog(admin).getByLabel("The room that it leads to").selectOption({ label: "general" });
    await dialog(admin).getByRole("button", { name: "Make it" }).click();
    await see(dialog(admin, "The invite's link"));
    const link = await secretOf(admin);
    await dialog(admin).getByRole("button", { name: "Done" }).click();
    return link;
  };
  const enter = async (link, name) => {
    const page = await (await world.browserOf(name)).newPage();
    await page.goto(link);
    const field = page.getByLabel("Name", { exact: true });
    if (!(await field.count())) return page;
    await fill(page, { Name: name, Password: passwordOf(name) });
    await page.getByRole("button", { name: "Come in" }).click();
    return page;
  };
  const once = await make(1);
  await see(box(await enter(once, "bo")));
  const late = await enter(once, "cy");
  await until("a refusal", async () => !(await box(late).isVisible()) && /used up|no invite|not good|not valid|any more|over/i.test(await late.innerText("body")));
  const second = await make(5);
  const row = admin.getByRole("row").filter({ has: admin.getByRole("button", { name: /^Revoke/ }) }).filter({ hasText: "5" });
  await row.getByRole("button", { name: /^Revoke/ }).first().click();
  await dialog(admin).getByRole("button", { name: "Revoke" }).click();
  await gone(row);
  const never = await enter(second, "dan");
  ok(!(await box(never).isVisible()));
});

scenario("a bot is made, gets a token, and speaks", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const admin = await ann.tab("/admin/bots");
  await admin.getByRole("button", { name: "Make a bot" }).click();
  await fill(dialog(admin), { Name: "weather" });
  await dialog(admin).getByRole("button", { name: "Make it" }).click();
  await see(dialog(admin, "The bot's token"));
  const token = await secretOf(admin);
  await ann.api("PUT", "/rooms/general/members/weather");
  await world.api(token, "POST", "/rooms/general/messages", { text: "Rain." });
  await see(message(bo.page, "Rain."));
  ok((await message(bo.page, "Rain.").innerText()).includes("weather"));
});

scenario("the server gets another name, and is closed to new people", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const admin = await ann.tab("/admin/server");
  await admin.getByLabel("What the server is called").fill("Æther & Söhne <1>");
  await admin.getByRole("radio", { name: /Closed/ }).check();
  await admin.getByRole("button", { name: "Save" }).click();
  await see(admin.getByRole("status").filter({ hasText: "Saved." }));
  const page = await (await world.browserOf("cy")).newPage();
  await page.goto("/sign-up");
  await see(page.getByText("This server takes no new accounts", { exact: false }));
  await see(page.getByText("Æther & Söhne <1>"));
  await bo.page.reload();
  await see(bo.page.getByRole("navigation").getByText("Æther & Söhne <1>"));
});

scenario("the dashboard draws how the server is, and it moves", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const page = await ann.tab("/admin/overview");
  const titles = ["Connections", "Messages a second", "Latency", "Memory", "Database"];
  for (const title of titles) await see(page.getByRole("region", { name: title }).getByRole("img", { name: title }));
  const value = (title) => page.getByRole("region", { name: title }).locator("p.value").innerText();
  const before = Number(await value("Connections"));
  ok(before >= 3, `connections: ${before}`);
  await bo.tab("/r/general");
  await until("one connection more", async () => Number(await value("Connections")) > before);
  await until("a line", async () =>
    ((await page.getByRole("region", { name: "Memory" }).locator("path.line").getAttribute("d")) ?? "").includes("L"));
  await page.getByRole("region", { name: "Memory" }).getByText("As a table").click();
  await see(page.getByRole("region", { name: "Memory" }).getByRole("cell").first());
});

scenario("who is no admin sees nothing of it", async (world) => {
  const [, bo] = await world.together(["ann", "bo"]);
  world.expect(/status of 403/);
  await bo.page.goto("/admin/people");
  await see(bo.page.getByText("Only an admin may do this."));
  equal(await bo.page.getByRole("table").count(), 0);
});

scenario("an admin connects a program to a room, and it says something there", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const admin = await ann.tab("/admin/webhooks");
  await see(admin.getByText("There is none."));
  await admin.getByRole("button", { name: "Make an incoming one" }).click();
  await fill(dialog(admin), { "What it is for": "Builds" });
  await dialog(admin).getByRole("button", { name: "Make it" }).click();
  await see(dialog(admin, "The webhook's address"));
  const address = await secretOf(admin);
  await dialog(admin).getByRole("button", { name: "Done" }).click();
  const sent = await fetch(address, { method: "POST", body: '{"text":"all green"}' });
  equal(await sent.text(), "ok");
  await see(message(bo.page, "all green"));
  const row = admin.getByRole("row", { name: /Builds/ });
  await choose(admin, admin.getByRole("button", { name: "More about Builds" }), "Pause");
  await see(row.getByText("paused"));
  equal((await fetch(address, { method: "POST", body: "{}" })).status, 403);
  await choose(admin, admin.getByRole("button", { name: "More about Builds" }), "Delete…");
  await dialog(admin).getByRole("button", { name: "Delete" }).click();
  await see(admin.getByText("There is none."));
});

scenario("an admin sees what of an outgoing webhook has not arrived", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expect(/status of 400/);
  const admin = await ann.tab("/admin/webhooks");
  await admin.getByRole("button", { name: "Make an outgoing one" }).click();
  await fill(dialog(admin), { "What it is for": "Relay", "Where to send it": "ftp://example.org" });
  await dialog(admin).getByRole("button", { name: "Make it" }).click();
  await see(dialog(admin).getByText(/has to begin with/));
  await fill(dialog(admin), { "Where to send it": "http://127.0.0.1:9/" });
  await dialog(admin).getByRole("button", { name: "Make it" }).click();
  await see(dialog(admin, "The webhook's secret"));
  ok((await secretOf(admin)).startsWith("ps_"), "a secret");
  await dialog(admin).getByRole("button", { name: "Done" }).click();
  await say(bo.page, "for the relay");
  await see(message(bo.page, "for the relay"));
  const more = admin.getByRole("button", { name: "More about Relay" });
  await choose(admin, more, "Try it");
  await see(admin.getByText(/It did not arrive: 127.0.0.1 is not an address/).first());
  await until("a dead letter", async () => {
    await choose(admin, more, "Deliveries…");
    const dead = await dialog(admin).getByText("given up").count();
    if (dead === 0) await dialog(admin).getByRole("button", { name: "Done" }).click();
    return dead > 0;
  });
  await see(dialog(admin).getByText(/not allowed/));
  await see(dialog(admin).getByRole("button", { name: "Send again what was given up" }));
});

scenario("a token is made that is good for writing in one room alone", async (world) => {
  const ann = await world.person("ann");
  await ann.makeRoom("general");
  const page = await ann.tab("/settings/devices");
  await page.getByRole("button", { name: "Make a token" }).click();
  await fill(dialog(page), { "What it is for": "script", "Your password": passwordOf("ann") });
  await dialog(page).getByRole("radio", { name: /Writing alone/ }).check();
  await dialog(page).getByLabel("Where").selectOption("general");
  await dialog(page).getByRole("button", { name: "Make it" }).click();
  await see(dialog(page, "Your new token"));
  const token = await secretOf(page);
  await dialog(page).getByRole("button", { name: "Done" }).click();
  await see(page.getByRole("row", { name: /script/ }).getByText("writing in general"));
  await world.api(token, "POST", "/rooms/general/messages", { text: "hi" });
  const refused = await fetch(`${world.url}/api/v1/rooms`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  equal(refused.status, 403);
});
