// A bad line: servers that go away, networks that do, WebSockets that do not get through, several tabs.

import { deepEqual, equal, gone, ok, pause, see, until } from "../check.mjs";
import { act, arrived, box, message, messages, say, texts } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

const away = (page) => page.getByRole("status").filter({ hasText: /Connection lost|You are offline/ });
const back = (page) => page.getByRole("status").filter({ hasText: /Back/ });

scenario("the server is killed while people write, and nothing is lost or said twice", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expectOutage();
  await say(ann.page, "before");
  await see(message(bo.page, "before"));
  await box(bo.page).pressSequentially("half a sen");
  await say(ann.page, "on the edge");
  await world.server.kill();
  await say(ann.page, "into the dark 1");
  await say(ann.page, "into the dark 2");
  await see(away(ann.page));
  await see(away(bo.page));
  await see(message(ann.page, "into the dark 2").getByText("Waiting for the connection"));
  await box(bo.page).pressSequentially("tence");
  // It is said for a few seconds only: whoever looks later may have missed it.
  const isSaid = see(back(ann.page));
  await world.server.again();
  await see(message(bo.page, "into the dark 2"));
  await isSaid;
  equal(await box(bo.page).inputValue(), "half a sentence");
  await box(bo.page).press("Enter");
  await see(message(ann.page, "half a sentence"));
  const wanted = ["before", "on the edge", "into the dark 1", "into the dark 2", "half a sentence"];
  for (const page of [ann.page, bo.page]) {
    await until("all of it, once, in order", async () => JSON.stringify(await texts(page)) === JSON.stringify(wanted));
  }
  await gone(away(ann.page));
  await gone(messages(ann.page).getByText("Waiting for the connection"));
});

scenario("five restarts while both talk: everything arrives once and in order", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expectOutage();
  for (let turn = 0; turn < 5; turn += 1) {
    await say(ann.page, `ann ${turn}.`);
    await say(bo.page, `bo ${turn}.`);
    await world.server.kill();
    await say(ann.page, `ann ${turn}+`);
    await world.server.again();
    await see(message(bo.page, `ann ${turn}+`));
  }
  const wanted = (name, marks) => Array.from({ length: 5 }, (_, turn) => marks.map((it) => `${name} ${turn}${it}`)).flat();
  for (const page of [ann.page, bo.page]) {
    await until("all of it", async () => (await texts(page)).length === 15);
    const all = await texts(page);
    deepEqual(all.filter((it) => it.startsWith("ann")), wanted("ann", [".", "+"]));
    deepEqual(all.filter((it) => it.startsWith("bo")), wanted("bo", ["."]));
  }
  const { messages: kept } = await ann.api("GET", "/rooms/general/messages?limit=100");
  equal(kept.length, 15);
});

scenario("a clean stop is said, and what was said meanwhile elsewhere comes afterwards", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expectOutage();
  await world.server.stop();
  await see(away(bo.page));
  await world.server.again();
  await ann.say("general", "after the pause");
  await see(message(bo.page, "after the pause"));
  await gone(away(bo.page));
});

scenario("what is written offline waits, outlives a reload of the page, and goes when the network is back", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  world.expectOutage();
  await ann.sit({ serviceWorkers: "allow" });
  const page = await ann.enter("general");
  await bo.enter("general");
  await until("the service worker", () => page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).active)));
  await until("that it looks after this page", async () => {
    if (await page.evaluate(() => Boolean(navigator.serviceWorker.controller))) return true;
    await page.reload();
    return false;
  });
  await see(box(page));
  await ann.context.setOffline(true);
  await see(away(page));
  await say(page, "from the tunnel");
  await say(page, "still in it");
  await see(message(page, "still in it").getByText("Waiting for the connection"));
  await bo.say("general", "are you there?");
  await page.reload();
  await pause(300);
  await ann.context.setOffline(false);
  await see(message(bo.page, "still in it"));
  await until("all of it, once, for bo", async () =>
    JSON.stringify(await texts(bo.page)) === JSON.stringify(["are you there?", "from the tunnel", "still in it"]));
  await until("and for ann", async () =>
    JSON.stringify(await texts(page)) === JSON.stringify(["are you there?", "from the tunnel", "still in it"]));
});

scenario("what cannot be sent says why, and is tried again or thrown away", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expectOutage();
  await bo.context.setOffline(true);
  await see(away(bo.page));
  await say(bo.page, "may I?");
  await say(bo.page, "and this?");
  await world.api(ann.token, "DELETE", "/rooms/general/members/bo");
  await bo.context.setOffline(false);
  await gone(away(bo.page));
  await see(bo.page.getByText(/You are in no room yet/));
  // Both have been refused by now: nothing on the page says so, as the room is not there.
  await pause(1500);
  await ann.api("PUT", "/rooms/general/members/bo");
  await bo.page.goto("/r/general");
  await see(box(bo.page));
  const first = message(bo.page, "may I?");
  await see(first.getByRole("button", { name: "Try again" }));
  await first.getByRole("button", { name: "Try again" }).click();
  await see(message(bo.page, "and this?").getByRole("button", { name: "Discard" }));
  await message(bo.page, "and this?").getByRole("button", { name: "Discard" }).click();
  await see(message(ann.page, "may I?"));
  await gone(message(bo.page, "and this?"));
  equal(await message(ann.page, "and this?").count(), 0);
});

scenario("where WebSockets are blocked, people talk by events and posts", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  world.expectOutage();
  await bo.sit();
  let tries = 0;
  await bo.context.routeWebSocket(/\/ws/, (socket) => {
    tries += 1;
    socket.close({ code: 1011, reason: "blocked" });
  });
  const streams = [];
  bo.context.on("request", (request) => request.url().includes("/api/v1/events") && streams.push(request.url()));
  const page = await bo.tab("/r/general");
  const other = await ann.enter("general");
  await see(box(page));
  ok(tries > 0);
  await until("a stream of events", () => streams.length > 0);
  await say(page, "through the narrow door");
  await see(message(other, "through the narrow door"));
  await say(other, "I hear you");
  await see(message(page, "I hear you"));
  await act(page, "I hear you", "React with 👍");
  await see(message(other, "I hear you").getByRole("button", { name: /^👍 1/ }));
  await say(page, "/remind list");
  await see(page.getByText("You have no reminders."));
  await act(other, "I hear you", "Edit");
  await box(other).fill("I hear you well");
  await box(other).press("Enter");
  await see(message(page, "I hear you well"));
  await world.server.kill();
  await say(page, "kept");
  await world.server.again();
  await see(message(other, "kept"));
});

scenario("two tabs of one person know the same", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  await ann.makeRoom("other", {}, [bo]);
  const second = await bo.tab("/r/other");
  await see(box(second));
  await say(bo.page, "in the first");
  await see(message(ann.page, "in the first"));
  await second.goto("/r/general");
  await see(message(second, "in the first"));
  await say(second, "in the second");
  await see(message(bo.page, "in the second"));
  for (const page of [bo.page, second]) {
    await until("each once", async () =>
      JSON.stringify(await texts(page)) === JSON.stringify(["in the first", "in the second"]));
  }
  await ann.say("other", "@bo news");
  for (const page of [bo.page, second]) await see(page.getByRole("button", { name: "Notifications, 1 new" }));
  await second.getByRole("button", { name: "Notifications, 1 new" }).click();
  await second.getByRole("button", { name: "Mark all as seen" }).click();
  await see(bo.page.getByRole("button", { name: "Notifications", exact: true }));
});

scenario("two tabs of one person, both offline: each message once", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  world.expectOutage();
  const second = await bo.tab("/r/general");
  await see(box(second));
  await bo.context.setOffline(true);
  await see(away(bo.page));
  await see(away(second));
  await say(bo.page, "tab one");
  await say(second, "tab two");
  await bo.page.waitForTimeout(200);
  await bo.context.setOffline(false);
  await see(message(ann.page, "tab one"));
  await see(message(ann.page, "tab two"));
  await arrived(bo.page, "tab one");
  await pause(1000);
  equal((await ann.api("GET", "/rooms/general/messages")).messages.length, 2);
  equal((await texts(bo.page)).length, 2);
  equal((await texts(second)).length, 2);
});
