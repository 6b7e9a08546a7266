/** Whether an answer helped: two thumbs, and a word on why. */

import { put, remove } from "../api.js";
import { el, iconButton } from "../dom.js";
import { announce, toast } from "../toast.js";

const NAMES = { true: "This helped", false: "This did not help" };

/** `address` gives where the rating of this answer is kept; a second press takes it back. */
export class Rating {
  constructor(address) {
    this.address = address;
    this.given = null;
    this.thumbs = [true, false].map((helpful) =>
      iconButton(helpful ? "thumb-up" : "thumb-down", NAMES[helpful], () => this.press(helpful), { "aria-pressed": "false" }),
    );
    this.why = el("input", { dir: "auto", maxlength: 2000, "aria-label": "Why? Only you and administrators see it", placeholder: "Why? (optional)" });
    this.form = el("form", { class: "why", hidden: true, onsubmit: (event) => this.explain(event) }, this.why, el("button", { class: "button small" }, "Save"));
  }

  /** What is kept: `{helpful, comment}`, or null. */
  show(given) {
    this.given = given;
    this.why.value = given?.comment ?? "";
    this.thumbs.forEach((thumb, at) => thumb.setAttribute("aria-pressed", String(given?.helpful === (at === 0))));
    if (!given) this.form.hidden = true;
  }

  /** Who has gone on to write elsewhere meanwhile is left there. */
  async press(helpful) {
    const at = document.activeElement;
    const taken = this.given?.helpful === helpful;
    const kept = await this.keep(taken ? null : { helpful, comment: this.given?.comment ?? "" });
    if (!kept) return;
    announce(taken ? "Taken back" : NAMES[helpful]);
    this.form.hidden = taken;
    if (!taken && document.activeElement === at) this.why.focus();
  }

  async explain(event) {
    event.preventDefault();
    const kept = await this.keep({ helpful: this.given.helpful, comment: this.why.value.trim() });
    if (!kept) return;
    if (this.form.contains(document.activeElement)) this.thumbs[this.given.helpful ? 0 : 1].focus();
    this.form.hidden = true;
    announce("Thank you");
  }

  async keep(rating) {
    try {
      if (rating) await put(this.address(), rating);
      else await remove(this.address());
    } catch (problem) {
      if (problem.code !== "rating_not_found") {
        toast(problem.message, "error");
        return false;
      } // else it was taken back elsewhere, or by the press before
    }
    this.show(rating);
    return true;
  }
}
