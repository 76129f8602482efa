// Pictures at their full size, one after the other.

import { h } from "./dom.js";
import { isPicture } from "./files.js";
import { iconButton } from "./parts.js";
import { store } from "./store.js";
import { full } from "./time.js";

/** Shows the picture of a message; arrows go to those before and after it. */
export function openLightbox(log, seq) {
  const pictures = log.messages.filter((it) => !it.deleted && isPicture(it.attachment));
  let at = Math.max(
    0,
    pictures.findIndex((it) => it.seq === seq),
  );
  const before = document.activeElement;

  const image = h("img", { alt: "" });
  const title = h("p", { class: "title", id: "lightbox-title", role: "status" });
  const download = h("a", { class: "button bare", "aria-label": "Download", title: "Download" });
  const previous = iconButton("chevron", "Previous picture", () => go(-1), {
    class: "button bare previous",
  });
  const next = iconButton("chevron", "Next picture", () => go(1), { class: "button bare next" });
  const close = iconButton("close", "Close", () => element.close());
  const element = h(
    "dialog",
    { class: "lightbox", "aria-labelledby": "lightbox-title" },
    h("header", {}, title, download, close),
    h("div", { class: "showing" }, previous, image, next),
  );
  download.append(...iconButton("download", "Download", null).childNodes);

  function go(step) {
    const wanted = at + step;
    if (wanted < 0 || wanted >= pictures.length) return;
    at = wanted;
    show();
  }

  function show() {
    const { attachment, from, at: when } = pictures[at];
    image.src = attachment.url;
    image.alt = attachment.name;
    title.textContent = `${attachment.name} · ${store.called(from)}, ${full(when)}`;
    download.href = attachment.url;
    download.download = attachment.name;
    previous.disabled = at === 0;
    next.disabled = at === pictures.length - 1;
  }

  element.addEventListener("keydown", (event) => {
    const isRtl = getComputedStyle(element).direction === "rtl";
    const step = { ArrowLeft: isRtl ? 1 : -1, ArrowRight: isRtl ? -1 : 1 }[event.key];
    if (step) go(step);
  });
  element.addEventListener("click", (event) => {
    if (event.target === element || event.target.classList.contains("showing")) element.close();
    else if (event.target === image) image.classList.toggle("is-whole");
  });
  element.addEventListener("close", () => {
    element.remove();
    before?.focus?.({ preventScroll: true });
  });
  show();
  document.body.append(element);
  element.showModal();
  close.focus();
}
