/** The page of one run: its timeline, calls, values and log, live from the first event on. */

import { idempotencyKey, post, readLog } from "../api.js";
import { showApprovals } from "../approvals.js";
import { watchBudgets } from "../budgets.js";
import { connect } from "../chatter-live.js";
import { coalesced } from "../coalesced.js";
import { el, fill, pageData, setText } from "../dom.js";
import { addMoney, duration, moment, money, tokens, usage, worst } from "../format.js";
import { sayWhenLost } from "../lost.js";
import { renderMarkdown } from "../markdown.js";
import { meanwhile } from "../meanwhile.js";
import { executionApi, executionPage } from "../paths.js";
import { answerText, apply, callsOf, emptySnapshot, isOver, pendingApprovals, workedMs } from "../progress.js";
import { Timeline } from "../timeline.js";
import { toast } from "../toast.js";
import { readCalls, showCalls } from "./calls.js";
import { EventLog } from "./log.js";

const TICK_MS = 100;
const byId = (id) => document.getElementById(id);
const execution = pageData("execution-data");
const seen = pageData("seen-data");
const retryKey = idempotencyKey(); // however often it is clicked, it is one retry
const refreshCalls = coalesced(() => readCalls(execution.id));
const readRest = coalesced(readOn);
const timeline = new Timeline(byId("timeline"), { axis: byId("axis") });
const log = new EventLog(byId("log"), { filter: byId("log-filter"), deltas: byId("show-deltas"), count: byId("log-count") });
let snapshot = emptySnapshot(execution.id);
let frame = null;

showCalls(pageData("calls-data"));
const { message, ...more } = execution.input;
showValue(byId("input"), Object.keys(more).length ? null : message, execution.input);
showValue(byId("output"), execution.output?.text, execution.output);
showState(execution.status, false);
const live = connect();
meanwhile(live, readRest);
sayWhenLost(live, say);
const watch = live.watch("execution", execution.id);
follow();
watchBudgets(live);

byId("cancel").addEventListener("click", async () => {
  byId("main").focus(); // a button that is switched off, and then gone, would lose it
  byId("cancel").disabled = true;
  await post(`${executionApi(execution.id)}cancel/`).catch((problem) => {
    byId("cancel").disabled = false;
    toast(problem.message, "error");
  });
});
byId("retry").addEventListener("click", async () => {
  byId("retry").disabled = true;
  try {
    const answer = await post(`${executionApi(execution.id)}retry/`, {}, { key: retryKey });
    location.assign(executionPage(answer.execution.id));
  } catch (problem) {
    toast(problem.message, "error");
  } finally {
    byId("retry").disabled = false;
  }
});

async function follow() {
  try {
    for await (const event of watch) heard(event);
  } catch (ended) {
    if (live.status !== "closed") say(ended.message);
  }
}

/** Why nothing more is told of it, unless all is told. */
function say(why) {
  byId("connection").hidden = !why || isOver(snapshot);
  setText(byId("connection"), why ?? "");
}

/** An event that was being read when the socket brought it, too, is heard once. */
function heard(event) {
  if (event.seq <= snapshot.seq) return;
  snapshot = apply(snapshot, event);
  log.add(event);
  if (event.seq > seen && (event.type === "model.finished" || isOver(snapshot))) refreshCalls();
  frame ??= requestAnimationFrame(paint);
}

function paint() {
  frame = null;
  timeline.show(snapshot);
  showTiles();
  showState(snapshot.status, snapshot.cancelling);
  const text = answerText(snapshot);
  byId("output").setAttribute("aria-busy", String(!isOver(snapshot)));
  if (text) renderMarkdown(byId("output"), text);
  showError();
  showApprovals(byId("waiting"), pendingApprovals(snapshot));
  if (!isOver(snapshot) && snapshot.started_at) setTimeout(() => (frame ??= requestAnimationFrame(paint)), TICK_MS);
}

function showTiles() {
  const sum = snapshot.totals ?? soFar();
  const tile = (name, text) => setText(document.querySelector(`[data-tile="${name}"]`), text);
  tile("duration", duration(sum.duration_ms ?? workedMs(snapshot)));
  tile("prompt", usage(sum.prompt_tokens, sum.exactness));
  tile("completion", usage(sum.completion_tokens, sum.exactness));
  tile("cost", sum.calls ? money(sum.cost, sum.exactness) : "–");
  tile("calls", tokens(sum.calls));
  if (snapshot.started_at) tile("started", moment(execution.started_at ?? snapshot.started_at));
}

/** Totals of the calls settled so far, until the last event brings the kept ones. */
function soFar() {
  const sum = { calls: callsOf(snapshot).length, prompt_tokens: null, completion_tokens: null, cost: null, exactness: null };
  for (const { usage: used, cost, exactness } of callsOf(snapshot)) {
    if (!used) continue;
    sum.prompt_tokens += (used.input ?? 0) + (used.cache_read ?? 0) + (used.cache_write ?? 0);
    sum.completion_tokens += (used.output ?? 0) + (used.reasoning ?? 0);
    sum.cost = addMoney(sum.cost, cost);
    sum.exactness = worst(sum.exactness, exactness);
  }
  return sum;
}

function showState(status, cancelling) {
  const over = isOver({ status });
  if (over) byId("connection").hidden = true;
  const badge = byId("status");
  badge.className = `status ${cancelling ? "cancelling" : status}`;
  setText(badge, cancelling ? "stopping" : status);
  byId("cancel").hidden = over;
  byId("cancel").disabled = cancelling;
  byId("retry").hidden = status !== "failed" && status !== "cancelled";
}

function showError() {
  byId("error").hidden = !snapshot.error;
  if (snapshot.error) fill(byId("error"), el("span", {}, snapshot.error.message ?? ""), el("code", {}, snapshot.error.code));
}

/** The text, if it says all there is to say; else the value. */
function showValue(box, text, value) {
  if (typeof text === "string") renderMarkdown(box, text);
  else if (value && Object.keys(value).length) fill(box, el("pre", { tabindex: "0" }, JSON.stringify(value, null, 2)));
  else fill(box, el("p", { class: "faint" }, "Nothing yet."));
}

/** Without a socket the log is read over HTTP. */
async function readOn() {
  if (isOver(snapshot)) return;
  await readLog(execution.id, snapshot.seq, (event) => {
    watch.know(event.execution, event.seq);
    heard(event);
  }).catch(() => {});
}
