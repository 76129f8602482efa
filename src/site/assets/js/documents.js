// Documents that questions are answered from: which there are, bringing some, and trying a question.

import { api, query } from "./api.js";
import { confirm } from "./dialog.js";
import { fill, h } from "./dom.js";
import { block, table } from "./page.js";
import { button, comes, iconButton, menu } from "./parts.js";
import { snippet } from "./search.js";
import { listed } from "./sidebar.js";
import { ago } from "./since.js";
import { bytes, full, number } from "./time.js";
import { complain, toast } from "./toast.js";

/** Fills a place with the documents of the server, or of a room that is chosen. */
export function showDocuments(place) {
  let room = "";
  const list = h("div", {});
  const read = () =>
    comes(list, async () => {
      const { documents, more } = await api.get(`/docs${query({ room: room || undefined })}`);
      return [
        table("Documents", columns(read), documents, "There is no document yet."),
        more && h("p", { class: "soft" }, "There are more; the command line lists them all."),
      ];
    });

  const choices = [{ room: "", title: "Everybody" }, ...listed().rooms];
  const whose = h(
    "select",
    {
      class: "input",
      id: "docs-whose",
      onchange: () => {
        room = whose.value;
        read();
      },
    },
    choices.map((it) => h("option", { value: it.room }, it.title)),
  );
  const input = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    accept: ".txt,.md,.markdown,.html,.htm,text/*",
    onchange: async () => {
      await bring([...input.files], room, status);
      input.value = "";
      read();
    },
  });
  const choosing = button("Add files", () => input.click(), { kind: "main", picture: "plus" });
  const status = h("p", { class: "soft", role: "status" });
  const about = "Questions are answered with the passage that says most. In a room its own come first.";
  fill(
    place,
    block(
      "Documents",
      about,
      h("label", { for: "docs-whose" }, "For whom"),
      whose,
      h("div", { class: "actions" }, choosing, input),
      status,
      list,
    ),
    trying(() => room),
  );
  read();
}

function columns(read) {
  return [
    { label: "Title", of: (it) => h("a", { href: it.url, dir: "auto" }, it.title) },
    { label: "Source", of: (it) => h("bdi", {}, it.source) },
    { label: "Passages", of: (it) => number(it.passages) },
    { label: "Size", of: (it) => bytes(it.bytes) },
    {
      label: "Brought",
      of: (it) =>
        h("time", { datetime: it.imported_at, title: full(it.imported_at) }, ago(it.imported_at)),
    },
    {
      label: "",
      of: (it) =>
        menu(iconButton("more", `More about ${it.title}`), () => [
          { label: "Forget…", icon: "trash", danger: true, run: () => forget(it, read) },
        ]),
    },
  ];
}

/** Brings files one after the other. What does not come is said, and the others come all the same. */
async function bring(files, room, status) {
  let brought = 0;
  for (const [at, file] of files.entries()) {
    status.textContent = `Bringing ${at + 1} of ${files.length}…`;
    try {
      const form = new FormData();
      form.append("file", file);
      const asked = query({ room: room || undefined, source: file.webkitRelativePath || file.name });
      const response = await fetch(`/api/v1/docs${asked}`, { method: "POST", body: form });
      if (!response.ok) throw new Error((await response.json()).error.message);
      brought += 1;
    } catch (refusal) {
      complain(new Error(`${file.name}: ${refusal.message}`));
    }
  }
  status.textContent = "";
  if (brought > 0) toast(brought === 1 ? "The document is here." : `${brought} documents are here.`);
}

async function forget(document, read) {
  const text = "Questions are not answered from it any more. The file that it came from stays.";
  const title = `Forget ${document.title}?`;
  if (!(await confirm({ title, text, yes: "Forget", danger: true }))) return;
  await api.del(`/docs/${document.id}`).catch(complain);
  read();
}

// --------------------------------------------------------------------------------- trying a question

function trying(room) {
  const found = h("div", { role: "status" });
  const input = h("input", {
    class: "input",
    id: "docs-question",
    type: "search",
    maxlength: 500,
    required: true,
    autocomplete: "off",
  });
  const ask = (event) => {
    event.preventDefault();
    const question = input.value.trim();
    if (!question) return;
    comes(found, async () => {
      const asked = query({ q: question, room: room() || undefined });
      const { good, hits } = await api.get(`/docs/search${asked}`);
      if (hits.length === 0) return h("p", {}, "Nothing was found.");
      return [
        !good && h("p", {}, "Nothing good was found. This comes nearest:"),
        h("ol", { class: "found" }, hits.map(shown)),
      ];
    });
  };
  return block(
    "Try a question",
    "This is what an answer is made of.",
    h(
      "form",
      { class: "form", onsubmit: ask },
      h("label", { for: "docs-question" }, "Question"),
      input,
      h("div", { class: "actions" }, button("Ask", null, { type: "submit", kind: "main" })),
    ),
    found,
  );
}

function shown(hit) {
  const name = hit.heading ? `${hit.title} › ${hit.heading}` : hit.title;
  return h(
    "li",
    {},
    h("a", { href: hit.url, dir: "auto" }, name),
    h("p", { dir: "auto" }, snippet(hit.snippet)),
  );
}
