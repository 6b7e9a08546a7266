/** Follow an execution or a conversation over a websocket, losing and repeating nothing. */

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const FINAL_CODES = new Set([4400, 4401, 4403, 4404]);

/**
 * Open `path` and hand every event on exactly once, in order, across reconnects.
 *
 * `after` is the last seq already known (with `execution`, for conversation sockets).
 * `onEvent(event)`, `onFrame(frame)` for frames without a seq, `onEnd(frame)`, `onProblem(problem)`,
 * `onStatus("connecting" | "open" | "waiting" | "closed", {tries, waitMs})`.
 * Returns `{close, seen(execution), know(execution, seq)}`.
 */
export function follow(path, options = {}) {
  const { after = 0, execution = null, onEvent, onFrame, onEnd, onProblem, onStatus } = options;
  const open = options.open ?? ((url) => new WebSocket(url));
  const later = options.setTimeout ?? setTimeout;
  const random = options.random ?? Math.random;
  const last = new Map();
  const gaps = new Map();
  const single = execution === null && !path.includes("conversations");
  let newest = execution;
  let first = after;
  let socket = null;
  let timer = null;
  let tries = 0;
  let closed = false;

  if (execution) last.set(execution, after);

  const tell = (status, extra = {}) => onStatus?.(status, { tries, ...extra });

  function connect() {
    timer = null;
    tell("connecting");
    socket = open(address());
    const mine = socket;
    mine.onmessage = (message) => mine === socket && receive(JSON.parse(message.data));
    mine.onopen = () => tell("open");
    mine.onclose = (event) => mine === socket && lost(event.code);
  }

  function address() {
    const url = new URL(path, (options.base ?? location.href).replace(/^http/, "ws"));
    const seq = newest ? (last.get(newest) ?? first) : first;
    if (single) url.searchParams.set("after", seq);
    else if (newest) {
      url.searchParams.set("after_execution", newest);
      url.searchParams.set("after", seq);
    }
    return url.href;
  }

  function receive(frame) {
    tries = 0;
    if (frame.type === "error") {
      onProblem?.(frame);
    } else if (frame.type === "end") {
      onEnd?.(frame);
      if (single) close();
    } else if (frame.seq) {
      take(frame);
    } else {
      onFrame?.(frame);
    }
  }

  function take(event) {
    const seen = last.get(event.execution) ?? (single ? first : 0);
    if (event.seq <= seen) return;
    if (event.seq > seen + 1 && gaps.get(event.execution) !== seen) return again(event.execution, seen);
    last.set(event.execution, event.seq);
    newest = event.execution;
    onEvent?.(event);
  }

  /** A gap: ask again from the last event we have; once, for what is pruned never comes back. */
  function again(execution, seen) {
    gaps.set(execution, seen);
    know(execution, seen);
    const gone = socket;
    socket = null;
    gone?.close();
    retry();
  }

  function lost(code) {
    socket = null;
    if (closed) return;
    if (FINAL_CODES.has(code)) return close();
    retry();
  }

  function retry() {
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
    const waitMs = Math.round(ceiling * (0.5 + random() / 2));
    tries += 1;
    tell("waiting", { waitMs });
    timer = later(connect, waitMs);
  }

  function close() {
    if (closed) return;
    closed = true;
    clearTimeout(timer);
    socket?.close();
    socket = null;
    tell("closed");
  }

  /** Note an event that came by another way, so that the next connect asks from there. */
  function know(execution, seq) {
    last.set(execution, Math.max(seq, last.get(execution) ?? 0));
    newest = execution;
  }

  connect();
  return { close, know, seen: (execution) => last.get(execution) ?? 0 };
}

/** The same as an async iterator: `for await (const event of events("/ws/executions/…/"))`. */
export async function* events(path, options = {}) {
  const queue = [];
  let wake = () => {};
  let over = false;
  let problem = null;
  const push = (item) => {
    queue.push(item);
    wake();
  };
  const live = follow(path, {
    ...options,
    onEvent: push,
    onProblem: (frame) => (problem = frame),
    onStatus: (status) => {
      over ||= status === "closed";
      wake();
    },
  });
  try {
    while (true) {
      while (queue.length) yield queue.shift();
      if (over) break;
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    live.close();
  }
  if (problem) throw Object.assign(new Error(problem.message), { problem });
}
