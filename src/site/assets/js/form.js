// Forms from descriptions: a field has a label, a hint, and a place where the server's refusal of it
// is said. Used by everything that asks more than yes or no.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

let counter = 0;

/**
 * A form. Each field is `{name, label, kind, value, hint, options, …}` with a kind of "text",
 * "password", "number", "area", "select", "check", "choice" (one of `options`, each `{value, label,
 * hint}`); other members are attributes. `onsubmit(values)` may be asynchronous; what it throws is
 * said beside the field that it names. A node among the fields is shown as it is.
 */
export function form({ fields, yes = "Save", danger = false, onsubmit, cancel = null }) {
  const made = fields.map((it) => (it instanceof Node ? { element: it } : field(it)));
  const wrong = h("p", { class: "wrong", role: "alert", hidden: true });
  const submit = h(
    "button",
    { class: `button main ${danger ? "danger" : ""}`, type: "submit" },
    yes,
  );
  const element = h(
    "form",
    { class: "form", novalidate: true, onsubmit: send },
    made.map((it) => it.element),
    wrong,
    h("div", { class: "actions" }, cancel, submit),
  );

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    say(null);
    const invalid = made.find((it) => it.input && !it.input.checkValidity());
    if (invalid) {
      invalid.say(invalid.input.validationMessage);
      invalid.input.focus();
      return;
    }
    const values = {};
    for (const it of made) if (it.name) values[it.name] = it.read();
    submit.disabled = true;
    try {
      await onsubmit(values, element);
    } catch (refusal) {
      say(refusal);
    } finally {
      submit.disabled = false;
    }
  }

  function say(refusal) {
    for (const it of made) it.say?.("");
    wrong.hidden = true;
    if (!refusal) return;
    const message = refusal.message || "That did not work.";
    const it = made.find((it) => it.name && it.name === refusal.field);
    if (it) {
      it.say(message);
      it.input?.focus();
    } else {
      wrong.textContent = message;
      wrong.hidden = false;
    }
  }

  return element;
}

/** One field: `{name, element, input, read(), say(text)}`. */
function field({ name, label, kind = "text", value = "", hint, options = [], ...rest }) {
  const id = `field-${(counter += 1)}`;
  const wrong = h("span", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const about = [hint && `${id}-hint`, `${id}-wrong`].filter(Boolean).join(" ");
  const hintOf = hint && h("span", { class: "hint", id: `${id}-hint` }, hint);
  let input = null;
  const common = { id, name, "aria-describedby": about, ...rest };
  const say = (text) => {
    wrong.textContent = text;
    wrong.hidden = !text;
    input?.toggleAttribute("aria-invalid", Boolean(text));
  };
  if (kind === "choice") {
    const one = (it) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: `${id}-${name}`,
          value: it.value,
          checked: it.value === value,
        }),
        h("span", {}, it.label, it.hint && h("span", { class: "hint" }, it.hint)),
      );
    const element = h(
      "fieldset",
      { class: "field" },
      h("legend", {}, label),
      options.map(one),
      hintOf,
      wrong,
    );
    const read = () => element.querySelector("input:checked")?.value ?? value;
    return { name, element, say, read };
  }
  if (kind === "check") {
    input = h("input", { ...common, type: "checkbox", checked: Boolean(value) });
    const text = h("span", {}, label, hintOf);
    const element = h(
      "div",
      { class: "field" },
      h("label", { class: "choice" }, input, text),
      wrong,
    );
    return { name, element, input, say, read: () => input.checked };
  }
  if (kind === "area") {
    input = h("textarea", { class: "input", rows: "3", dir: "auto", ...common, value });
  } else if (kind === "select") {
    const option = (it) => h("option", { value: it.value, selected: it.value === value }, it.label);
    input = h("select", { class: "input", ...common }, options.map(option));
  } else {
    input = h("input", { class: "input", type: kind, dir: "auto", ...common, value });
  }
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    input,
    hintOf,
    wrong,
  );
  return { name, element, input, say, read: () => input.value };
}

/** A form in a dialog, which closes when `onsubmit` is done. A promise of what that gave. */
export function formDialog({ title, text = null, kind = "small", onsubmit, ...rest }) {
  const cancel = h("button", { class: "button", type: "button", onclick: () => close() }, "Cancel");
  const element = form({
    ...rest,
    cancel,
    onsubmit: async (values) => {
      const given = await onsubmit(values);
      close(given ?? true);
    },
  });
  const body = [text && h("p", { class: "soft", dir: "auto" }, text), element];
  const { close, closed } = openDialog({ title, body, kind });
  return closed;
}
