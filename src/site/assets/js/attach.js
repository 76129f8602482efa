// Files that are about to go with a message: they go up as soon as they are chosen, each with a
// preview, its progress, and a way to take it back.

import { api } from "./api.js";
import { h, icon } from "./dom.js";
import { isPicture, noteSize } from "./files.js";
import { store } from "./store.js";
import { bytes } from "./time.js";
import { toast } from "./toast.js";

const FILES_MAX = 10;

/** The files of a composer. `changed` is called when there are others, or one has arrived. */
export function attachments(changed) {
  const element = h("ul", { class: "attachments", "aria-label": "Files to be sent", hidden: true });
  let files = [];

  function add(list) {
    for (const file of list) {
      if (files.length >= FILES_MAX) {
        toast(`At most ${FILES_MAX} files go at once.`, { kind: "bad" });
        break;
      }
      if (file.size > store.limits.upload) {
        const most = bytes(store.limits.upload);
        toast(`“${file.name}” has ${bytes(file.size)}; at most ${most} are allowed.`, {
          kind: "bad",
        });
        continue;
      }
      begin(file);
    }
  }

  function begin(file) {
    const it = { file, upload: null, why: null, stop: null };
    const meter = h("progress", { max: "1", "aria-label": `Uploading ${file.name}`, value: 0 });
    const note = h("span", { class: "note", role: "status" });
    const isShown = isPicture(file);
    const url = isShown ? URL.createObjectURL(file) : null;
    const image = isShown && h("img", { src: url, alt: "" });
    const again = h(
      "button",
      { class: "link", type: "button", hidden: true, onclick: () => go() },
      "Try again",
    );
    it.element = h(
      "li",
      {},
      h("span", { class: "preview" }, isShown ? image : icon("file")),
      h(
        "span",
        { class: "about" },
        h("span", { class: "file-name", dir: "auto" }, file.name),
        h("span", { class: "size" }, bytes(file.size)),
        meter,
        note,
        again,
      ),
      h(
        "button",
        {
          class: "button bare",
          type: "button",
          "aria-label": `Remove ${file.name}`,
          title: "Remove",
          onclick: () => remove(it),
        },
        icon("close"),
      ),
    );
    it.end = () => url && URL.revokeObjectURL(url);
    const go = async () => {
      it.stop = new AbortController();
      it.why = null;
      again.hidden = true;
      note.textContent = "";
      meter.hidden = false;
      try {
        it.upload = await api.upload(file, (part) => (meter.value = part), {
          signal: it.stop.signal,
        });
        if (image && image.naturalWidth)
          noteSize(it.upload.id, image.naturalWidth, image.naturalHeight);
        note.textContent = "";
      } catch (refusal) {
        if (refusal.name === "AbortError") return;
        it.why = refusal.message;
        note.textContent = refusal.message;
        again.hidden = false;
      }
      meter.hidden = true;
      changed();
    };
    files.push(it);
    element.append(it.element);
    element.hidden = false;
    changed();
    go();
  }

  function remove(it) {
    it.stop?.abort();
    it.end();
    it.element.remove();
    files = files.filter((other) => other !== it);
    element.hidden = files.length === 0;
    changed();
  }

  return {
    element,
    add,
    get count() {
      return files.length;
    },
    get isReady() {
      return files.every((it) => it.upload);
    },
    get hasFailed() {
      return files.some((it) => it.why);
    },
    /** The uploads, which from now on belong to messages. */
    take() {
      const uploads = files.map((it) => it.upload);
      for (const it of [...files]) remove(it);
      return uploads;
    },
    /** Takes files that are dropped on a place. */
    takeDrops: (place) => dropPlace(place, add),
    close() {
      for (const it of [...files]) remove(it);
    },
  };
}

/** After how long without a word of it files no longer hang over a place. */
const GONE_MS = 800;

/** Lets files be dropped on a place, and says so while they hang over it. */
function dropPlace(place, add) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const veil = h(
    "div",
    { class: "drop-veil", hidden: true, "aria-hidden": "true" },
    icon("paperclip"),
    "Drop files to send them",
  );
  place.append(veil);
  let timer = 0;
  const hide = () => {
    clearTimeout(timer);
    veil.hidden = true;
  };
  // Coming and going is told for each element in the place; that they are still here is, too.
  place.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    veil.hidden = false;
    clearTimeout(timer);
    timer = setTimeout(hide, GONE_MS);
  });
  place.addEventListener("dragleave", (event) => {
    const { relatedTarget: other } = event;
    if (other && !place.contains(other)) hide();
  });
  place.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hide();
    add([...event.dataTransfer.files]);
  });
}
