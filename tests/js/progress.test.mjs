import assert from "node:assert/strict";
import { test } from "node:test";

import { answerText, apply, callsOf, emptySnapshot, isOver, pendingApprovals, workedMs } from "../../static/js/progress.js";

const AT = "2026-01-01T00:00:00Z";

function history(...events) {
  return events.map(([type, data = {}], index) => ({ execution: "e1", seq: index + 1, type, at: AT, data }));
}

const fold = (events, from = emptySnapshot("e1")) => events.reduce(apply, from);
const piece = (offset, text, attempt = 1) => ["text.delta", { node: "m", visit: 1, call: 0, attempt, offset, text }];
const asked = (attempt = 1, purpose = "answer", node = "m") => [
  "model.started",
  { node, visit: 1, call: 0, attempt, purpose, provider: "openai", model: "small", demo: false },
];

const RUN = history(
  ["execution.created", { kind: "CHAT", template: "universal_chat", workflow: "Universal chat", conversation: "c1" }],
  ["execution.started", { attempt: 1 }],
  ["node.started", { node: "m", kind: "model", label: "Model", visit: 1 }],
  asked(),
  piece(0, "Hel"),
  piece(3, "lo"),
  ["model.finished", { node: "m", visit: 1, call: 0, attempt: 1, status: "succeeded", usage: { total: 7 }, cost: "0.1", exactness: "metered", retry_in_s: null }],
  ["node.finished", { node: "m", visit: 1, port: "out", duration_ms: 12 }],
  ["execution.completed", { output: { text: "Hello" }, totals: { total_tokens: 7 }, message: "m9" }],
);

test("a run folds into its text, nodes, totals and end", () => {
  const end = fold(RUN);
  assert.equal(end.status, "completed");
  assert.equal(answerText(end), "Hello");
  assert.equal(end.message, "m9");
  assert.equal(end.workflow, "Universal chat");
  assert.deepEqual(end.nodes.map((node) => [node.node, node.status, node.duration_ms]), [["m", "completed", 12]]);
  assert.equal(callsOf(end)[0].cost, "0.1");
});

test("a snapshot and the later events equal a fresh fold, cut anywhere", () => {
  const whole = fold(RUN);
  for (let cut = 0; cut <= RUN.length; cut += 1) {
    const resumed = fold(RUN.slice(cut), structuredClone(fold(RUN.slice(0, cut))));
    assert.deepEqual(resumed, whole);
  }
});

test("an event heard twice changes nothing", () => {
  assert.deepEqual(fold(RUN.flatMap((event) => [event, event])), fold(RUN));
  assert.deepEqual(fold([...RUN, ...RUN]), fold(RUN));
});

test("apply leaves the snapshot it was given as it was", () => {
  const deepFreeze = (value) => {
    if (value && typeof value === "object") Object.values(Object.freeze(value)).forEach(deepFreeze);
    return value;
  };
  RUN.reduce((snapshot, event) => apply(deepFreeze(snapshot), event), emptySnapshot("e1"));
});

test("a second attempt starts its text anew and keeps the first as a failed call", () => {
  const events = history(
    ["node.started", { node: "m", visit: 1, label: "Model" }],
    asked(1),
    piece(0, "half an ans"),
    ["model.finished", { node: "m", visit: 1, call: 0, attempt: 1, status: "failed", error: { code: "overloaded" }, retry_in_s: 2 }],
    asked(2),
    piece(0, "A whole", 2),
  );
  const now = fold(events);
  assert.equal(answerText(now), "A whole");
  assert.deepEqual(callsOf(now).map((call) => [call.attempt, call.status, call.retry_in_s]), [[1, "failed", 2], [2, "open", null]]);
});

test("the text of a summary is never taken for the answer", () => {
  const events = history(
    asked(1, "summary", "memory"),
    ["text.delta", { node: "memory", visit: 1, call: 0, attempt: 1, offset: 0, text: "They spoke." }],
  );
  assert.equal(answerText(fold(events)), "");
});

test("several answers stand one under the other, as the server joins them", () => {
  const events = history(
    asked(1, "answer", "b"),
    asked(1, "answer", "a"),
    ["text.delta", { node: "a", visit: 1, call: 0, attempt: 1, offset: 0, text: "second" }],
    ["text.delta", { node: "b", visit: 1, call: 0, attempt: 1, offset: 0, text: "half" }],
    asked(2, "answer", "b"),
    ["text.delta", { node: "b", visit: 1, call: 0, attempt: 2, offset: 0, text: "first" }],
  );
  assert.equal(answerText(fold(events)), "first\n\nsecond");
});

test("a run that was handed back waits for its next owner", () => {
  const events = history(["execution.started", { attempt: 1 }], ["execution.handed_back", { attempt: 1 }], ["execution.resumed", { attempt: 2 }]);
  assert.equal(fold(events.slice(0, 2)).status, "pending");
  assert.deepEqual([fold(events).status, fold(events).attempt], ["running", 2]);
});

test("offsets count characters, not UTF-16 units", () => {
  const events = history(asked(), piece(0, "👋🏽 hi"), piece(5, " you"), piece(5, " there"));
  assert.equal(answerText(fold(events)), "👋🏽 hi there");
});

test("a cancelled run leaves nothing running", () => {
  const events = history(
    ["execution.started", { attempt: 1 }],
    ["node.started", { node: "m", visit: 1, label: "Model" }],
    asked(),
    piece(0, "part"),
    ["execution.cancelling"],
    ["execution.cancelled", { totals: { total_tokens: 3 }, message: "m1" }],
  );
  const end = fold(events);
  assert.ok(isOver(end));
  assert.equal(end.cancelling, false);
  assert.equal(answerText(end), "part");
  assert.deepEqual([end.nodes[0].status, callsOf(end)[0].status], ["cancelled", "cancelled"]);
});

test("an event type of a later version only moves the number", () => {
  const before = fold(RUN.slice(0, 3));
  const after = apply(before, { execution: "e1", seq: 4, type: "dream.began", at: AT, data: {} });
  assert.deepEqual(after, { ...before, seq: 4 });
});

test("a tool call stands with the node that made it", () => {
  const called = { node: "tools", visit: 1, call: 1, attempt: 1, tool: "clock" };
  const events = history(
    ["node.started", { node: "tools", kind: "tools", label: "Tools", visit: 1 }],
    ["tool.started", { ...called, arguments: { zone: "UTC" } }],
    ["tool.finished", { ...called, status: "failed", text: "", latency_ms: 3, error: { code: "tool_failed", message: "No." } }],
  );
  const [open] = fold(events.slice(0, 2)).nodes[0].tools;
  assert.deepEqual([open.name, open.status, open.arguments], ["clock", "open", { zone: "UTC" }]);
  const [tool] = fold(events).nodes[0].tools;
  assert.deepEqual([tool.status, tool.latency_ms, tool.error.code], ["failed", 3, "tool_failed"]);
});

test("a run that waits says for what, until it is decided or the run is over", () => {
  const asking = history(
    ["execution.started", { attempt: 1 }],
    ["node.started", { node: "ask", kind: "approval", label: "Approval", visit: 1 }],
    ["approval.requested", { node: "ask", visit: 1, approval: "a1", question: "Send it?", deadline_at: null }],
    ["execution.waiting", { attempt: 1, approvals: [] }],
  );
  const waiting = fold(asking);
  assert.equal(waiting.status, "waiting");
  assert.equal(waiting.nodes[0].status, "waiting");
  assert.deepEqual(pendingApprovals(waiting), [{ id: "a1", question: "Send it?", deadline_at: null }]);
  const told = (type, data = {}) => apply(waiting, { execution: "e1", seq: 5, type, at: AT, data });
  assert.deepEqual(pendingApprovals(told("execution.cancelled")), []);
  const decided = told("approval.decided", { node: "ask", visit: 1, approval: "a1", decision: "approved", by: "ada", comment: "" });
  assert.deepEqual(pendingApprovals(decided), []);
  assert.equal(decided.nodes[0].decided.by, "ada");
});

test("what a run waits for people is no part of how long it has worked", () => {
  const at = (second) => Date.parse(`2026-01-01T00:00:${second}Z`);
  const told = (snapshot, seq, type, second) => apply(snapshot, { execution: "e1", seq, type, at: new Date(at(second)).toISOString(), data: {} });
  const begun = told(emptySnapshot("e1"), 1, "execution.started", "10");
  const waiting = told(begun, 2, "execution.waiting", "12");
  const resumed = told(waiting, 3, "execution.resumed", "40");
  assert.equal(workedMs(emptySnapshot("e1"), at("59")), null);
  assert.equal(workedMs(begun, at("11")), 1000);
  assert.equal(workedMs(waiting, at("30")), 2000);
  assert.equal(workedMs(resumed, at("41")), 3000);
  assert.equal(workedMs(begun, at("09")), 0);
});
