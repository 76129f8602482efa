// Where one is signed in, and tokens with which programs speak for one.

import { api } from "./api.js";
import { confirm, openDialog } from "./dialog.js";
import { fill, h } from "./dom.js";
import { formDialog } from "./form.js";
import { leave } from "./ownmenu.js";
import { block, table } from "./page.js";
import { button, comes, copyBox } from "./parts.js";
import { scopeFields, scopesOf, scopesText } from "./scopes.js";
import { store } from "./store.js";
import { ago, shortDay } from "./since.js";
import { full } from "./time.js";
import { complain, toast } from "./toast.js";

const DAY_MS = 86_400_000;

/** How long a token may be good. */
export const SPANS = [
  { value: "30", label: "30 days" },
  { value: "365", label: "A year" },
  { value: "", label: "No end" },
];

/** When a span that begins now ends; nothing for ever. */
export const endOf = (days) =>
  days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : undefined;

/** Fills a place with one's devices and tokens. */
export function showDevices(place) {
  const list = h("div", {});
  const read = () =>
    comes(list, async () => {
      const { tokens } = await api.get("/tokens");
      const shown = columns(read).filter(
        (it) => !it.needs || tokens.some((token) => token[it.needs]),
      );
      return table("Devices and tokens", shown, tokens, "There is none.");
    });
  fill(
    place,
    block(
      "Where you are signed in",
      "Each browser that signed in, and each token that you made.",
      list,
      h(
        "div",
        { class: "actions" },
        button("Sign out all others", () => signOutOthers(read)),
        button("Sign out everywhere", signOutEverywhere, { kind: "danger" }),
      ),
    ),
    block(
      "For scripts and bots",
      "A token lets a program do what you may do. Keep it like a password.",
      h(
        "div",
        { class: "actions" },
        button("Make a token", () => makeToken(read), { picture: "key" }),
      ),
    ),
  );
  read();
}

const columns = (read) => [
  {
    label: "Name",
    of: (it) => [
      h("span", { dir: "auto" }, it.label === "sign-in" ? "A browser" : it.label),
      it.current && h("span", { class: "tag" }, "this one"),
    ],
  },
  {
    label: "Since",
    of: (it) =>
      h("time", { datetime: it.created_at, title: full(it.created_at) }, shortDay(it.created_at)),
  },
  {
    label: "Last used",
    needs: "used_at",
    of: (it) => (it.current ? "now" : it.used_at ? ago(it.used_at) : "–"),
  },
  { label: "Until", of: (it) => (it.expires_at ? shortDay(it.expires_at) : "no end") },
  { label: "Good for", needs: "scopes", of: (it) => scopesText(it.scopes) },
  {
    label: "",
    of: (it) =>
      !it.current &&
      button("Sign out", () => revoke(it, read), { "aria-label": `Sign out ${it.label}` }),
  },
];

async function revoke(token, read) {
  const text = "Whoever uses it is signed out at once.";
  if (
    !(await confirm({ title: `Sign out "${token.label}"?`, text, yes: "Sign out", danger: true }))
  )
    return;
  await api.del(`/tokens/${token.id}`).catch(complain);
  read();
}

async function signOutOthers(read) {
  const text = "All browsers and programs but this one have to sign in again.";
  if (!(await confirm({ title: "Sign out all others?", text, yes: "Sign out" }))) return;
  await api.del("/tokens?keep=current").then(() => toast("All others are signed out."), complain);
  read();
}

async function signOutEverywhere() {
  const text = "All browsers and programs have to sign in again, this one too.";
  const title = "Sign out everywhere?";
  if (await confirm({ title, text, yes: "Sign out everywhere", danger: true })) await leave(true);
}

async function makeToken(read) {
  const made = await formDialog({
    title: "Make a token",
    text: "Your password is asked again, because whoever has the token can do what you can.",
    yes: "Make it",
    fields: [
      {
        name: "label",
        label: "What it is for",
        required: true,
        maxlength: 120,
        autocomplete: "off",
      },
      { name: "days", label: "How long it is good", kind: "select", options: SPANS, value: "365" },
      ...scopeFields(),
      {
        name: "password",
        label: "Your password",
        kind: "password",
        required: true,
        autocomplete: "current-password",
      },
    ],
    onsubmit: ({ label, days, password, ...chosen }) =>
      api
        .post("/tokens", {
          name: store.me.name,
          password,
          label,
          expires_at: endOf(days),
          scopes: scopesOf(chosen),
        })
        .catch((refusal) => {
          if (refusal.code === "unauthenticated") {
            throw Object.assign(refusal, {
              field: "password",
              message: "This is not your password.",
            });
          }
          throw refusal;
        }),
  });
  if (!made) return;
  await showSecret(
    "Your new token",
    "It is shown this once. Copy it to where it is needed.",
    made.token,
  );
  read();
}

/** Shows something that is never shown again. */
export function showSecret(title, text, secret) {
  const body = [h("p", {}, text), copyBox(title, secret)];
  const done = button("Done", () => close(), { kind: "main" });
  const { close, closed } = openDialog({ title, body, actions: [done], kind: "small" });
  return closed;
}
