/** The form below: grows with its text, Enter sends, what failed to be sent comes back. */

import { idempotencyKey } from "../api.js";
import { el, fill } from "../dom.js";

const LAST_MODEL = "chatter.model";

/** `onSend({text, model, tools, key})` returns a promise; a rejection gives the text back and shows why. */
export class Composer {
  constructor(form, { onSend, onStop }) {
    this.form = form;
    this.field = form.querySelector("textarea");
    this.model = form.querySelector("select");
    this.tools = form.querySelector("#tools");
    this.send = form.querySelector("#send");
    this.stop = form.querySelector("#stop");
    this.problem = form.querySelector("#composer-problem");
    this.onSend = onSend;
    this.failed = null;
    form.addEventListener("submit", (event) => this.submit(event));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => this.changed());
    this.stop.addEventListener("click", onStop);
    this.model.addEventListener("change", () => this.offerTools());
    this.recallModel();
    this.offerTools();
    this.changed();
    form.dataset.ready = "";
  }

  set text(value) {
    this.field.value = value;
    this.changed();
    this.field.focus();
  }

  /** Show what the Stop button would do: "run", "stopping", or null for nothing. */
  running(state) {
    this.stop.hidden = state === null;
    this.stop.disabled = state === "stopping";
    this.stop.querySelector("span").textContent = state === "stopping" ? "Stopping…" : "Stop";
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  changed() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
    this.send.disabled = !this.field.value.trim();
  }

  async submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    const asked = { text, model: this.model.value, tools: this.tools.checked && !this.tools.disabled };
    const same = this.failed && Object.keys(asked).every((name) => this.failed[name] === asked[name]);
    const sent = { ...asked, key: same ? this.failed.key : idempotencyKey() };
    this.problem.hidden = true;
    this.text = "";
    try {
      await this.onSend(sent);
      this.failed = null;
    } catch (problem) {
      // Without an answer the message may have arrived: the same key makes a second try harmless.
      this.failed = problem.status ? null : sent;
      this.giveBack(text);
      this.showProblem(problem);
    }
  }

  /** Only a model that can call tools is offered them. */
  offerTools() {
    this.tools.disabled = !("tools" in (this.model.selectedOptions[0]?.dataset ?? {}));
  }

  giveBack(text) {
    this.text = this.field.value ? `${text}\n${this.field.value}` : text;
  }

  showProblem(problem) {
    const signIn = problem.status === 401 ? el("a", { href: `/login/?next=${encodeURIComponent(location.pathname)}` }, "Sign in again") : null;
    fill(
      this.problem,
      el("span", {}, `${problem.message} Your text is kept.`),
      signIn,
      problem.lines?.length ? el("ul", {}, problem.lines.map((line) => el("li", {}, line))) : null,
      problem.requestId ? el("code", { title: "Request id" }, problem.requestId) : null,
    );
    this.problem.hidden = false;
  }

  recallModel() {
    this.model.addEventListener("change", () => {
      try {
        localStorage.setItem(LAST_MODEL, this.model.value);
      } catch {
        /* storage is blocked: the choice lasts as long as the page */
      }
    });
    let last = null;
    try {
      last = localStorage.getItem(LAST_MODEL);
    } catch {
      return;
    }
    if ([...this.model.options].some((option) => option.value === last)) this.model.value = last;
  }
}
