/** What people are asked while a run waits, and the way to where it is decided. */

import { el, fill } from "./dom.js";
import { approvalPage } from "./paths.js";
import { announce } from "./toast.js";

/**
 * Show these questions in `box`, and tell screen readers, unless they have been told already.
 * What stands there stays while it is the same, be it from the server: somebody may be pressing it.
 */
export function showApprovals(box, approvals) {
  const asked = approvals.map((one) => one.id).join();
  if ((box.dataset.told ?? "") === asked) return;
  if (box.dataset.asked !== asked) fill(box, approvals.map(waitsFor));
  box.dataset.asked = box.dataset.told = asked;
  box.hidden = !asked;
  if (asked) announce(`Waits for a decision: ${approvals.map((one) => one.question).join(" ")}`);
}

const waitsFor = ({ id, question }) =>
  el("span", { class: "asked" }, el("span", { dir: "auto" }, question), " ", el("a", { class: "button small", href: approvalPage(id) }, "Decide"));
