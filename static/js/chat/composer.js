/** The form below: grows with its text, Enter sends, what failed to be sent comes back. */

import { idempotencyKey } from "../api.js";
import { el, fill, pageData, setText } from "../dom.js";
import { keepDraft, keptDraft } from "./draft.js";
import { tellForecast } from "./forecast.js";

const LAST = { workflow: "chatter.workflow", model: "chatter.model" };

/** `onSend({text, workflow, model, tools, key})` gets `workflow` as the API takes it, `{template}` or
 * `{definition}`, and null for what was not chosen: then the server says what answers. It returns a promise; a rejection gives the text back and shows why. */
export class Composer {
  constructor(form, { onSend, onStop }) {
    this.form = form;
    this.field = form.querySelector("textarea");
    this.workflow = form.querySelector("#workflow");
    this.model = form.querySelector("#model");
    this.taken = pageData("parameters-data");
    this.default = this.model.options[0].text;
    this.tools = form.querySelector("#tools");
    this.send = form.querySelector("#send");
    this.stop = form.querySelector("#stop");
    this.problem = form.querySelector("#composer-problem");
    this.forecast = document.getElementById("forecast");
    this.onSend = onSend;
    const kept = keptDraft(form.dataset.reader);
    this.failed = kept.sent;
    this.onTheirWay = [];
    this.givenBack = 0; // lines above what is being written
    form.addEventListener("submit", (event) => this.submit(event));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("input", () => this.changed());
    this.stop.addEventListener("click", onStop);
    for (const select of [this.workflow, this.model]) {
      recall(select, LAST[select.name]);
      select.addEventListener("change", () => this.offer());
    }
    this.tools.addEventListener("change", () => this.foretell());
    this.offer();
    this.field.value ||= kept.text;
    this.changed();
    form.dataset.ready = "";
  }

  set text(value) {
    this.field.value = value;
    this.changed();
    this.field.focus();
  }

  /** The field is where focus goes that `gone`, which is about to leave, has; on a phone it would open the keyboard. */
  takeFocus(gone) {
    if (matchMedia("(pointer: fine)").matches && gone.contains(document.activeElement)) this.field.focus();
  }

  /** Show what the Stop button would do: "run", "stopping", or null for nothing. */
  running(state) {
    if (state !== "run") this.takeFocus(this.stop);
    this.stop.hidden = state === null;
    this.stop.disabled = state === "stopping";
    this.stop.querySelector("span").textContent = state === "stopping" ? "Stopping…" : "Stop";
  }

  /** What answers, as `onSend` gets it. */
  get choice() {
    return {
      workflow: chosen(this.workflow.value),
      model: (!this.model.hidden && this.model.value) || null,
      tools: this.tools.checked && !this.tools.disabled,
    };
  }

  key(event) {
    const composing = event.isComposing || event.keyCode === 229; // Safari says only the latter of the Enter that ends it
    if (event.key !== "Enter" || event.shiftKey || composing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  changed() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
    this.send.disabled = !this.field.value.trim();
    this.keep();
  }

  /** What is on its way may not arrive, and is kept with what is being written. */
  keep() {
    const only = this.field.value || this.onTheirWay.length > 1 ? null : this.onTheirWay[0];
    keepDraft(this.form.dataset.reader, this.below(this.onTheirWay.map((sent) => sent.text)), only ?? this.failed);
  }

  /** The page goes on at `address`, and what is being written with it, behind what was written there. */
  moveTo(address) {
    keepDraft(this.form.dataset.reader, "");
    history.replaceState(null, "", address);
    const { text } = keptDraft(this.form.dataset.reader);
    if (text) this.giveBack(text);
    else this.keep();
  }

  async submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    const asked = { text, ...this.choice };
    const words = JSON.stringify(asked);
    const sent = { ...asked, words, key: words === this.failed?.words ? this.failed.key : idempotencyKey() };
    this.problem.hidden = true;
    this.failed = null;
    this.onTheirWay.push(sent);
    this.givenBack = 0;
    this.text = "";
    try {
      await this.onSend(sent).finally(() => this.onTheirWay.shift());
      this.keep();
    } catch (problem) {
      // Without an answer the message may have arrived: the same key makes a second try harmless.
      this.failed = problem.status ? null : sent;
      this.giveBack(text);
      this.showProblem(problem);
    }
  }

  /** What the workflow takes can be chosen; and only a model that can call tools is offered them. */
  offer() {
    const taken = this.workflow.value ? (this.taken[this.workflow.value] ?? []) : null;
    const takes = (name) => !taken || taken.includes(name);
    this.model.hidden = !takes("model");
    // Another workflow may have a model of its own in place of the one that all others ask.
    setText(this.model.options[0], taken ? "Default" : this.default);
    const model = this.model.selectedOptions[0];
    this.tools.disabled = !takes("tools") || !("tools" in model.dataset);
    this.foretell();
  }

  /** Where nothing is chosen the plain chat answers, if there is one. */
  foretell() {
    const { workflow, model, tools } = this.choice;
    const { plain } = this.workflow.options[0].dataset;
    const answers = workflow ?? (plain && { template: plain });
    if (answers) tellForecast(this.forecast, answers, parametersOf(model, tools));
  }

  giveBack(text) {
    const whole = this.below([text]);
    this.givenBack += text.split("\n").length;
    this.text = whole;
  }

  /** What is being written below these texts, and they below what came back before. */
  below(texts) {
    const lines = this.field.value ? this.field.value.split("\n") : [];
    return lines.toSpliced(this.givenBack, 0, ...texts).join("\n");
  }

  /** A suggestion takes the place of another, and of nothing that was written. */
  suggest(text) {
    const written = this.field.value === this.suggested ? "" : this.field.value;
    this.suggested = text;
    this.text = written ? `${written}\n${text}` : text;
  }

  showProblem(problem) {
    fill(
      this.problem,
      el("span", {}, `${problem.message} Your text is kept.`),
      this.wayOn(problem),
      problem.lines?.length ? el("ul", {}, problem.lines.map((line) => el("li", {}, line))) : null,
      problem.requestId ? el("code", { title: "Request id" }, problem.requestId) : null,
    );
    this.problem.hidden = false;
  }

  /** Where it can be sent after all; what was written is there, too. */
  wayOn({ status, code }) {
    if (status === 401) return el("a", { href: `/login/?next=${encodeURIComponent(location.pathname)}` }, "Sign in again");
    return code === "conversation_not_found" ? el("a", { href: "/chat/", onclick: () => this.moveTo("/chat/") }, "Send it in a new chat") : null;
  }
}

/** What a run is given of what was chosen. */
export const parametersOf = (model, tools) => ({ ...(model && { model }), ...(tools && { tools: pageData("tools-data") }) });

/** The API's words for "template:<id>" and "definition:<id>". */
function chosen(value) {
  const [kind, id] = value.split(":");
  return id ? { [kind]: id } : null;
}

/** Choose what was chosen last, if it is still offered, and keep what is chosen from now on. */
function recall(select, key) {
  select.addEventListener("change", () => {
    try {
      localStorage.setItem(key, select.value);
    } catch {
      /* storage is blocked: the choice lasts as long as the page */
    }
  });
  let last = null;
  try {
    last = localStorage.getItem(key);
  } catch {
    return;
  }
  if ([...select.options].some((option) => option.value === last)) select.value = last;
}
