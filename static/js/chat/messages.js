/** The elements of the conversation: what was asked, and an answer with its receipt. */

import { showApprovals } from "../approvals.js";
import { copyButton } from "../copy.js";
import { el, fill, icon, setText } from "../dom.js";
import { duration, EXACTNESS, money, moment, usage } from "../format.js";
import { renderMarkdown } from "../markdown.js";
import { executionPage } from "../paths.js";
import { answerCall } from "../progress.js";
import { Rating } from "./rating.js";
import { Steps } from "./steps.js";
import { activity, isLive } from "./reply.js";

// What answers where nothing was chosen goes without saying.
const PLAIN = document.querySelector("#workflow option")?.text;

/** A message of the user. */
export function userMessage(message, { sending = false } = {}) {
  const body = el("div", { class: "body", dir: "auto" }, message.text);
  const time = message.created_at ? moment(message.created_at) : null;
  return el(
    "li",
    { class: `message user${sending ? " sending" : ""}`, "data-message": message.id, title: time },
    el("span", { class: "visually-hidden" }, "You said: "),
    body,
    el("div", { class: "tools" }, copyButton(() => message.text, "Copy message")),
  );
}

/** An answer that can be shown again and again while it grows. */
export class AnswerView {
  constructor({ onRetry, onWithdraw, ratingAt }) {
    this.onRetry = onRetry;
    this.workflow = el("span", { class: "workflow" });
    this.name = el("span", { class: "model" });
    this.tag = el("span", { class: "tag", hidden: true, title: "Built-in offline model, for trying things out" }, "demo");
    this.now = el("span", { class: "now" });
    this.withdraw = el("button", { type: "button", class: "button small quiet", hidden: true, onclick: onWithdraw }, "Withdraw");
    this.thought = el("div", { class: "prose" });
    this.thinking = el("details", { class: "thinking", hidden: true }, el("summary", {}, icon("chevron"), "Reasoning"), this.thought);
    this.prose = el("div", { class: "prose" });
    this.problem = el("div", { class: "notice bad", hidden: true });
    this.waiting = el("div", { class: "notice calm", hidden: true });
    this.figures = el("span", { class: "figures" });
    this.steps = new Steps(this.figures, (snapshot) => this.showReasoning(answerCall(snapshot)?.reasoning));
    this.tools = el("div", { class: "tools" });
    this.rating = new Rating(() => ratingAt(this.reply.id));
    this.element = el(
      "li",
      { class: "message assistant" },
      el("div", { class: "who" }, el("span", { class: "pulse", "aria-hidden": "true" }), this.workflow, this.name, this.tag, this.now, this.withdraw),
      this.thinking,
      this.prose,
      this.problem,
      this.waiting,
      el("div", { class: "receipt" }, this.steps.element, this.tools),
      this.rating.form,
    );
  }

  show(reply) {
    const live = isLive(reply.state);
    this.reply = reply;
    this.element.dataset.state = reply.state;
    this.element.dataset.execution = reply.execution ?? "";
    this.element.setAttribute("aria-busy", String(live));
    const plain = !reply.workflow || reply.workflow === PLAIN;
    setText(this.workflow, plain ? "" : reply.workflow);
    this.workflow.hidden = plain;
    setText(this.name, reply.model ? `${reply.provider}:${reply.model}` : "Chatter");
    this.tag.hidden = !reply.demo;
    setText(this.now, nowWords(reply, live));
    this.withdraw.hidden = reply.state !== "queued";
    this.text(reply);
    this.showProblem(reply);
    showApprovals(this.waiting, reply.approvals);
    this.showFigures(reply, live);
    this.steps.show(reply, live);
    if (!live && !this.tools.childElementCount) this.showTools(reply);
  }

  text(reply) {
    renderMarkdown(this.prose, reply.text ?? "");
    this.prose.hidden = !reply.text;
    if (reply.reasoning) this.showReasoning(reply.reasoning);
  }

  showReasoning(text) {
    this.thinking.hidden = !text;
    renderMarkdown(this.thought, text ?? "");
  }

  showProblem(reply) {
    const { state, error } = reply;
    const words = problemWords(reply);
    this.problem.hidden = !words;
    if (!words) return;
    this.problem.className = `notice ${state === "failed" ? "bad" : "calm"}`;
    if (state === "complete") return setText(this.problem, words);
    this.retry ??= el("button", { type: "button", class: "button small retry", onclick: () => this.onRetry(this) }, icon("retry"), "Retry");
    fill(this.problem, el("span", { dir: "auto" }, words), error?.code ? el("code", {}, error.code) : null, this.retry);
  }

  showFigures(reply, live) {
    if (live) return setText(this.figures, "Steps");
    // "no price" says it already.
    const note = reply.exactness === "unpriced" && !reply.cost ? null : EXACTNESS[reply.exactness];
    fill(
      this.figures,
      figure(`${usage(reply.prompt, reply.exactness)} in`, "prompt tokens"),
      figure(`${usage(reply.completion, reply.exactness)} out`, "completion tokens"),
      figure(money(reply.cost, reply.exactness), "cost"),
      figure(duration(reply.tookMs), "response time"),
      note ? el("span", { class: `exactness ${reply.exactness}`, title: note }, reply.exactness) : null,
    );
  }

  showTools(reply) {
    fill(
      this.tools,
      ...(reply.text && reply.id ? this.rating.thumbs : []),
      reply.text ? copyButton(() => this.reply.text, "Copy answer") : null,
      reply.execution
        ? el("a", { class: "icon-button", href: executionPage(reply.execution), "aria-label": "Open this run", title: "Open this run" }, icon("open"))
        : null,
    );
  }
}

/** What there is to say of an answer that is over, if anything. */
function problemWords({ state, error, text }) {
  if (state === "failed") return error?.message ?? "The run failed.";
  if (state === "cancelled") return text ? "Stopped; this is what had arrived." : "Stopped before an answer.";
  return state === "complete" && !text ? "The answer is empty." : "";
}

const figure = (text, title) => el("span", { class: "figure", title }, text);

function nowWords(reply, live) {
  if (!live) return "";
  if (reply.state === "queued") return "Waits for the answer above";
  return `${activity(reply.snapshot)}…`;
}
