/** The state of one execution, folded from its events: `apply(snapshot, event)` is pure. */

const OVER = new Set(["completed", "failed", "cancelled"]);

/** The state before the first event. */
export function emptySnapshot(execution = null) {
  return {
    execution,
    seq: 0,
    status: "pending",
    cancelling: false,
    attempt: 0,
    kind: null,
    template: null,
    workflow: null,
    conversation: null,
    model: null,
    created_at: null,
    started_at: null,
    waiting_since: null,
    waited_ms: 0,
    finished_at: null,
    nodes: [],
    output: null,
    error: null,
    totals: null,
    message: null,
  };
}

/** True once no further event can come. */
export const isOver = (snapshot) => OVER.has(snapshot.status);

/** The snapshot after `event`; an event already seen changes nothing. */
export function apply(snapshot, event) {
  if (event.seq <= snapshot.seq) return snapshot;
  const change = CHANGES[event.type];
  const next = change ? change(snapshot, event.data ?? {}, event.at) : snapshot;
  return { ...next, seq: event.seq, execution: event.execution };
}

/** The call whose text is the answer now: the latest one asked for an answer. */
export function answerCall(snapshot) {
  let latest = null;
  for (const call of callsOf(snapshot)) {
    if (call.purpose === "answer" && (!latest || call.order > latest.order)) latest = call;
  }
  return latest;
}

/** What has been answered so far: the latest attempt of each answering call, in the order they began. */
export function answerText(snapshot) {
  if (typeof snapshot.output?.text === "string") return snapshot.output.text;
  const begun = snapshot.nodes.flatMap((node) =>
    node.calls.map((call) => ({ key: `${node.node}/${node.visit}/${call.call}`, call })),
  );
  const texts = new Map();
  for (const { key, call } of begun.sort((a, b) => a.call.order - b.call.order)) {
    if (call.purpose === "answer") texts.set(key, call.text);
  }
  return [...texts.values()].filter(Boolean).join("\n\n");
}

/** How long it has worked by now, null before it began: what it waits for people does not count. */
export function workedMs({ started_at: began, waiting_since: since, waited_ms: waited }, now = Date.now()) {
  return began && Math.max(0, (since ? Date.parse(since) : now) - Date.parse(began) - waited);
}

/** What people are asked to decide now: `{id, question, deadline_at}` each. */
export const pendingApprovals = (snapshot) => snapshot.nodes.map((node) => node.approval).filter(Boolean);

/** Every model call attempt, in the order of the nodes. */
export const callsOf = (snapshot) => snapshot.nodes.flatMap((node) => node.calls);

const CHANGES = {
  "execution.created": (s, data, at) => ({
    ...s,
    kind: data.kind ?? null,
    template: data.template ?? null,
    workflow: data.workflow ?? null,
    conversation: data.conversation ?? null,
    model: data.model ?? null,
    created_at: at,
  }),
  "execution.started": (s, data, at) => ({
    ...s,
    status: "running",
    attempt: data.attempt ?? 1,
    started_at: s.started_at ?? at,
  }),
  "execution.resumed": (s, data, at) => ({
    ...s,
    status: "running",
    attempt: data.attempt ?? s.attempt,
    waiting_since: null,
    waited_ms: s.waited_ms + (s.waiting_since ? Date.parse(at) - Date.parse(s.waiting_since) : 0),
  }),
  "execution.handed_back": (s) => ({ ...s, status: "pending" }),
  "execution.waiting": (s, data, at) => ({ ...s, status: "waiting", waiting_since: at }),
  "execution.cancelling": (s) => ({ ...s, cancelling: true }),
  "execution.completed": (s, data, at) => ended(s, "completed", data, at),
  "execution.failed": (s, data, at) => ended(s, "failed", data, at),
  "execution.cancelled": (s, data, at) => ended(s, "cancelled", data, at),

  "node.started": (s, data, at) =>
    withNode(s, data, (node) => ({
      ...node,
      type: data.kind ?? node.type,
      label: data.label || node.label,
      status: "running",
      started_at: node.started_at ?? at,
      error: null,
    })),
  "node.finished": (s, data, at) =>
    withNode(s, data, (node) => ({
      ...node,
      status: "completed",
      port: data.port ?? null,
      duration_ms: data.duration_ms ?? null,
      delay_until: null,
      finished_at: at,
    })),
  "node.failed": (s, data, at) =>
    withNode(s, data, (node) => ({
      ...node,
      status: "failed",
      error: { code: data.code, message: data.message },
      delay_until: null,
      finished_at: at,
    })),
  "delay.started": (s, data) =>
    withNode(s, data, (node) => ({ ...node, delay_until: data.until ?? null })),

  "approval.requested": (s, data) =>
    withNode(s, data, (node) => ({
      ...node,
      status: "waiting",
      approval: { id: data.approval, question: data.question ?? "", deadline_at: data.deadline_at ?? null },
    })),
  "approval.decided": (s, data) =>
    withNode(s, data, (node) => ({ ...node, status: "running", approval: null, decided: { decision: data.decision, by: data.by ?? "" } })),

  "model.started": (s, data, at) => {
    const order = callsOf(s).length;
    return withNode(s, data, (node) =>
      withCall(node, data, (call) => ({
        ...call,
        purpose: data.purpose ?? null,
        provider: data.provider ?? null,
        model: data.model ?? null,
        demo: Boolean(data.demo),
        status: "open",
        order: call.status ? call.order : order,
        started_at: at,
        text: "",
        reasoning: "",
      })),
    );
  },
  "tool.started": (s, data, at) =>
    withNode(s, data, (node) =>
      withTool(node, data, (tool) => ({ ...tool, name: data.tool, arguments: data.arguments ?? null, status: "open", started_at: at })),
    ),
  "tool.finished": (s, data, at) =>
    withNode(s, data, (node) =>
      withTool(node, data, (tool) => ({
        ...tool,
        name: data.tool,
        status: data.status,
        text: data.text ?? "",
        answered_by: data.answered_by ?? null,
        latency_ms: data.latency_ms ?? null,
        error: data.error ?? null,
        finished_at: at,
      })),
    ),
  "text.delta": (s, data) => withDelta(s, data, "text"),
  "reasoning.delta": (s, data) => withDelta(s, data, "reasoning"),
  "model.finished": (s, data, at) =>
    withNode(s, data, (node) =>
      withCall(node, data, (call) => ({
        ...call,
        status: data.status,
        usage: data.usage ?? null,
        cost: data.cost ?? null,
        exactness: data.exactness ?? null,
        latency_ms: data.latency_ms ?? null,
        first_token_ms: data.first_token_ms ?? null,
        finish_reason: data.finish_reason ?? null,
        error: data.error ?? null,
        retry_in_s: data.retry_in_s ?? null,
        answered_by: data.answered_by ?? null,
        finished_at: at,
      })),
    ),
};

/** The execution is over: whatever still ran stopped with it. */
function ended(s, status, data, at) {
  const stopped = (item) =>
    ["running", "open", "waiting"].includes(item.status)
      ? { ...item, status: status === "completed" ? "completed" : "cancelled", finished_at: at }
      : item;
  return {
    ...s,
    status,
    cancelling: false,
    finished_at: at,
    nodes: s.nodes.map((node) => ({ ...stopped(node), approval: null, calls: node.calls.map(stopped), tools: node.tools.map(stopped) })),
    output: data.output ?? s.output,
    error: data.error ?? null,
    totals: data.totals ?? null,
    message: data.message ?? null,
  };
}

/** Replace the node visit that `data` names, adding it when it is new. */
function withNode(s, data, change) {
  const visit = data.visit ?? 1;
  const at = s.nodes.findIndex((node) => node.node === data.node && node.visit === visit);
  const node = at >= 0 ? s.nodes[at] : newNode(data.node, visit);
  const nodes = at >= 0 ? s.nodes.with(at, change(node)) : [...s.nodes, change(node)];
  return { ...s, nodes };
}

/** Replace the attempt that `data` names among `attempts`, adding it when it is new. */
function withAttempt(attempts, data, make, change) {
  const attempt = data.attempt ?? 1;
  const at = attempts.findIndex((one) => one.call === data.call && one.attempt === attempt);
  return at >= 0 ? attempts.with(at, change(attempts[at])) : [...attempts, change(make(data.call, attempt))];
}

const withCall = (node, data, change) => ({ ...node, calls: withAttempt(node.calls, data, newCall, change) });
const withTool = (node, data, change) => ({ ...node, tools: withAttempt(node.tools, data, newTool, change) });

/** Put a piece of text at its offset; what stood from there on is replaced. */
function withDelta(s, data, field) {
  const put = (call) => ({ ...call, [field]: headOf(call[field], data.offset) + data.text });
  return withNode(s, data, (node) => withCall(node, data, put));
}

/** The first `count` characters, counted as code points like the server does. */
function headOf(text, count) {
  if (count === undefined || count === null || count >= text.length) return text;
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return text.slice(0, at);
}

const newNode = (node, visit) => ({
  node,
  visit,
  type: null,
  label: node,
  status: "running",
  port: null,
  started_at: null,
  finished_at: null,
  duration_ms: null,
  delay_until: null,
  approval: null,
  decided: null,
  error: null,
  calls: [],
  tools: [],
});

const newCall = (call, attempt) => ({
  call,
  attempt,
  order: 0,
  purpose: null,
  provider: null,
  model: null,
  demo: false,
  status: null,
  started_at: null,
  finished_at: null,
  text: "",
  reasoning: "",
  usage: null,
  cost: null,
  exactness: null,
  latency_ms: null,
  first_token_ms: null,
  finish_reason: null,
  error: null,
  retry_in_s: null,
  answered_by: null,
});

const newTool = (call, attempt) => ({
  call,
  attempt,
  name: null,
  arguments: null,
  status: null,
  started_at: null,
  finished_at: null,
  text: "",
  latency_ms: null,
  error: null,
  answered_by: null,
});
