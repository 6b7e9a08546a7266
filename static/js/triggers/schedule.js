/** The form of a schedule: the fields of the chosen kind, and the times it would run at. */

import { el, fill } from "../dom.js";
import { keepRevision } from "../revision.js";
import { showTimes } from "../shell.js";

const WAIT_MS = 300;
const form = document.getElementById("schedule-form");
const times = document.getElementById("times");
const none = document.getElementById("no-times");
let asked = 0;
let waiting;

const showKind = () => {
  for (const part of form.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== form.elements.kind.value;
};

/** Ask for the times of what stands there now; only the newest answer counts. */
async function showNext() {
  const turn = ++asked;
  let answer;
  try {
    answer = await fetch(form.dataset.times, { method: "POST", body: new FormData(form), credentials: "same-origin" });
  } catch {
    return; // the server is away: saving will tell
  }
  if (turn !== asked || !answer.ok || answer.redirected) return; // to sign in: saving will tell, too
  const { times: found, problem } = await answer.json();
  fill(times, found.map((at) => el("li", {}, el("time", { datetime: at, "data-moment": "" }, at))));
  none.textContent = problem || "No further times.";
  none.hidden = found.length > 0;
  showTimes(times);
}

form.addEventListener("input", () => {
  showKind();
  clearTimeout(waiting);
  waiting = setTimeout(showNext, WAIT_MS);
});

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
if ("ownZone" in form.dataset && form.elements.time_zone.value === "UTC" && own) form.elements.time_zone.value = own;
keepRevision(form, form.elements.revision);
showKind();
showNext();
