/** The server is away, silent, stopping or refusing; or nobody looks. */

import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { connect } from "../../static/js/chatter-live.js";
import { FakeServer, ID, listen, logOf, pass, settle } from "./fake-server.mjs";

const HERE = { url: "http://chatter.test/chat/" };
const PIECE = logOf(ID.first, 3, { over: false });

afterEach(() => mock.reset());
afterEach(() => mock.timers.reset());
afterEach(() => {
  delete globalThis.document;
  delete globalThis.addEventListener;
});

/** A watch of a run that goes on, and every status the connection had. */
async function watching(options = {}) {
  const server = Object.assign(new FakeServer({ logs: { [ID.first]: PIECE } }), options);
  const live = connect(HERE);
  const statuses = [];
  live.addEventListener("status", ({ detail }) => statuses.push(detail));
  const heard = listen(live.watch("execution", ID.first));
  await settle();
  return { server, live, statuses, heard };
}

const waits = (statuses) => statuses.filter(({ status }) => status === "waiting").map(({ waitMs }) => waitMs);

test("waits grow and stay bounded while the server is away, and are short again after it was there", async () => {
  const { server, live, statuses } = await watching({ up: false });
  for (let second = 0; second < 100; second += 1) await pass(1_000);
  assert.deepEqual(waits(statuses).slice(0, 4), [250, 500, 1000, 2000]);
  assert.equal(Math.max(...waits(statuses)), 15_000);
  server.up = true;
  await pass(15_000);
  assert.equal(live.status, "open");
  server.socket.end();
  assert.equal(waits(statuses).at(-1), 250);
});

test("waits are spread, so that not everybody comes back at once", async () => {
  const { statuses } = await watching({ up: false });
  Math.random.mock.mockImplementation(() => 0);
  await pass(250);
  assert.deepEqual(waits(statuses), [250, 250]);
});

test("a hidden page waits longer, and comes back at once when it is seen", async () => {
  globalThis.document = Object.assign(new EventTarget(), { hidden: true });
  const { server, live, statuses } = await watching({ up: false });
  for (let second = 0; second < 300; second += 1) await pass(1_000);
  assert.equal(Math.max(...waits(statuses)), 60_000);
  server.up = true;
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await settle();
  assert.equal(live.status, "open");
});

test("a network that is back is used at once", async () => {
  const network = new EventTarget();
  globalThis.addEventListener = network.addEventListener.bind(network);
  const { server, live } = await watching({ up: false });
  for (let second = 0; second < 60; second += 1) await pass(1_000);
  server.up = true;
  network.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(live.status, "open");
  network.dispatchEvent(new Event("online"));
  assert.equal(server.socket.sent.at(-1).type, "ping");
});

test("a server that stops is left, and its successor told where to go on", async () => {
  const { server, live, heard } = await watching();
  server.socket.tell({ type: "going" });
  assert.equal(server.socket.gone, true);
  server.logs[ID.first] = logOf(ID.first, 9);
  await pass(1_000);
  assert.deepEqual(heard.events.map((event) => event.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(server.subscribed.map((frame) => frame.after), [0, 3]);
  assert.equal(live.status, "open");
});

test("a quiet connection is asked whether anybody is there, and kept when there is", async () => {
  const { server } = await watching();
  for (let second = 0; second < 120; second += 1) await pass(1_000);
  assert.equal(server.sockets.length, 1);
  assert.ok(server.socket.sent.filter(({ type }) => type === "ping").length >= 5);
});

test("a connection that does not answer is given up for another", async () => {
  const { server, live } = await watching();
  server.answer = () => {};
  for (let second = 0; second < 31; second += 1) await pass(1_000);
  assert.deepEqual([server.sockets[0].gone, server.sockets.length], [true, 2]);
  assert.equal(live.status, "open");
});

test("a connection that never opens is given up for another", async () => {
  const server = new FakeServer();
  server.up = null;
  globalThis.WebSocket = class {
    constructor() {
      server.sockets.push(this);
    }
    close() {}
  };
  listen(connect(HERE).watch("execution", ID.first));
  await pass(30_000);
  await pass(1_000);
  assert.equal(server.sockets.length, 2);
});

test("who may not connect is not tried again, and told why", async () => {
  for (const code of [4401, 4403]) {
    const problem = { status: 401, code: "invalid_token", message: "No." };
    const { server, live, heard } = await watching({
      answer: (socket) => {
        if (code === 4401) socket.tell({ type: "error", problem });
        socket.end(code);
      },
    });
    await pass(60_000);
    assert.deepEqual([server.sockets.length, live.status, heard.over], [1, "closed", true]);
    assert.equal(heard.problem.code, code === 4401 ? "invalid_token" : "refused");
    const late = listen(live.watch("execution", ID.second));
    await settle();
    assert.equal(late.problem.code, heard.problem.code);
    mock.reset();
    mock.timers.reset();
  }
});

test("a session that got another key is taken up again, and one that is over given up", async () => {
  const { server, live, heard } = await watching();
  const problem = { status: 401, code: "not_authenticated", message: "No." };
  const signOut = (socket) => {
    socket.tell({ type: "error", problem });
    socket.end(4401);
  };
  for (const time of [2, 3]) {
    signOut(server.socket);
    await pass(1_000);
    assert.deepEqual([server.sockets.length, live.status, heard.over], [time, "open", false]);
  }
  server.answer = signOut;
  signOut(server.socket);
  await pass(60_000);
  assert.deepEqual([server.sockets.length, live.status, heard.problem.code], [4, "closed", "not_authenticated"]);
});

test("too many connections are a reason to wait, and are told", async () => {
  const { server, statuses } = await watching({
    answer: (socket) => {
      socket.tell({ type: "error", problem: { status: 429, code: "too_many_connections" } });
      socket.end(4429);
    },
  });
  for (let second = 0; second < 10; second += 1) await pass(1_000);
  assert.deepEqual(waits(statuses).slice(0, 3), [250, 500, 1000]);
  assert.equal(statuses.at(-1).problem.code, "too_many_connections");
  assert.ok(server.sockets.length < 8);
});

test("an error of the server is waited out, longer each time", async () => {
  const { server, heard, statuses } = await watching({
    serve: (socket, { channel, id, ref }) => {
      socket.tell({ type: "subscribed", channel, id, ref });
      socket.tell({ type: "error", channel, id, ref, problem: { status: 500, code: "internal_error" } });
    },
  });
  for (let second = 0; second < 10; second += 1) await pass(1_000);
  assert.deepEqual(waits(statuses).slice(0, 4), [250, 500, 1000, 2000]);
  delete server.serve;
  await pass(15_000);
  assert.deepEqual(heard.events, PIECE);
});

test("what is closed stays closed", async () => {
  const { server, live, heard } = await watching();
  live.close();
  await pass(60_000);
  assert.deepEqual([server.sockets.length, heard.over, heard.problem, live.status], [1, true, null, "closed"]);
});
