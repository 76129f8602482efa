// Documents: an admin brings them and tries a question; an answer's link leads to the passage.

import { equal, gone, ok, see } from "../check.mjs";
import { choose, dialog, message, say } from "../hands.mjs";
import { scenario } from "../scenario.mjs";

const YARD = `# The yard

It is by the river.

## Ropes

Dry a rope before it is stowed, or it rots. <b>Never</b> stow it wet.

## Slipway

The slipway is free on Sundays from ten in the morning until the tide turns.
`;

const file = (name, text) => ({ name, mimeType: "text/markdown", buffer: Buffer.from(text) });

scenario("documents are brought, asked and forgotten in the administration", async (world) => {
  const [ann, bo] = await world.together(["ann", "bo"]);
  const admin = await ann.tab("/admin/documents");
  await see(admin.getByText("There is no document yet."));
  const files = admin.locator("input[type=file]");
  await files.setInputFiles([file("yard.md", YARD), file("rules.txt", "Paint the hull in May.\n")]);
  await see(admin.getByRole("row", { name: /The yard.*yard\.md/ }));
  await see(admin.getByRole("row", { name: /rules\.txt/ }));
  await admin.getByLabel("Question").fill("when is the slipway free");
  await admin.getByRole("button", { name: "Ask" }).click();
  const best = admin.getByRole("listitem").filter({ hasText: "free on Sundays" });
  await see(best);
  equal((await best.locator("mark").allInnerTexts()).join(" "), "slipway free", "what is marked");
  await choose(admin, admin.getByRole("button", { name: "More about rules" }), "Forget…");
  await dialog(admin).getByRole("button", { name: "Forget" }).click();
  await gone(admin.getByRole("row", { name: /rules\.txt/ }));

  // Whoever is told of a passage goes there, and sees it marked among the others.
  await say(ann.page, "From [The yard › Ropes](/docs/1?passage=2#p-2).");
  await message(bo.page, "From The yard").getByRole("link", { name: "The yard › Ropes" }).click();
  await bo.page.waitForURL(/\/docs\/1\?passage=2/);
  await see(bo.page.getByRole("heading", { name: "The yard", level: 1 }));
  ok((await bo.page.locator("mark").innerText()).includes("<b>Never</b>"), "text stays text");
  await see(bo.page.getByText("free on Sundays"));
  equal(await bo.page.locator("main p.passage").count(), 3, "passages");
});
