// Where one writes: a box that grows, with what it answers or changes above it, files, completion,
// and a draft for each room that is there again when one comes back.

import { isPhone } from "./device.js";
import { h, icon } from "./dom.js";
import { draftOf, keepDraft } from "./drafts.js";
import { gist } from "./message.js";
import { outbox } from "./outbox.js";
import { iconButton, style } from "./parts.js";
import { placeholder } from "./placeholder.js";
import { store } from "./store.js";
import { typingLine, typist } from "./typing.js";

/** Whether a text is to be done instead of said. A second slash, or a path, is just text. */
const isCommand = (text) => /^\/\p{L}[\p{L}\p{N}_-]*(?:\s|$)/u.test(text);

/** `on` has `sent()`, `lastOwn()` (my newest message) and `back()` (into the list of messages). */
export function composer(room, on) {
  const limit = store.limits.text;
  const words = placeholder(room);
  let replyTo = null;
  let editing = null;
  let beforeEdit = null;
  let isDue = false;
  /** What is not needed for a few words: files and completion come when they are. */
  let files = null;
  let list = null;

  const box = h("textarea", {
    class: "box",
    id: "composer",
    rows: "1",
    dir: "auto",
    placeholder: words,
    "aria-label": words,
    enterkeyhint: isPhone() ? "enter" : "send",
  });
  // What is written is laid out behind the box once more, unseen, so that both are as high as it.
  const grows = h("div", { class: "grows" }, box);
  const about = h("div", { class: "about", hidden: true });
  const answer = h("div", { class: "answer", role: "status", hidden: true });
  const counter = h("span", { class: "counter", role: "status" });
  const picking = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    onchange: pickedFiles,
  });
  const attach = iconButton("paperclip", "Attach files", () => picking.click());
  const smile = iconButton("smile", "Emoji", addEmoji, {
    "aria-haspopup": "dialog",
    "aria-expanded": "false",
  });
  const send = iconButton("send", "Send", submit, { class: "button main send" });
  const form = h(
    "form",
    {
      class: "composer",
      "aria-label": "Write a message",
      onsubmit: (event) => {
        event.preventDefault();
        submit();
      },
    },
    answer,
    about,
    h("div", { class: "line" }, attach, grows, counter, smile, send, picking),
  );
  const typing = typist(room);
  const line = typingLine(room);
  const element = h("div", { class: "composer-frame" }, form, line.element);

  async function withFiles() {
    const [{ attachments }] = await Promise.all([import("./attach.js"), style("tools")]);
    if (!files) {
      files = attachments(update);
      about.after(files.element);
    }
    return files;
  }

  async function complete() {
    const [{ completion }, { sourcesOf }] = await Promise.all([
      import("./complete.js"),
      import("./sources.js"),
      style("tools"),
    ]);
    list ??= completion(box, form, sourcesOf(room));
    list.look();
  }

  function update() {
    grows.dataset.text = `${box.value} `;
    const left = limit - [...box.value].length;
    counter.textContent = left < 200 ? String(left) : "";
    counter.classList.toggle("bad", left < 0);
    const hasSomething = box.value.trim() !== "" || files?.count > 0;
    send.disabled = !hasSomething || left < 0;
    send.classList.toggle("is-due", isDue);
    if (isDue && (files.isReady || files.hasFailed)) {
      isDue = false;
      if (files.isReady) submit();
    }
  }

  function draft() {
    if (!editing) keepDraft(room, { text: box.value, reply_to: replyTo?.seq });
  }

  function setText(text) {
    box.value = text;
    box.setSelectionRange(text.length, text.length);
    update();
  }

  box.addEventListener("input", () => {
    update();
    draft();
    answer.hidden = true;
    if (!list && /[@:/]/.test(box.value)) complete();
    if (box.value.trim() && !editing && !box.value.startsWith("/")) typing.types();
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing || list?.key(event)) return;
    const isPlain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (isPlain && !isPhone()))) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && (editing || replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      leave();
    } else if (event.key === "ArrowUp" && isPlain && box.value === "" && !files?.count) {
      event.preventDefault();
      const message = on.lastOwn();
      if (message) edit(message);
    } else if (event.key === "ArrowUp" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      on.back();
    }
  });

  box.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (pasted.length === 0 || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    withFiles().then((it) => it.add(pasted));
  });

  function pickedFiles() {
    const picked = [...picking.files];
    picking.value = "";
    withFiles().then((it) => it.add(picked));
    box.focus();
  }

  async function addEmoji() {
    const { openPicker, used } = await import("./emoji.js");
    const emoji = await openPicker(smile);
    if (!emoji) return;
    used(emoji);
    box.focus();
    box.setRangeText(emoji, box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input"));
  }

  function showAbout(title, message) {
    about.hidden = false;
    about.replaceChildren(
      icon(editing ? "edit" : "reply"),
      h("span", { class: "title" }, title),
      h("span", { class: "words", dir: "auto" }, gist(message)),
      iconButton("close", editing ? "Leave it as it was" : "Do not reply", () => leave()),
    );
  }

  function reply(message) {
    if (editing) leave();
    replyTo = message;
    showAbout(`Reply to ${store.called(message.from)}`, message);
    draft();
    box.focus();
  }

  function edit(message) {
    beforeEdit ??= { text: box.value, replyTo };
    editing = message;
    replyTo = null;
    form.classList.add("is-editing");
    showAbout("Change your message", message);
    setText(message.text);
    box.focus();
  }

  function leave() {
    const before = beforeEdit;
    editing = null;
    beforeEdit = null;
    replyTo = null;
    about.hidden = true;
    form.classList.remove("is-editing");
    if (before) {
      setText(before.text);
      if (before.replyTo) return reply(before.replyTo);
    }
    draft();
    box.focus();
  }

  function say(words, kind = "") {
    answer.className = `answer ${kind}`;
    answer.replaceChildren(
      ...[words].flat(),
      iconButton("close", "Dismiss", () => (answer.hidden = true)),
    );
    answer.hidden = false;
  }

  async function submit() {
    const text = box.value.trim() === "" ? "" : box.value.replace(/\s+$/, "");
    list?.close();
    if ([...text].length > limit) return;
    if (editing) return change(text);
    if (!text && !files?.count) return;
    if (files?.count > 0 && !files.isReady) {
      // It goes as soon as all of it is there.
      isDue = !files.hasFailed;
      return update();
    }
    if (isCommand(text) && !files?.count) return obey(text);
    post(text);
  }

  function post(text) {
    const uploads = files?.take() ?? [];
    const reply_to = replyTo?.seq;
    // The words go with the first file.
    outbox.send({ room, text, reply_to, attachment: uploads[0] });
    for (const upload of uploads.slice(1)) outbox.send({ room, text: "", attachment: upload });
    said();
  }

  function said() {
    replyTo = null;
    about.hidden = true;
    typing.said();
    setText("");
    draft();
    on.sent();
    box.focus();
  }

  async function obey(text) {
    const { obey } = await import("./obey.js");
    const done = await obey(text, room, replyTo?.seq);
    if (done.isSaid) said();
    else if (!done.isWrong) {
      setText("");
      draft();
    }
    if (done.show) say(done.show, done.kind);
  }

  async function change(text) {
    const message = editing;
    if (text === message.text) return leave();
    send.disabled = true;
    try {
      const { change } = await import("./change.js");
      if (await change(room, message, text)) leave();
    } catch (refusal) {
      say(h("p", { dir: "auto" }, refusal.message), "bad");
    }
    update();
  }

  const kept = draftOf(room);
  setText(kept.text ?? "");

  return {
    element,
    reply,
    edit,
    /** Files that were dropped somewhere in the room. */
    takeDrops(place) {
      const begin = async () => (await withFiles()).takeDrops(place);
      place.addEventListener("dragenter", begin, { once: true });
      // Until that has come, too, a file that is dropped is not what the browser goes to.
      const stay = (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault();
      for (const kind of ["dragover", "drop"]) place.addEventListener(kind, stay);
    },
    /** What a kept draft answers, once that is known. */
    replyKept: (find) => {
      const message = kept.reply_to && find(kept.reply_to);
      if (message && !replyTo && !editing) {
        replyTo = message;
        showAbout(`Reply to ${store.called(message.from)}`, message);
      }
    },
    focus: () => box.focus(),
    close() {
      files?.close();
      line.close();
    },
  };
}
