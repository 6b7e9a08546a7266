/** A server of `ws/v1/` in this process, with the clock in the test's hand. */

import { mock } from "node:test";

export const ID = { first: "018f-1", second: "018f-2", third: "018f-3" };

/** A log of `count` events, the last of which ends the execution. */
export function logOf(execution, count, { over = true } = {}) {
  return Array.from({ length: count }, (_, index) => ({
    execution,
    seq: index + 1,
    type: over && index + 1 === count ? "execution.completed" : "text.delta",
    data: {},
  }));
}

/** Takes the place of WebSocket; `up` says whether it answers, `answer` may be replaced. */
export class FakeServer {
  constructor({ logs = {}, running = [] } = {}) {
    Object.assign(this, { logs, running });
    this.sockets = [];
    this.up = true;
    this.cut = () => Infinity;
    this.skip = () => false;
    const server = this;
    globalThis.WebSocket = class extends FakeSocket {
      constructor(url, protocols) {
        super(server, url, protocols);
      }
    };
    mock.timers.enable({ apis: ["setTimeout"] });
    mock.method(Math, "random", () => 1);
  }

  get socket() {
    return this.sockets.at(-1);
  }

  /** What clients asked to watch, oldest first. */
  get subscribed() {
    return this.sockets.flatMap((socket) => socket.sent).filter((frame) => frame.type === "subscribe");
  }

  answer(socket, frame) {
    const { channel, id, ref } = frame;
    if (frame.type === "ping") socket.tell({ type: "pong" });
    if (frame.type === "unsubscribe") socket.tell({ type: "unsubscribed", channel, id, ref });
    if (frame.type === "subscribe") this.serve(socket, frame);
  }

  serve(socket, { channel, id, ref, after = 0, positions = {} }) {
    const about = { channel, id };
    if (channel === "execution") {
      socket.tell({ type: "subscribed", ...about, ref });
      this.tell(socket, about, id, after);
      if (this.over(id)) socket.tell({ type: "end", ...about, seq: this.logs[id].length });
      return;
    }
    socket.tell({ type: "subscribed", ...about, ref, conversation: { id }, running: this.running });
    for (const execution of new Set([...Object.keys(positions), ...this.running])) {
      this.tell(socket, about, execution, positions[execution] ?? 0);
    }
  }

  tell(socket, about, execution, after) {
    for (const event of (this.logs[execution] ?? []).slice(after)) {
      if (!this.skip(event, socket)) socket.tell({ type: "event", ...about, event });
    }
  }

  over(execution) {
    return this.logs[execution]?.at(-1)?.type === "execution.completed";
  }
}

class FakeSocket {
  constructor(server, url, protocols) {
    Object.assign(this, { server, url, protocols, sent: [], told: 0, gone: false });
    server.sockets.push(this);
    queueMicrotask(() => (server.up ? this.onopen?.() : this.end()));
  }

  send(text) {
    const frame = JSON.parse(text);
    this.sent.push(frame);
    queueMicrotask(() => this.gone || this.server.answer(this, frame));
  }

  /** Send a frame, unless the connection is cut before it. */
  tell(frame) {
    if (this.gone) return;
    if (this.told === this.server.cut(this.server.sockets.length)) return this.end();
    this.told += 1;
    this.onmessage({ data: JSON.stringify(frame) });
  }

  end(code = 1006) {
    this.gone = true;
    this.onclose?.({ code });
  }

  close() {
    this.gone = true;
  }
}

/** Let everything happen that needs no time. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
}

export async function pass(ms) {
  await settle();
  mock.timers.tick(ms);
  await settle();
}

/** Iterate to the end, letting as much time pass as that needs: the events, and the problem if any. */
export async function all(watch) {
  const heard = listen(watch);
  for (let second = 0; second < 2_000 && !heard.over; second += 1) await pass(1_000);
  return heard;
}

/** What a watch brings, as it comes. */
export function listen(watch) {
  const heard = { events: [], problem: null, over: false };
  (async () => {
    try {
      for await (const event of watch) heard.events.push(event);
    } catch (error) {
      heard.problem = error.problem ?? error;
    }
    heard.over = true;
  })();
  return heard;
}
