// Without JavaScript: forms and links, and the others do not notice.

import { equal, gone, ok, see, until } from "../check.mjs";
import { fill, message, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";
import { passwordOf } from "../world.mjs";

const PLAIN = { javaScriptEnabled: false };
const post = async (page, text) => {
  await page.getByLabel(/^Message/).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
};

scenario("without JavaScript one signs in, reads, writes, answers and signs out", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.say("general", "**good** <b>morning</b> @bo");
  const other = await ann.enter("general");
  const page = await (await world.browserOf("bo", PLAIN)).newPage();
  await page.goto("/r/general");
  await fill(page, { "Name or email": "bo", Password: passwordOf("bo") });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/r/general");
  const item = page.getByRole("listitem").filter({ hasText: "morning" });
  equal(await item.locator("strong").innerText(), "good");
  ok((await item.innerText()).includes("<b>morning</b>"));
  await post(page, "from a plain page");
  await see(message(other, "from a plain page"));
  await see(page.getByText("from a plain page"));
  await say(other, "you have no scripts?");
  await see(message(other, "you have no scripts?"));
  await page.reload();
  await page.getByRole("listitem").filter({ hasText: "no scripts?" }).getByRole("link", { name: /^Reply/ }).click();
  await see(page.getByText(/In reply to/).first());
  await post(page, "none at all");
  await see(message(other, "none at all").getByRole("link", { name: /no scripts/ }));
  // A reload after a post says nothing twice.
  await page.reload();
  equal((await ann.api("GET", "/rooms/general/messages")).messages.length, 4);
  await page.getByRole("listitem").filter({ hasText: "none at all" }).getByRole("button", { name: "Delete" }).click();
  await gone(message(other, "none at all"));
  await page.getByRole("link", { name: /^Notifications/ }).click();
  await see(page.getByText(/morning/));
  await page.getByRole("button", { name: "Mark all as seen" }).click();
  await page.getByRole("link", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out here" }).click();
  await page.goto("/r/general");
  await page.waitForURL(/\/sign-in/);
});

scenario("without JavaScript one reads a long room by pages, back and forth", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("general", {}, [bo]);
  await ann.sayAll("general", Array.from({ length: 170 }, (_, at) => `number ${at + 1}.`));
  await bo.sit(PLAIN);
  const page = await bo.tab("/r/general");
  await see(page.getByText("number 170.", { exact: true }));
  let pages = 1;
  while (await page.getByRole("link", { name: "Older messages" }).count()) {
    await page.getByRole("link", { name: "Older messages" }).click();
    pages += 1;
    ok(pages < 20, "it comes to an end");
  }
  await see(page.getByText("number 1.", { exact: true }));
  while (await page.getByRole("link", { name: "Newer messages" }).count()) {
    await page.getByRole("link", { name: "Newer messages" }).click();
    pages += 1;
    ok(pages < 40, "it comes to an end");
  }
  await see(page.getByText("number 170.", { exact: true }));
  await page.goto("/r/general/50");
  await see(page.getByText("number 50.", { exact: true }));
});

scenario("without JavaScript the first person makes the place and another comes by the link", async (world) => {
  const ann = await (await world.browserOf("ann", PLAIN)).newPage();
  await ann.goto("/");
  await fill(ann, { Name: "ann", "What it is called": "Harbour", Password: passwordOf("ann"), "The first room": "quay" });
  await ann.getByRole("button", { name: "Begin" }).click();
  const link = await ann.getByLabel("Invitation").inputValue();
  await ann.getByRole("link", { name: /^Go to/ }).click();
  await post(ann, "hello");
  const bo = await (await world.browserOf("bo", PLAIN)).newPage();
  await bo.goto(link);
  await fill(bo, { Name: "bo", Password: passwordOf("bo") });
  await bo.getByRole("button", { name: "Come in" }).click();
  await see(bo.getByText("hello", { exact: true }));
});

scenario("without JavaScript one joins a room, leaves it, and writes to somebody", async (world) => {
  const [ann, bo] = [await world.person("ann"), await world.person("bo")];
  await ann.makeRoom("garden", { topic: "Beds" });
  await bo.sit(PLAIN);
  const page = await bo.tab("/rooms");
  await page.getByRole("button", { name: "Join garden" }).click();
  await page.goto("/r/garden");
  await post(page, "may I dig?");
  await until("it to arrive", async () => (await ann.api("GET", "/rooms/garden/messages")).messages.length === 1);
  await page.getByRole("button", { name: "Leave" }).click();
  await page.goto("/");
  await page.getByLabel("Write to somebody").fill("@ann");
  await page.getByRole("button", { name: "Open" }).click();
  await post(page, "psst");
  const other = await ann.tab("/");
  await other.getByRole("navigation", { name: "Rooms and people" }).getByRole("link", { name: /bo/ }).click();
  await see(message(other, "psst"));
});

scenario("without JavaScript one changes the password", async (world) => {
  const bo = await world.person("bo");
  world.expect(/status of 40[0-3]/);
  await bo.sit(PLAIN);
  const page = await bo.tab("/password");
  await page.getByLabel("Your password now").fill("not this one");
  await page.getByLabel("The new one").fill("a better one than that");
  await page.getByRole("button", { name: "Change it" }).click();
  await see(page.locator("[aria-invalid]"), "that it is the wrong one");
  await page.getByLabel("Your password now").fill(passwordOf("bo"));
  await page.getByLabel("The new one").fill("a better one than that");
  await page.getByRole("button", { name: "Change it" }).click();
  await see(page.getByRole("status").filter({ hasText: "Your password is changed" }));
  await world.api(null, "POST", "/tokens", { name: "bo", password: "a better one than that" });
});
