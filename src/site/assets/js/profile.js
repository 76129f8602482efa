// One's profile: what one is called, and one's picture, cut to a square here before it is sent.

import { api } from "./api.js";
import { avatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { personOf } from "./folk.js";
import { form } from "./form.js";
import { block } from "./page.js";
import { button } from "./parts.js";
import { store } from "./store.js";
import { complain, toast } from "./toast.js";

/** Pixels of a picture as it is kept. */
const SIDE = 256;

/** Pixels of the square in which it is chosen. */
const VIEW = 280;

/** Fills a place with one's profile. */
export function showProfile(place) {
  const shown = h("div", { class: "own-picture" });
  const input = h("input", {
    type: "file",
    accept: "image/*",
    class: "unseen",
    tabindex: "-1",
    "aria-hidden": "true",
    onchange: async () => {
      const [file] = input.files;
      input.value = "";
      if (!file) return;
      const cut = await crop(file);
      if (cut) save(cut);
    },
  });
  const choose = button("Choose a picture", () => input.click(), { picture: "image" });
  const without = button("Take it away", () => set(null));
  const show = () => {
    const me = { ...personOf(store.me.name), name: store.me.name };
    fill(shown, avatar(me, "huge"));
    without.hidden = !me.avatar;
  };

  async function save(blob) {
    try {
      const file = new File([blob], "avatar.webp", { type: blob.type });
      const { id } = await api.upload(file);
      await set(id);
    } catch (refusal) {
      complain(refusal);
    }
  }

  async function set(id) {
    try {
      const { user } = await api.patch("/me", { avatar: id });
      learn(user);
      toast(id ? "This is your picture now." : "Your picture is gone.");
      show();
    } catch (refusal) {
      complain(refusal);
    }
  }

  show();
  fill(
    place,
    block(
      "Picture",
      null,
      h(
        "div",
        { class: "picture-row" },
        shown,
        h("div", { class: "actions" }, choose, without, input),
      ),
    ),
    form({
      fields: [
        {
          name: "display_name",
          label: "Shown as",
          value: store.me.display_name,
          required: true,
          maxlength: 120,
          autocomplete: "name",
          hint: `The name that others see. They mention you as @${store.me.name}, and that stays.`,
        },
      ],
      onsubmit: async ({ display_name }) => {
        const { user } = await api.patch("/me", { display_name: display_name.trim() });
        learn(user);
        toast("That is your name now.");
      },
    }),
  );
}

function learn(user) {
  store.me = { ...store.me, display_name: user.display_name, avatar: user.avatar };
  store.meet(user.name, { ...user, avatar: user.avatar ?? null });
  store.emit("me");
}

/** Asks which square of a picture is meant. A promise of it as a file, or of nothing. */
async function crop(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    toast("This is no picture that your browser can show.", { kind: "bad" });
    return null;
  }
  const canvas = h("canvas", {
    class: "crop",
    width: VIEW,
    height: VIEW,
    tabindex: "0",
    role: "img",
    "aria-label": "The picture. Drag it, or move it with the arrow keys.",
  });
  const least = VIEW / Math.min(picture.width, picture.height);
  const at = { x: picture.width / 2, y: picture.height / 2, scale: least };
  const zoom = h("input", {
    type: "range",
    min: 1,
    max: 4,
    step: 0.01,
    value: 1,
    "aria-label": "Size",
    oninput: () => {
      at.scale = least * Number(zoom.value);
      draw();
    },
  });

  function draw(side = VIEW, target = canvas) {
    const half = VIEW / 2 / at.scale;
    at.x = Math.min(Math.max(at.x, half), picture.width - half);
    at.y = Math.min(Math.max(at.y, half), picture.height - half);
    const pen = target.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.clearRect(0, 0, side, side);
    pen.drawImage(picture, at.x - half, at.y - half, half * 2, half * 2, 0, 0, side, side);
  }

  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    at.x -= event.movementX / at.scale;
    at.y -= event.movementY / at.scale;
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[
      event.key
    ] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    at.x += (x * 10) / at.scale;
    at.y += (y * 10) / at.scale;
    draw();
  });
  draw();
  const { close, closed } = openDialog({
    title: "Your picture",
    kind: "small",
    body: [canvas, h("label", { class: "zoom" }, h("span", {}, "Size"), zoom)],
    actions: [
      button("Cancel", () => close(false)),
      button("Use this", () => close(true), { kind: "main" }),
    ],
  });
  if (!(await closed)) return null;
  const final = h("canvas", { width: SIDE, height: SIDE });
  draw(SIDE, final);
  // A browser that cannot make WebP makes PNG instead.
  return new Promise((resolve) => final.toBlob(resolve, "image/webp", 0.9));
}
