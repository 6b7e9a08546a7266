/** The answers of the page: those of the past, and those whose events are still coming. */

import { duration, money, tokens } from "../format.js";
import { plainText } from "../markdown.js";
import { apply, emptySnapshot, isOver } from "../progress.js";
import { AnswerView, userMessage } from "./messages.js";
import { replyOf, replySoFar } from "./reply.js";

/** `onRetry(view)`, `onCancel(answer)`, `onChange()` on every repaint, `onOver(reply)` once per run,
 * `ratingAt(message)` gives where a rating is kept. */
export class Answers {
  constructor(list, handlers) {
    this.list = list;
    this.handlers = handlers;
    this.running = new Map();
    this.ended = new Map();
    this.held = new Map();
    this.past = new Set();
    this.asked = new Map();
    this.views = [];
    this.frame = null;
  }

  /** Show the stored messages, replacing what the page came with. */
  fill(messages) {
    this.list.replaceChildren(
      ...messages.map((message) => {
        if (message.role === "user") return this.question(message);
        const view = this.view(null);
        view.show(replyOf(message));
        if (message.execution) this.past.add(message.execution);
        return view.element;
      }),
    );
  }

  /** The element of a question, remembered by the run that answers it. */
  question(message) {
    const element = userMessage(message);
    if (message.execution) this.asked.set(message.execution, element);
    return element;
  }

  /** The answer that a run gave, if the page has it. */
  elementOf(execution) {
    return this.views.find((view) => execution && view.reply?.execution === execution)?.element;
  }

  /** Follow a run from its first event; `after` is the element it belongs under. */
  start(execution, after = this.asked.get(execution)) {
    if (this.knows(execution)) return;
    const answer = { execution, snapshot: emptySnapshot(execution), stopping: false };
    answer.view = this.view(answer);
    this.running.set(execution, answer);
    if (after) after.after(answer.view.element);
    else this.list.append(answer.view.element);
    for (const event of this.held.get(execution) ?? []) this.take(event);
    this.held.delete(execution);
    this.repaint();
  }

  /** Keep an event of an unknown run; true for the first of them. */
  hold(event) {
    const events = this.held.get(event.execution);
    if (events) events.push(event);
    else this.held.set(event.execution, [event]);
    return !events;
  }

  take(event) {
    const answer = this.running.get(event.execution);
    if (!answer) return;
    answer.snapshot = apply(answer.snapshot, event);
    if (isOver(answer.snapshot)) this.finish(answer);
    else this.repaint();
  }

  finish(answer) {
    this.running.delete(answer.execution);
    this.ended.set(answer.execution, answer);
    const reply = replySoFar(answer.snapshot);
    answer.view.show(reply);
    this.repaint();
    this.handlers.onOver(reply);
  }

  /** The kept totals now contain this run. */
  settled(execution) {
    this.ended.delete(execution);
    this.past.add(execution);
  }

  stopping(execution, on = true) {
    const answer = this.running.get(execution);
    if (answer) answer.stopping = on;
    this.handlers.onChange();
  }

  knows(execution) {
    return this.running.has(execution) || this.ended.has(execution) || this.past.has(execution);
  }

  live() {
    return [...this.running.values()];
  }

  /** The run that is being answered now; the others wait behind it. */
  current() {
    const all = this.live();
    return all.find((answer) => answer.snapshot.status !== "pending") ?? all[0] ?? null;
  }

  /** Runs that the kept totals do not contain yet. */
  unsettled() {
    return [...this.running.values(), ...this.ended.values()].map((answer) => answer.snapshot);
  }

  view(answer) {
    const view = new AnswerView({
      onRetry: (view) => this.handlers.onRetry(view),
      onWithdraw: () => this.handlers.onCancel(answer),
      ratingAt: (message) => this.handlers.ratingAt(message),
    });
    this.views.push(view);
    return view;
  }

  /** Show what was said of them: `[{message, helpful, comment}]`. */
  rated(ratings) {
    const given = new Map(ratings.map((rating) => [rating.message, rating]));
    for (const view of this.views) if (given.has(view.reply?.id)) view.rating.show(given.get(view.reply.id));
  }

  /** Paint at most once per frame, however many events came. */
  repaint() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const current = this.current();
      for (const answer of this.live()) {
        const waiting = answer !== current && answer.snapshot.status === "pending";
        answer.view.show(replySoFar(answer.snapshot, { waiting }));
        answer.stopping ||= answer.snapshot.cancelling;
      }
      this.handlers.onChange();
    });
  }
}

/** What a screen reader hears when an answer is done. */
export function finalWords(reply) {
  if (reply.state === "failed") return `The run failed. ${reply.error?.message ?? ""}`;
  if (reply.state === "cancelled") return "Stopped.";
  const used = `${tokens(reply.completion)} tokens, ${money(reply.cost, reply.exactness)}, ${duration(reply.tookMs)}`;
  return `${reply.text ? `Answer: ${plainText(reply.text)}` : "The answer is empty."} (${used})`;
}
