// One's own settings: profile, password, devices, notifications and looks.

import { api } from "./api.js";
import { playSound } from "./alert.js";
import { choices, choose } from "./choices.js";
import { fill, h } from "./dom.js";
import { form } from "./form.js";
import { block, showPage } from "./page.js";
import { button } from "./parts.js";
import { showDevices } from "./devices.js";
import { showProfile } from "./profile.js";
import { toast } from "./toast.js";

const PARTS = [
  { part: "profile", label: "Profile", build: (place) => void showProfile(place) },
  { part: "notifications", label: "Notifications", build: showNotifications },
  { part: "password", label: "Password", build: showPassword },
  { part: "devices", label: "Devices and tokens", build: (place) => void showDevices(place) },
  { part: "appearance", label: "Appearance", build: showAppearance },
];

/** Shows a part of the settings. */
export const show = (main, part, sideButton) =>
  showPage(main, { title: "Settings", base: "/settings", parts: PARTS, part, sideButton });

// ----------------------------------------------------------------------------------- password

function showPassword(place) {
  const fields = [
    {
      name: "old",
      label: "Current password",
      kind: "password",
      required: true,
      autocomplete: "current-password",
    },
    {
      name: "new",
      label: "New password",
      kind: "password",
      required: true,
      minlength: 8,
      maxlength: 1024,
      autocomplete: "new-password",
      hint: "At least 8 characters. Four words that do not belong together are easy to keep and hard to guess.",
    },
  ];
  const onsubmit = async ({ old, new: new_ }) => {
    await api.put("/me/password", { old, new: new_ });
    toast("Your password is changed. All other devices are signed out.");
    fill(place);
    showPassword(place);
  };
  fill(place, form({ fields, yes: "Change password", onsubmit }));
}

// ----------------------------------------------------------------------------- notifications

function showNotifications(place) {
  const chosen = choices();
  const said = h("p", { class: "soft", role: "status" });
  const canAsk = "Notification" in globalThis && isSecureContext;
  const desktop = check(
    "Show notifications on the desktop",
    chosen.desktop && canAsk && Notification.permission === "granted",
    async (on) => {
      if (on && Notification.permission !== "granted") await Notification.requestPermission();
      const may = on && Notification.permission === "granted";
      choose({ desktop: may });
      desktop.input.checked = may;
      said.textContent =
        on && !may
          ? "Your browser does not let this site show them. Allow it beside the address."
          : "";
    },
  );
  desktop.input.disabled = !canAsk;
  const sound = check("Play a sound", chosen.sound, (on) => {
    choose({ sound: on });
    if (on) playSound();
  });
  fill(
    place,
    block(
      "Desktop",
      "When somebody mentions you or writes to you while Parlour is out of sight.",
      desktop.element,
      !canAsk && h("p", { class: "soft" }, "Browsers show them only for sites with https."),
      said,
    ),
    block(
      "Sound",
      "Two soft notes at the same moments.",
      sound.element,
      button("Hear it", playSound, { picture: "sound" }),
    ),
    block(
      "Rooms",
      "What you are told of is chosen room by room, in the menu at the top of each: every message, mentions, or nothing.",
    ),
  );
}

function check(label, checked, onchange) {
  const input = h("input", { type: "checkbox", checked, onchange: () => onchange(input.checked) });
  return { input, element: h("label", { class: "choice" }, input, h("span", {}, label)) };
}

// -------------------------------------------------------------------------------- appearance

function showAppearance(place) {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  fill(
    place,
    block(
      "Light and dark",
      `Parlour follows your system, which is set to ${isDark ? "dark" : "light"}. Change it there, and this page changes with it.`,
    ),
    block(
      "Size",
      "Make everything larger or smaller with your browser's zoom: Ctrl and + or −. The page is made to work up to 400 %.",
    ),
    block(
      "Motion",
      isCalm
        ? "Your system asks for less motion, and nothing moves here."
        : "Little moves here, and nothing at all if your system asks for less motion.",
    ),
    block(
      "Install",
      'On a phone or a desktop, "Install" or "Add to home screen" in the browser\'s menu gives Parlour its own window.',
    ),
  );
}
