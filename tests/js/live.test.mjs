import assert from "node:assert/strict";
import { test } from "node:test";

import { events, follow } from "../../static/js/live.js";

const BASE = "http://chatter.test/";
const LOG = Array.from({ length: 40 }, (_, index) => ({ execution: "e1", seq: index + 1, type: "text.delta", data: {} }));

/** A server that holds a log; each socket is cut after `cut(connection)` frames. */
function server({ log = LOG, cut = () => Infinity, skip = () => false } = {}) {
  const opened = [];
  const open = (url) => {
    const after = Number(new URL(url).searchParams.get("after") ?? 0);
    const socket = { url, close: () => (socket.gone = true) };
    opened.push(socket);
    queueMicrotask(() => {
      socket.onopen?.();
      const frames = [...log.slice(after), { type: "end", execution: "e1", seq: log.length }];
      const limit = cut(opened.length);
      for (const frame of frames.slice(0, limit)) {
        if (socket.gone) return;
        if (!skip(frame, opened.length)) socket.onmessage({ data: JSON.stringify(frame) });
      }
      if (!socket.gone && limit < frames.length) socket.onclose({ code: 1006 });
    });
    return socket;
  };
  return { open, opened };
}

function listen(options) {
  return new Promise((resolve) => {
    const got = [];
    const live = follow("/ws/executions/e1/", {
      base: BASE,
      setTimeout: (step) => setTimeout(step, 0),
      onEvent: (event) => got.push(event),
      onStatus: (status) => status === "closed" && resolve({ got, live }),
      ...options,
    });
  });
}

test("a socket cut after any number of frames still brings the whole log once", async () => {
  for (let at = 0; at <= LOG.length; at += 1) {
    const { open, opened } = server({ cut: (connection) => (connection === 1 ? at : Infinity) });
    const { got } = await listen({ open });
    assert.deepEqual(got, LOG);
    assert.equal(new URL(opened[1].url).searchParams.get("after"), String(at));
  }
});

test("a socket cut after every single frame brings the whole log once", async () => {
  const { open } = server({ cut: () => 1 });
  const { got } = await listen({ open });
  assert.deepEqual(got, LOG);
});

test("events sent twice are handed on once", async () => {
  const { open } = server({ log: LOG });
  const twice = (url) => {
    const socket = open(url);
    let inner = null;
    Object.defineProperty(socket, "onmessage", {
      set: (listener) => (inner = (message) => [1, 2].forEach(() => listener(message))),
      get: () => inner,
    });
    return socket;
  };
  const { got } = await listen({ open: twice });
  assert.deepEqual(got, LOG);
});

test("a gap is asked for again", async () => {
  const { open, opened } = server({ skip: (frame, connection) => connection === 1 && frame.seq === 7 });
  const { got } = await listen({ open });
  assert.deepEqual(got, LOG);
  assert.equal(opened.length, 2);
});

test("a gap that stays is passed over, not asked for forever", async () => {
  const { open, opened } = server({ skip: (frame) => frame.seq === 7 });
  const { got } = await listen({ open });
  assert.deepEqual(got, LOG.filter((event) => event.seq !== 7));
  assert.equal(opened.length, 2);
});

test("what is not ours is not asked for again", async () => {
  for (const code of [4401, 4404]) {
    let tries = 0;
    let problem = null;
    const open = () => {
      tries += 1;
      const socket = { close() {} };
      queueMicrotask(() => {
        socket.onmessage({ data: JSON.stringify({ type: "error", code: "not_found", message: "No." }) });
        socket.onclose({ code });
      });
      return socket;
    };
    await listen({ open, onProblem: (frame) => (problem = frame) });
    assert.equal(tries, 1);
    assert.equal(problem.code, "not_found");
  }
});

test("waits grow and stay bounded while the server is away", async () => {
  const waits = [];
  let live = null;
  const open = () => {
    const socket = { close() {} };
    queueMicrotask(() => (waits.length < 12 ? socket.onclose({ code: 1006 }) : live.close()));
    return socket;
  };
  await new Promise((resolve) => {
    live = follow("/ws/executions/e1/", {
      base: BASE,
      open,
      random: () => 1,
      setTimeout: (step, wait) => {
        waits.push(wait);
        return setTimeout(step, 0);
      },
      onStatus: (status) => status === "closed" && resolve(),
    });
  });
  assert.deepEqual(waits.slice(0, 4), [250, 500, 1000, 2000]);
  assert.equal(Math.max(...waits), 15_000);
});

test("a conversation socket asks from the run it knows and serves several runs", async () => {
  const urls = [];
  const got = [];
  const open = (url) => {
    urls.push(url);
    const socket = { close() {} };
    queueMicrotask(() => {
      const send = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
      send({ type: "conversation", conversation: { id: "c1" }, running: [] });
      send({ execution: "e1", seq: 1, type: "x" });
      send({ execution: "e2", seq: 1, type: "x" });
      send({ execution: "e1", seq: 2, type: "x" });
      if (urls.length === 1) socket.onclose({ code: 1006 });
      else live.close();
    });
    return socket;
  };
  let live = null;
  await new Promise((resolve) => {
    live = follow("/ws/conversations/c1/", {
      base: BASE,
      open,
      execution: "e1",
      setTimeout: (step) => setTimeout(step, 0),
      onEvent: (event) => got.push(`${event.execution}:${event.seq}`),
      onStatus: (status) => status === "closed" && resolve(),
    });
  });
  assert.deepEqual(got, ["e1:1", "e2:1", "e1:2"]);
  assert.match(urls[0], /^ws:.*after_execution=e1&after=0$/);
  assert.match(urls[1], /after_execution=e1&after=2$/);
});

test("the iterator yields the log and ends with it", async () => {
  const { open } = server({ cut: (connection) => (connection === 1 ? 9 : Infinity) });
  const got = [];
  for await (const event of events("/ws/executions/e1/", { base: BASE, open, setTimeout: (step) => setTimeout(step, 0) })) {
    got.push(event);
  }
  assert.deepEqual(got, LOG);
});
