/** The event log as a list: filtered by words, text pieces folded away unless asked for. */

import { el, setText } from "../dom.js";

const PIECES = new Set(["text.delta", "reasoning.delta"]);
const LONG = 100;

export class EventLog {
  constructor(list, { filter, deltas, count }) {
    Object.assign(this, { list, filter, deltas, count });
    this.total = 0;
    this.pruned = 0;
    filter.addEventListener("input", () => this.sift());
    deltas.addEventListener("change", () => this.sift());
  }

  add(event) {
    const data = event.data ?? {};
    const row = el(
      "li",
      { "data-type": event.type, "data-kind": event.type.split(".").at(-1) },
      el("span", { class: "seq" }, String(event.seq)),
      el("time", { datetime: event.at, title: event.at }, clock(event.at)),
      el("span", { class: "type" }, event.type),
      shown(data),
    );
    row.words = `${event.type} ${JSON.stringify(data)}`.toLowerCase();
    row.hidden = !this.fits(row);
    this.list.append(row);
    this.total += 1;
    this.pruned += event.pruned ?? 0;
    setText(this.count, `${this.total} events${this.pruned ? `, ${this.pruned} no longer kept` : ""}`);
  }

  sift() {
    for (const row of this.list.children) row.hidden = !this.fits(row);
  }

  fits(row) {
    if (PIECES.has(row.dataset.type) && !this.deltas.checked) return false;
    return this.filter.value.toLowerCase().split(/\s+/).every((word) => row.words.includes(word));
  }
}

/** Plain values in a line; whatever is nested or long behind it, in full. */
function shown(data) {
  const entries = Object.entries(data).filter(([, value]) => value !== null && value !== "");
  const plain = entries.filter(([, value]) => typeof value !== "object" && String(value).length < LONG);
  const line = el("span", { class: "pairs" }, plain.map(([name, value]) => el("span", {}, el("b", {}, name), String(value))));
  if (plain.length === entries.length) return line;
  return el("details", {}, el("summary", {}, line), el("pre", { tabindex: "0" }, JSON.stringify(data, null, 2)));
}

const clock = (iso) => {
  const at = new Date(iso);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
};
