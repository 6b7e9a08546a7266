/** What runs now: the dashboard's counters as they come, and a chart of the last minutes. */

import { watchBudgets } from "../budgets.js";
import { connect } from "../chatter-live.js";
import { el, fill, keep, setText } from "../dom.js";
import { duration, money, tokens, usage } from "../format.js";
import { sayWhenLost } from "../lost.js";
import { executionPage, executionRows, modelCallRows } from "../paths.js";
import { chart } from "./chart.js";

const KEPT = 300;
const TICK_MS = 1000;
const MINUTE_MS = 60_000;
const RATE_MS = 10_000; // what the server takes the mean of tokens a second of
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const history = { times: [], running: [], tokens: [] };
const plot = chart(document.getElementById("live-chart"), {
  times: [],
  lines: [
    { label: "running", values: [], colour: "--accent", show: tokens, gaps: true },
    { label: "tokens a second", values: [], colour: "--think", show: tokens, gaps: true },
  ],
});
const live = connect();
const note = document.getElementById("connection");
let counters = null;
let skew = 0;
let current = false; // what is shown was told over the connection there is

live.addEventListener("status", ({ detail }) => connected(detail));
sayWhenLost(live, (why) => why && lost(why)); // what hides it again are new figures
follow();
watchBudgets(live);
setInterval(tick, TICK_MS);

async function follow() {
  try {
    for await (const frame of live.watch("dashboard", null)) heard(frame.counters);
  } catch (ended) {
    lost(`${ended.message} Reload the page to follow again.`);
  }
}

/** What was told last stays, with its time; it is not told again as if it were so now. */
function connected({ status }) {
  if (status !== "open" && status !== "closed") current = false;
}

function lost(why) {
  current = false;
  note.hidden = false;
  setText(note, counters ? `${why} The figures are those of ${clock.format(Date.parse(counters.at))}.` : why);
}

function heard(told) {
  counters = told;
  current = true;
  note.hidden = true;
  skew = Date.parse(told.at) - Date.now();
  const { today, last_minute: minute } = told;
  const shown = {
    running: tokens(told.running),
    queued: tokens(told.queued),
    waiting: tokens(told.waiting),
    ended: tokens(minute.completed + minute.failed + minute.cancelled),
    failed: tokens(minute.failed),
    p95: duration(minute.p95_ms),
    tokens_per_s: tokens(told.tokens_per_s),
    calls: tokens(today.calls),
    tokens: usage(today.total_tokens, today.exactness),
    cost: money(today.cost, today.exactness),
  };
  const rows = rowsBehind(told.at);
  for (const [name, text] of Object.entries(shown)) {
    const figure = document.querySelector(`[data-live=${name}]`);
    setText(figure, text);
    figure.setAttribute("href", rows[name]);
  }
  tell();
}

/** Where the rows are listed that the figures count, as they were told. */
function rowsBehind(at) {
  const ago = (ms) => new Date(Date.parse(at) - ms).toISOString();
  const ended = { finished_after: ago(MINUTE_MS), finished_before: at, replays: false };
  const today = { started_after: `${at.slice(0, "2026-01-31".length)}T00:00:00Z`, settled_before: at };
  return {
    running: executionRows({ status: "running" }),
    queued: executionRows({ status: "pending" }),
    waiting: executionRows({ status: "waiting" }),
    ended: executionRows(ended),
    failed: executionRows({ ...ended, status: "failed" }),
    p95: executionRows({ ...ended, min_duration_ms: 0 }),
    tokens_per_s: modelCallRows({ settled_after: ago(RATE_MS), settled_before: at }),
    calls: modelCallRows({ ...today, answered_by: "provider" }),
    tokens: modelCallRows(today),
    cost: modelCallRows(today),
  };
}

function tell() {
  document.getElementById("nothing-running").hidden = counters.executions.length > 0;
  keep(document.getElementById("running"), counters.executions, row, tellRow);
  const shown = counters.executions.length;
  const all = counters.running + counters.queued + counters.waiting;
  const more = document.getElementById("more-running");
  more.hidden = all <= shown;
  setText(more, `The newest ${tokens(shown)} of ${tokens(all)}; the figures above lead to all of them.`);
}

function row(run) {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("a", { href: executionPage(run.id) }, run.name), " ", el("code", { class: "faint" }, run.id.slice(-8))),
    el("td", { "data-label": "Status" }, el("span")),
    el("td", { "data-label": "Where it is" }),
    el("td", { class: "number", "data-label": "Events" }),
    el("td", { class: "number", "data-label": "For" }),
  );
}

function tellRow({ cells: [, status, node, events, since] }, run) {
  const began = Date.parse(run.started_at ?? run.created_at);
  status.firstChild.className = `status ${run.status}`;
  setText(status.firstChild, run.status);
  setText(node, run.node || "–");
  setText(events, tokens(run.events));
  setText(since, duration(Math.max(0, Math.round((Date.now() + skew - began) / 1000) * 1000)));
}

function tick() {
  if (!counters) return;
  history.times.push(Math.round(Date.now() / 1000));
  history.running.push(current ? counters.running : null);
  history.tokens.push(current ? counters.tokens_per_s : null);
  for (const list of Object.values(history)) if (list.length > KEPT) list.shift();
  plot.update(history.times, [history.running, history.tokens]);
  tabulate();
  if (current) tell();
}

/** The same as a table, the newest first, while somebody has it open. */
function tabulate() {
  if (!document.getElementById("live-minutes").open) return;
  const rows = history.times.map((time, at) => el("tr", {}, el("th", { scope: "row" }, clock.format(time * 1000)), el("td", { class: "number" }, tokens(history.running[at])), el("td", { class: "number" }, tokens(history.tokens[at]))));
  fill(document.getElementById("minutes"), rows.reverse());
}
