/** The steps under an answer: a strip of nodes while it runs, the timeline when opened. */

import { el, icon, setText } from "../dom.js";
import { apply, emptySnapshot } from "../progress.js";
import { readLog } from "../api.js";
import { Timeline } from "../timeline.js";

const TICK_MS = 100;

/** `element` is a `<details>`; its summary carries `figures`. */
export class Steps {
  constructor(figures, onLoaded) {
    this.onLoaded = onLoaded;
    this.strip = el("span", { class: "strip", "aria-hidden": "true" });
    this.list = el("ol", { class: "timeline" });
    this.note = el("p", { class: "faint", hidden: true });
    this.element = el(
      "details",
      { class: "steps", ontoggle: () => this.opened() },
      el("summary", {}, icon("chevron"), figures, this.strip),
      this.list,
      this.note,
    );
    this.timeline = new Timeline(this.list);
  }

  show(reply, live) {
    this.execution = reply.execution;
    this.snapshot = reply.snapshot ?? this.snapshot;
    this.live = live;
    this.showStrip(live);
    if (this.element.open) this.opened();
  }

  showStrip(live) {
    const nodes = live ? (this.snapshot?.nodes ?? []) : [];
    nodes.forEach((node, at) => {
      const chip = this.strip.children[at] ?? this.strip.appendChild(el("span", { class: "chip" }));
      chip.dataset.status = node.status;
      setText(chip, node.label);
    });
    while (this.strip.children.length > nodes.length) this.strip.lastChild.remove();
  }

  async opened() {
    clearTimeout(this.timer);
    if (!this.element.open) return;
    if (!this.snapshot) await this.load();
    if (!this.snapshot) return;
    this.timeline.show(this.snapshot);
    if (this.live) this.timer = setTimeout(() => this.opened(), TICK_MS);
  }

  /** An answer of the past: its steps are read from the log when someone looks. */
  async load() {
    if (!this.execution) return this.tell("The run of this answer is no longer kept.");
    try {
      let snapshot = emptySnapshot(this.execution);
      await readLog(this.execution, 0, (event) => (snapshot = apply(snapshot, event)));
      this.snapshot = snapshot;
      this.note.hidden = true;
      this.onLoaded(snapshot);
    } catch (problem) {
      this.tell(problem.message);
    }
  }

  tell(text) {
    this.note.hidden = false;
    setText(this.note, text);
  }
}
