/** A form of the back office is not left without a question, and is as it was written after one had to sign in again. */

import { el } from "./dom.js";
import { KEPT, forget, fromSignIn } from "./kept.js";
import { isChanged, keepRevision } from "./revision.js";

const LOST = "Nothing was saved: you had to sign in again. What you wrote is here; save it once more.";
const form = document.querySelector("#content-main form");
const { reader } = document.querySelector("script[data-reader]").dataset;
const key = `${KEPT}${reader}.${location.pathname}`;
const fields = [...form.elements].filter((one) => one.matches("textarea, [name=seen], [type=text], [type=checkbox]"));
const refused = document.querySelector(".errornote") !== null;
let sent = false;

if (fromSignIn) restore(kept());
forget();
form.addEventListener("submit", () => {
  sent = true;
  keep();
});
addEventListener("pageshow", () => (sent = false));
keepRevision(form, form.elements.seen);
addEventListener("beforeunload", (event) => {
  if (!sent && (refused || isChanged(form))) event.preventDefault();
});

/** With the revision that it was written on, so that what somebody else saved meanwhile is not written over. */
function restore(written) {
  if (!written) return;
  for (const field of fields) {
    if (!(field.name in written)) continue;
    if (field.type === "checkbox") field.checked = written[field.name];
    else field.value = written[field.name];
  }
  form.prepend(el("p", { class: "errornote", role: "alert" }, LOST));
}

function keep() {
  const values = fields.map((one) => [one.name, one.type === "checkbox" ? one.checked : one.value]);
  try {
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(values)));
  } catch {
    /* storage is blocked or full: the browser's Back has it, too */
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}
