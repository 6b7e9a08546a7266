/**
 * Watch Chatter live: any number of executions and conversations over one websocket.
 *
 *   const live = connect();                            // or {url: "https://chatter.example", token}
 *   const watch = live.watch("execution", id, { after: 0 });
 *   for await (const event of watch) show(event);      // every event once, in order; ends with the log
 *
 * Connections may be lost as often as they like: each watch goes on after its own last event.
 */

const ADDRESS = "/ws/v1/";
const PROTOCOL = "chatter.v1";
const SIGNED_OUT = 4401;
const FINAL_CODES = new Set([SIGNED_OUT, 4403]);
const LAST_EVENTS = new Set(["execution.completed", "execution.failed", "execution.cancelled"]);
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const LONGEST_WAIT_AWAY_MS = 60_000;
const SPREAD_MS = 1_000;
const NEW_KEY_MS = 1_000;
const CONNECT_MS = 30_000;
const QUIET_MS = 20_000;
const ANSWER_MS = 10_000;
const LINGER_MS = 1_000;
const MOST_POSITIONS = 100;

/** A connection to `url`, by default where the page is from; `token` where its session does not count. */
export const connect = (options = {}) => new Live(options);

/**
 * One socket for all watches, open only while there is one.
 *
 * Sends itself a "status" event with `{status, tries, waitMs, problem}` as detail: "connecting",
 * "open", "waiting" (for the next try), "idle" (nothing to watch), "closed" (for good).
 */
class Live extends EventTarget {
  constructor({ url = globalThis.location?.href, token = null }) {
    super();
    this.address = new URL(ADDRESS, url.replace(/^http/, "ws")).href;
    this.protocols = token ? [PROTOCOL, `token.${token}`] : [PROTOCOL];
    this.status = "idle";
    this.tries = 0;
    this.problem = null;
    this.socket = null;
    this.timer = null;
    this.watches = new Set();
    this.asked = new Map();
    this.asking = 0;
    this.failures = 0;
    this.letIn = false;
    this.gone = new AbortController();
    const { signal } = this.gone;
    globalThis.addEventListener?.("online", () => this.hurry(), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.hurry(), { signal });
  }

  /**
   * Watch "execution" or "conversation" `id`, "user" (all that is mine), "budgets" or "dashboard" (for staff).
   *
   * `after` is the last seq that is known, of `execution` where the channel has many of them.
   * `onSnapshot(frame)` is called in its turn between the events, whenever the watch begins anew;
   * a dashboard has no events: its frames with counters are iterated, and of budgets their warnings.
   */
  watch(channel, id, options = {}) {
    const watch = new Watch(this, channel, id, options);
    if (this.status === "closed") watch.end(this.problem);
    else this.watches.add(watch);
    if (this.status === "idle") this.open();
    else this.ask(watch.key);
    return watch;
  }

  /** End all watches and the connection. */
  close(problem = null) {
    this.drop();
    this.gone.abort();
    this.problem = problem;
    this.tell("closed");
    for (const watch of [...this.watches]) watch.end(problem);
  }

  // --- the socket ---

  open() {
    this.tell("connecting");
    const socket = new WebSocket(this.address, this.protocols);
    const ours = (act) => (event) => socket === this.socket && act(event);
    socket.onopen = ours(() => this.opened());
    socket.onmessage = ours(({ data }) => this.receive(JSON.parse(data)));
    socket.onclose = ours(({ code }) => this.lost(code));
    this.socket = socket;
    this.later(CONNECT_MS, () => this.lost());
  }

  opened() {
    this.tell("open");
    this.listen();
    for (const key of new Set([...this.watches].map((watch) => watch.key))) this.ask(key);
  }

  /** Wait for frames: when none comes for a while, see whether anybody is there. */
  listen() {
    if (this.watches.size) this.later(QUIET_MS, () => this.ping());
    else this.later(LINGER_MS, () => this.lost());
  }

  ping() {
    this.send({ type: "ping" });
    this.later(ANSWER_MS, () => this.lost());
  }

  lost(code) {
    this.drop();
    if (code === SIGNED_OUT && this.letIn) return this.signedOut();
    if (FINAL_CODES.has(code)) return this.close(this.problem ?? { code: "refused", message: "The server refused the connection." });
    if (!this.watches.size) return this.tell("idle");
    const away = globalThis.document?.hidden || globalThis.navigator?.onLine === false;
    const ceiling = Math.min(away ? LONGEST_WAIT_AWAY_MS : LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries);
    this.retry(ceiling * (0.5 + Math.random() / 2));
  }

  /** Once more: the session may have got another key, as when its user changes the password in another tab. */
  signedOut() {
    this.letIn = false;
    this.retry(NEW_KEY_MS);
  }

  retry(ms) {
    const waitMs = Math.round(ms);
    this.tries += 1;
    this.tell("waiting", waitMs);
    this.later(waitMs, () => this.open());
  }

  /** The network is back, or somebody looks: do now what would have waited. */
  hurry() {
    if (this.status === "waiting") this.open();
    else if (this.status === "open") this.ping();
  }

  drop() {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    this.asked.clear();
    socket?.close();
  }

  later(ms, act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, ms);
  }

  send(frame) {
    this.socket.send(JSON.stringify(frame));
  }

  tell(status, waitMs = 0) {
    this.status = status;
    const { tries, problem } = this;
    this.dispatchEvent(new CustomEvent("status", { detail: { status, tries, waitMs, problem } }));
  }

  // --- what is watched ---

  of(key) {
    return [...this.watches].filter((watch) => watch.key === key);
  }

  /** Subscribe, or subscribe again, from the earliest event that one of the key's watches lacks. */
  ask(key) {
    if (this.status !== "open") return;
    const before = this.asked.get(key);
    if (before) this.send({ ...before.what, type: "unsubscribe" });
    this.asked.delete(key);
    const watches = this.of(key);
    if (!watches.length) return;
    const { channel, id } = watches[0];
    const what = { channel, id, ref: String((this.asking += 1)) };
    this.asked.set(key, { what, told: false });
    this.send({ type: "subscribe", ...what, ...earliest(watches.map((watch) => watch.cursor)) });
  }

  forget(watch) {
    if (!this.watches.delete(watch) || this.status !== "open") return;
    if (this.asked.has(watch.key) && !this.of(watch.key).length) this.ask(watch.key);
    if (!this.watches.size) this.listen();
  }

  receive(frame) {
    this.listen();
    if (frame.type === "error") return this.refused(frame);
    this.problem = null;
    this.tries = 0;
    this.letIn = true;
    if (frame.type === "pong") this.failures = 0;
    if (frame.type === "going") return this.leave();
    const key = keyOf(frame.channel, frame.id);
    const asked = this.asked.get(key);
    if (asked && frame.type === "subscribed") asked.told ||= frame.ref === asked.what.ref;
    if (!asked?.told) return;
    if (frame.type === "end") this.asked.delete(key);
    for (const watch of this.of(key)) watch.hear(frame);
  }

  /** The server is about to stop: go to another one, or to the next, but not all at once. */
  leave() {
    this.drop();
    this.retry(Math.random() * SPREAD_MS);
  }

  /**
   * A problem of one watch ends it; one of the server itself is waited out, longer each time until
   * all has been well for a while. Without a channel it is the socket's, whose end follows.
   */
  refused({ channel, id, ref, problem }) {
    const key = keyOf(channel, id);
    const asked = this.asked.get(key);
    if (!channel) this.problem = problem;
    if (!asked || (ref && ref !== asked.what.ref)) return;
    if (problem.status >= 500) return this.failed();
    this.asked.delete(key);
    for (const watch of this.of(key)) watch.end(problem);
  }

  failed() {
    this.tries = this.failures;
    this.failures += 1;
    this.lost();
  }
}

/** What is told in one channel, to be iterated once; each is handed on once, per execution in order. */
class Watch {
  constructor(live, channel, id, { after = 0, execution = null, onSnapshot = null }) {
    Object.assign(this, { live, channel, id: id?.toLowerCase(), onSnapshot });
    this.key = keyOf(channel, this.id);
    this.last = new Map();
    this.open = new Set();
    this.newest = "";
    this.gaps = new Map();
    this.queue = [];
    this.over = false;
    this.problem = null;
    this.wake = () => {};
    const first = channel === "execution" ? this.id : execution;
    if (first) this.note(first, after);
  }

  /** Ends after the last event, or throws an error with the `problem` that ended it. */
  async *[Symbol.asyncIterator]() {
    try {
      while (this.queue.length || !this.over) {
        const item = this.queue.shift();
        if (item === undefined) await new Promise((resolve) => (this.wake = resolve));
        else if (typeof item === "function") item();
        else yield item;
      }
    } finally {
      this.close();
    }
    if (this.problem) throw Object.assign(new Error(this.problem.message), { problem: this.problem });
  }

  /** Hand on nothing more. */
  close() {
    this.queue = [];
    this.end();
  }

  /** This execution concerns us, and its events up to `seq` came by another way. */
  know(execution, seq = 0) {
    this.note(execution, seq);
    this.queue = this.queue.filter((item) => item.execution !== execution || item.seq > seq);
  }

  /** The last event of `execution` that was received, 0 when none was. */
  seen(execution) {
    return this.last.get(execution) ?? 0;
  }

  /** Where to go on: after what is known of each execution that may not be over, and of the newest. */
  get cursor() {
    if (this.channel === "execution") return { after: this.seen(this.id) };
    const named = new Set(this.newest ? [...this.open, this.newest] : []);
    return { positions: Object.fromEntries([...named].map((execution) => [execution, this.seen(execution)])) };
  }

  hear(frame) {
    if (this.channel === "dashboard" || (this.channel === "budgets" && frame.data)) this.push(frame);
    else if (frame.type === "event") this.take(frame.event);
    else if (frame.type === "end") this.lacks(frame.id, frame.seq) || this.end();
    else if (frame.type === "subscribed") this.joined(frame);
  }

  /** What runs in a conversation is told from its first event, of a user from where it is. */
  joined(frame) {
    this.push(() => this.onSnapshot?.(frame));
    for (const execution of frame.running ?? []) {
      if (this.last.has(execution)) continue;
      if (this.channel === "conversation") this.note(execution, 0);
      else this.gaps.set(execution, 0);
    }
  }

  take(event) {
    if (event.seq <= this.seen(event.execution) || this.lacks(event.execution, event.seq - 1 - (event.pruned ?? 0))) return;
    this.accept(event);
  }

  /**
   * True for a gap before `seq` + 1, which is asked for again from the last event we have: once,
   * for what is pruned never comes back.
   */
  lacks(execution, seq) {
    const seen = this.seen(execution);
    if (seq <= seen || this.gaps.get(execution) === seen) return false;
    this.gaps.set(execution, seen);
    this.note(execution, seen);
    this.live.ask(this.key);
    return true;
  }

  accept(event) {
    this.note(event.execution, event.seq);
    if (LAST_EVENTS.has(event.type)) this.open.delete(event.execution);
    this.push(event);
  }

  note(execution, seq) {
    this.last.set(execution, Math.max(seq, this.seen(execution)));
    this.open.add(execution);
    if (execution > this.newest) this.newest = execution;
  }

  push(item) {
    this.queue.push(item);
    this.wake();
  }

  end(problem = null) {
    if (this.over) return;
    this.over = true;
    this.problem = problem;
    this.live.forget(this);
    this.wake();
  }
}

const keyOf = (channel, id) => (id ? `${channel} ${id}` : `${channel}`);

/**
 * The earliest of several cursors: of each execution the least number, 0 where one does not know it.
 *
 * Ids grow with time, and what began after the newest that is named is told from its first event; so
 * where there are too many, the oldest are named.
 */
function earliest(cursors) {
  if (cursors[0].positions === undefined) return { after: Math.min(...cursors.map(({ after }) => after)) };
  const all = cursors.map(({ positions }) => positions);
  const named = [...new Set(all.flatMap(Object.keys))].sort().slice(0, MOST_POSITIONS);
  const least = (execution) => Math.min(...all.map((positions) => positions[execution] ?? 0));
  return named.length ? { positions: Object.fromEntries(named.map((execution) => [execution, least(execution)])) } : {};
}
