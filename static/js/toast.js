/** Short notices: seen in a corner, or only heard. */

import { el } from "./dom.js";

const SHOWN_MS = 6000;

/** Say `text` to screen readers only. */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 50);
}

/** Show `text` for a few seconds; `kind` is "info" or "error". */
export function toast(text, kind = "info") {
  const note = el("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts")?.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}
