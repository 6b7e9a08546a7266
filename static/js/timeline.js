/** Nodes, model calls and tool calls as bars on one time axis; updated in place while they run. */

import { ANSWERED, duration, mark, money, tokens } from "./format.js";
import { el, setText } from "./dom.js";
import { isOver } from "./progress.js";

const ms = (iso) => (iso ? new Date(iso).getTime() : null);
const WORDS = { open: "running", lost: "lost" };

/** Draws into the `<ol>` given; `show(snapshot, now)` may be called as often as one likes. */
export class Timeline {
  constructor(list, { axis = null } = {}) {
    this.list = list;
    this.axis = axis;
    this.rows = new Map();
  }

  show(snapshot, now = Date.now()) {
    const begin = ms(snapshot.started_at) ?? ms(snapshot.created_at) ?? now;
    const end = isOver(snapshot) ? ms(snapshot.finished_at) : Math.max(now, ...latest(snapshot));
    this.span = { begin, end, length: Math.max(end - begin, 1) };
    for (const node of snapshot.nodes) {
      const key = `${node.node}/${node.visit}`;
      this.place(key, "node", node, nodeWords(node));
      for (const call of node.calls) this.place(`${key}/${call.call}/${call.attempt}`, "call", call, callWords(call), key);
      for (const tool of node.tools) this.place(`${key}/tool/${tool.call}/${tool.attempt}`, "call tool", tool, toolWords(tool), key);
    }
    if (this.axis) this.ticks();
  }

  place(key, kind, item, words, after = null) {
    const row = this.rows.get(key) ?? this.add(key, kind, after);
    const from = ms(item.started_at) ?? this.span.begin;
    const to = ms(item.finished_at) ?? this.span.end;
    row.element.dataset.status = item.status;
    setText(row.name, words.name);
    setText(row.note, words.note);
    setText(row.status, `, ${WORDS[item.status] ?? item.status}`);
    setText(row.time, duration(item.duration_ms ?? item.latency_ms ?? Math.max(0, to - from)));
    row.bar.style.left = `min(${percent(from - this.span.begin, this.span.length)}%, 100% - 3px)`;
    row.bar.style.width = `${Math.max(0.4, percent(to - from, this.span.length))}%`;
    const first = item.first_token_ms ? percent(item.first_token_ms, Math.max(to - from, 1)) : 0;
    row.first.style.width = `${first}%`;
  }

  add(key, kind, after) {
    const row = {
      name: el("span", { class: "name", dir: "auto" }),
      note: el("span", { class: "note", dir: "auto" }),
      status: el("span", { class: "visually-hidden" }),
      first: el("span", { class: "first" }),
      time: el("span", { class: "time" }),
    };
    row.bar = el("span", { class: "bar" }, row.first);
    row.element = el(
      "li",
      { class: `step ${kind}`, "data-key": key },
      el("span", { class: "what" }, el("span", { class: "dot" }), el("span", { class: "words" }, row.name, row.status, row.note)),
      el("span", { class: "lane", "aria-hidden": "true" }, row.bar),
      row.time,
    );
    const place = after ? this.lastOf(after) : null;
    if (place) place.after(row.element);
    else this.list.append(row.element);
    this.rows.set(key, row);
    return row;
  }

  /** The last row that belongs to the node `key`. */
  lastOf(key) {
    let found = null;
    for (const [other, row] of this.rows) if (other === key || other.startsWith(`${key}/`)) found = row.element;
    return found;
  }

  ticks() {
    const step = niceStep(this.span.length / 5);
    const marks = [];
    for (let at = 0; at <= this.span.length; at += step) {
      const tick = el("span", { class: "tick" }, duration(at));
      tick.style.left = `${percent(at, this.span.length)}%`;
      marks.push(tick);
    }
    this.axis.replaceChildren(...marks);
  }
}

function* latest(snapshot) {
  for (const node of snapshot.nodes) {
    yield ms(node.finished_at) ?? ms(node.started_at) ?? 0;
    for (const call of [...node.calls, ...node.tools]) yield ms(call.finished_at) ?? ms(call.started_at) ?? 0;
  }
}

function nodeWords(node) {
  const notes = [];
  if (node.visit > 1) notes.push(`visit ${node.visit}`);
  if (node.port && node.port !== "out") notes.push(`→ ${node.port}`);
  if (node.delay_until) notes.push("waiting");
  if (node.approval) notes.push("waits for a decision");
  if (node.decided?.by) notes.push(`by ${node.decided.by}`);
  if (node.error) notes.push(node.error.message || node.error.code);
  return { name: node.label, note: notes.join(" · ") };
}

function callWords(call) {
  const notes = [];
  if (call.purpose && call.purpose !== "answer") notes.push(call.purpose);
  if (call.attempt > 1) notes.push(`attempt ${call.attempt}`);
  if (ANSWERED[call.answered_by]) notes.push(ANSWERED[call.answered_by]);
  if (call.error) notes.push(call.error.message || call.error.code);
  if (call.retry_in_s !== null) notes.push(`retried after ${duration(call.retry_in_s * 1000)}`);
  if (call.usage && call.usage.total !== null) {
    const sign = mark(call.exactness);
    notes.push(`${sign}${tokens(call.usage.total)} tokens`, money(call.cost, call.exactness));
  }
  if (call.finish_reason && !["stop", "end_turn"].includes(call.finish_reason)) notes.push(call.finish_reason);
  return { name: `${call.provider}:${call.model}`, note: notes.join(" · ") };
}

function toolWords(tool) {
  const said = tool.error ? tool.error.message || tool.error.code : tool.text;
  const asked = tool.arguments === null ? "" : JSON.stringify(tool.arguments);
  const told = [shortened(asked), shortened(said)].filter(Boolean).join(" → ");
  return { name: tool.name, note: [ANSWERED[tool.answered_by], told].filter(Boolean).join(" · ") };
}

const shortened = (text) => (text.length > 80 ? `${text.slice(0, 79)}…` : text);

const percent = (part, whole) => Math.min(100, Math.max(0, (100 * part) / whole));

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough) ?? power * 10;
}
