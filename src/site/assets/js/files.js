// Files that go with messages: pictures, sound and film in their place, all else as a card. A
// picture has its frame before it has come, so that nothing jumps: as large as the server says that it
// is, or of a height that is always the same.

import { h, icon } from "./dom.js";
import { bytes } from "./time.js";

const PICTURES = new Set(
  ["avif", "bmp", "gif", "jpeg", "png", "webp"].map((kind) => `image/${kind}`),
);

/** Whether a browser is shown this as a picture. */
export const isPicture = (file) => PICTURES.has(file?.type);

/** How large those pictures are that come from here: upload to `[width, height]`. */
const sizes = new Map();

/** The largest frame of a picture. */
const FRAME = [480, 240];

/** How large a picture is shown. */
function frameOf([width, height]) {
  const scale = Math.min(1, FRAME[0] / width, FRAME[1] / height);
  return [width, height].map((side) => Math.max(1, Math.round(side * scale)));
}

/** Notes how large a picture is before it has come from the server. */
export const noteSize = (id, width, height) => sizes.set(id, [width, height]);

export function attachmentOf(file) {
  if (isPicture(file)) return picture(file);
  const kind = file.type?.split("/")[0];
  if (kind === "video") {
    return h("video", {
      class: "film",
      src: file.url,
      controls: true,
      preload: "metadata",
      "aria-label": file.name,
    });
  }
  if (kind === "audio") {
    const sound = h("audio", {
      src: file.url,
      controls: true,
      preload: "none",
      "aria-label": file.name,
    });
    return h("div", { class: "sound" }, sound, card(file));
  }
  return card(file);
}

function picture(file) {
  const own = sizes.get(file.id);
  const known = file.width ? [file.width, file.height] : own;
  const [width, height] = known ? frameOf(known) : [];
  const image = h("img", {
    src: file.url,
    alt: file.name,
    loading: own ? null : "lazy",
    decoding: "async",
    width,
    height,
    onload: () => frame.classList.add("is-here"),
    onerror: () => frame.replaceWith(card(file)),
  });
  const frame = h(
    "a",
    {
      class: known ? "picture framed" : "picture",
      href: file.url,
      target: "_blank",
      title: file.name,
      data: { picture: file.id },
    },
    image,
  );
  return frame;
}

function card(file) {
  return h(
    "a",
    { class: "file-card", href: file.url, download: file.name },
    icon("file"),
    h("span", { class: "file-name", dir: "auto" }, file.name),
    h("span", { class: "size" }, bytes(file.bytes)),
    h("span", { class: "unseen" }, "Download"),
    icon("download"),
  );
}
