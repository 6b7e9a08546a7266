import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { connect } from "../../static/js/chatter-live.js";
import { all, FakeServer, ID, listen, logOf, pass, settle } from "./fake-server.mjs";

const HERE = { url: "http://chatter.test/chat/" };
const LOG = logOf(ID.first, 30);

afterEach(() => mock.reset());
afterEach(() => mock.timers.reset());

const serverOf = (options = {}) => Object.assign(new FakeServer({ logs: { [ID.first]: LOG } }), options);
const seqs = (events) => events.map((event) => `${event.execution}:${event.seq}`);

test("a connection cut after any number of frames still brings the whole log once", async () => {
  for (let at = 0; at <= LOG.length + 1; at += 1) {
    const server = serverOf({ cut: (connection) => (connection === 1 ? at : Infinity) });
    const { events, problem } = await all(connect(HERE).watch("execution", ID.first));
    assert.deepEqual(events, LOG);
    assert.equal(problem, null);
    assert.equal(server.subscribed[1].after, Math.max(0, at - 1));
    mock.reset();
    mock.timers.reset();
  }
});

test("a connection cut after every single event brings the whole log once", async () => {
  const server = serverOf({ cut: () => 2 });
  const { events } = await all(connect(HERE).watch("execution", ID.first));
  assert.deepEqual(events, LOG);
  assert.ok(server.sockets.length > LOG.length);
});

test("a watch begins after the event it is told", async () => {
  const server = serverOf();
  const { events } = await all(connect(HERE).watch("execution", ID.first, { after: 12 }));
  assert.deepEqual(events, LOG.slice(12));
  assert.deepEqual(server.socket.sent.map(({ type }) => type), ["subscribe"]);
});

test("events sent twice are handed on once", async () => {
  const server = serverOf();
  const tell = server.tell.bind(server);
  server.tell = (...what) => [1, 2].forEach(() => tell(...what));
  const { events } = await all(connect(HERE).watch("execution", ID.first));
  assert.deepEqual(events, LOG);
});

test("a gap is asked for again, on the same connection", async () => {
  let skipped = 0;
  const server = serverOf({ skip: (event) => event.seq === 7 && (skipped += 1) === 1 });
  const { events } = await all(connect(HERE).watch("execution", ID.first));
  assert.deepEqual(events, LOG);
  assert.equal(server.sockets.length, 1);
  assert.deepEqual(server.subscribed.map((frame) => frame.after), [0, 6]);
});

test("a gap that stays is passed over, not asked for forever", async () => {
  const server = serverOf({ skip: (event) => event.seq === 7 });
  const { events } = await all(connect(HERE).watch("execution", ID.first));
  assert.deepEqual(events, LOG.filter((event) => event.seq !== 7));
  assert.equal(server.subscribed.length, 2);
});

test("what a log says was pruned is not asked for", async () => {
  const kept = LOG.filter((event) => event.seq < 5 || event.seq > 7).map((event) => (event.seq === 8 ? { ...event, pruned: 3 } : event));
  const server = serverOf({ logs: { [ID.first]: kept } });
  const { events } = await all(connect(HERE).watch("execution", ID.first));
  assert.deepEqual(events, kept);
  assert.equal(server.subscribed.length, 1);
});

test("whatever is cut, lost or told twice, each of many watches gets its log once and in order", async () => {
  let seed = 7;
  const chance = (part) => (seed = (seed * 16807) % 2147483647) / 2147483647 < part;
  for (let round = 0; round < 40; round += 1) {
    const logs = Object.fromEntries(Object.values(ID).map((id, at) => [id, logOf(id, 5 + 4 * at)]));
    const server = new FakeServer({ logs });
    const lost = new Set();
    server.cut = () => (chance(0.03) ? server.socket.told : Infinity);
    server.skip = (event) => chance(0.05) && !lost.has(event) && Boolean(lost.add(event));
    const live = connect(HERE);
    const heard = [...Object.values(ID), ID.third].map((id) => [id, listen(live.watch("execution", id))]);
    for (let second = 0; second < 500 && heard.some(([, { over }]) => !over); second += 1) await pass(1_000);
    for (const [id, { events }] of heard) assert.deepEqual(seqs(events), seqs(logs[id]));
    mock.reset();
    mock.timers.reset();
  }
});

test("all watches share one connection, which is there only while there is one", async () => {
  const logs = { [ID.first]: logOf(ID.first, 3, { over: false }), [ID.second]: logOf(ID.second, 2) };
  const server = new FakeServer({ logs });
  const live = connect(HERE);
  await settle();
  assert.equal(server.sockets.length, 0);
  const first = live.watch("execution", ID.first);
  const heard = [listen(first), listen(live.watch("execution", ID.first)), listen(live.watch("execution", ID.second))];
  await settle();
  assert.deepEqual(heard.map(({ events }) => events.length), [3, 3, 2]);
  assert.deepEqual(heard.map(({ over }) => over), [false, false, true]);
  first.close();
  await pass(5_000);
  assert.equal(server.socket.gone, false);
  [...live.watches][0].close();
  await pass(5_000);
  assert.deepEqual([server.sockets.length, server.socket.gone, live.status], [1, true, "idle"]);
  assert.equal(server.socket.sent.at(-1).type, "unsubscribe");
  listen(live.watch("execution", ID.first));
  await settle();
  assert.deepEqual([server.sockets.length, live.status], [2, "open"]);
});

test("who comes later to what is watched already gets all of it too", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 3, { over: false }) } });
  const live = connect(HERE);
  const early = listen(live.watch("execution", ID.first));
  await settle();
  const late = listen(live.watch("execution", ID.first));
  server.socket.tell({ type: "event", channel: "execution", id: ID.first, event: { ...LOG[3] } });
  server.logs[ID.first] = LOG;
  await settle();
  assert.deepEqual([early.events, late.events], [LOG, LOG]);
  assert.equal(server.subscribed.length, 2);
});

test("what belongs to an earlier subscription is not heard", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 3, { over: false }) }, running: [ID.first] });
  const live = connect(HERE);
  const snapshots = [];
  listen(live.watch("execution", ID.first));
  await settle();
  const early = listen(live.watch("conversation", "c1", { onSnapshot: (frame) => snapshots.push(frame.ref) }));
  listen(live.watch("conversation", "c1"));
  server.socket.tell({ type: "error", channel: "conversation", id: "c1", ref: "2", problem: { status: 404 } });
  await settle();
  assert.deepEqual([snapshots, early.over, early.events.length], [["3"], false, 3]);
});

test("who leaves the loop watches no more", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 5, { over: false }) } });
  for await (const event of connect(HERE).watch("execution", ID.first)) if (event.seq === 2) break;
  await settle();
  assert.equal(server.socket.sent.at(-1).type, "unsubscribe");
});

test("a watch that is refused throws its problem, and the others go on", async () => {
  const server = serverOf();
  const serve = server.serve.bind(server);
  const problem = { status: 404, code: "not_found", message: "No." };
  server.serve = (socket, frame) => {
    if (frame.id === ID.first) return serve(socket, frame);
    return socket.tell({ type: "error", channel: frame.channel, id: frame.id, ref: frame.ref, problem });
  };
  const live = connect(HERE);
  const [foreign, own] = await Promise.all([all(live.watch("execution", ID.second)), all(live.watch("execution", ID.first))]);
  assert.deepEqual(foreign.problem, problem);
  assert.deepEqual([own.problem, own.events], [null, LOG]);
  assert.equal(server.sockets.length, 1);
});

test("a watch that may not go on throws the problem after what it had", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 3, { over: false }) } });
  const heard = listen(connect(HERE).watch("execution", ID.first));
  await settle();
  server.socket.tell({ type: "error", channel: "execution", id: ID.first, problem: { status: 404, code: "not_found" } });
  await settle();
  assert.deepEqual([heard.events.length, heard.over, heard.problem.code], [3, true, "not_found"]);
});

test("the token is a subprotocol, and the address is the server's", async () => {
  const server = serverOf();
  await all(connect({ url: "https://chatter.test", token: "secret" }).watch("execution", ID.first));
  assert.equal(server.socket.url, "wss://chatter.test/ws/v1/");
  assert.deepEqual(server.socket.protocols, ["chatter.v1", "token.secret"]);
});

test("a snapshot comes in its turn, before the events that follow it", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 2, { over: false }) }, running: [ID.first] });
  const order = [];
  const watch = connect(HERE).watch("conversation", "c1", { onSnapshot: (frame) => order.push(frame.conversation.id) });
  (async () => {
    for await (const event of watch) order.push(event.seq);
  })();
  await settle();
  server.socket.end();
  await pass(1_000);
  assert.deepEqual(order, ["c1", 1, 2, "c1"]);
});

test("a conversation goes on where it was in each run", async () => {
  const logs = { [ID.first]: logOf(ID.first, 4, { over: false }), [ID.second]: logOf(ID.second, 1, { over: false }) };
  const server = new FakeServer({ logs, running: [ID.first, ID.second] });
  const heard = listen(connect(HERE).watch("conversation", "c1", { execution: ID.first }));
  await settle();
  server.socket.end();
  await pass(1_000);
  const asked = server.subscribed.map(({ positions }) => positions);
  assert.deepEqual(asked, [{ [ID.first]: 0 }, { [ID.first]: 4, [ID.second]: 1 }]);
  assert.deepEqual(seqs(heard.events), seqs([...logs[ID.first], ...logs[ID.second]]));
});

test("of the runs that are over only the newest is named, and too many are not named at all", async () => {
  const logs = { [ID.first]: logOf(ID.first, 4), [ID.second]: logOf(ID.second, 6) };
  const server = new FakeServer({ logs, running: [ID.first, ID.second] });
  const watch = connect(HERE).watch("conversation", "c1");
  listen(watch);
  await settle();
  server.socket.end();
  await pass(1_000);
  assert.deepEqual(server.subscribed[1].positions, { [ID.second]: 6 });
  for (let run = 100; run < 250; run += 1) watch.know(`018f-${run}`);
  server.socket.end();
  await pass(1_000);
  const named = Object.keys(server.subscribed.at(-1).positions);
  assert.deepEqual([named.length, named.at(0), named.at(-1)], [100, "018f-100", "018f-199"]);
});

test("runs that end while the connection is away are told to their end", async () => {
  const begun = Object.fromEntries(Object.values(ID).map((id) => [id, logOf(id, 2, { over: false })]));
  const server = new FakeServer({ logs: begun, running: Object.values(ID) });
  const live = connect(HERE);
  const heard = listen(live.watch("conversation", "c1"));
  await settle();
  server.socket.end();
  server.logs = Object.fromEntries(Object.values(ID).map((id) => [id, logOf(id, 6)]));
  server.running = [];
  await pass(5_000);
  for (const id of Object.values(ID)) {
    const ours = heard.events.filter((event) => event.execution === id);
    assert.deepEqual(seqs(ours), seqs(server.logs[id]));
  }
  assert.equal(live.watches.size, 1);
});

test("a run that ends before the first of its events came is told all the same", async () => {
  const server = new FakeServer({ logs: { [ID.first]: LOG }, running: [ID.first] });
  server.cut = (connection) => (connection === 1 ? 1 : Infinity);
  const heard = listen(connect(HERE).watch("conversation", "c1"));
  await settle();
  server.running = [];
  await pass(1_000);
  assert.deepEqual(heard.events, LOG);
});

test("two watches of a conversation miss nothing when the second begins", async () => {
  const server = new FakeServer({ logs: { [ID.first]: logOf(ID.first, 3, { over: false }) }, running: [ID.first] });
  const live = connect(HERE);
  const early = listen(live.watch("conversation", "c1"));
  await settle();
  server.logs[ID.first] = LOG;
  server.running = [];
  const late = listen(live.watch("conversation", "c1"));
  await settle();
  assert.deepEqual([early.events, late.events], [LOG, LOG]);
  assert.deepEqual(server.subscribed.at(-1).positions, { [ID.first]: 0 });
});

test("what is mine is told from where it is, and goes on from there", async () => {
  const server = new FakeServer({ logs: { [ID.first]: LOG.slice(0, 20) }, running: [ID.first] });
  const tell = server.tell.bind(server);
  server.tell = (socket, about, execution, after) => tell(socket, about, execution, after || 12);
  const heard = listen(connect(HERE).watch("user"));
  await settle();
  server.logs[ID.first] = LOG;
  server.socket.end();
  await pass(1_000);
  assert.deepEqual(heard.events, LOG.slice(12));
  assert.deepEqual(server.subscribed.map(({ positions }) => positions), [undefined, { [ID.first]: 20 }]);
});

test("events that came by another way are not handed on again, received or not", async () => {
  const server = new FakeServer({ logs: { [ID.first]: LOG }, running: [] });
  server.up = false;
  const watch = connect(HERE).watch("conversation", "c1");
  const heard = listen(watch);
  await settle();
  watch.know(ID.first, 28);
  server.up = true;
  await pass(5_000);
  assert.deepEqual(heard.events, LOG.slice(28));
  const slow = connect(HERE).watch("execution", ID.first);
  await settle();
  slow.know(ID.first, 25);
  assert.deepEqual((await all(slow)).events, LOG.slice(25));
});

test("of budgets their warnings come, again after a cut", async () => {
  const server = new FakeServer();
  const warned = { type: "budget.warned", channel: "budgets", data: { budget: "b", threshold: 80 } };
  server.serve = (socket, { channel, ref }) => {
    socket.tell({ type: "subscribed", channel, ref });
    socket.tell(warned);
  };
  const heard = listen(connect(HERE).watch("budgets"));
  await settle();
  assert.deepEqual(heard.events, [warned]);
  server.socket.end();
  await pass(5_000);
  assert.deepEqual([heard.events, heard.over], [[warned, warned], false]);
});

test("a dashboard brings its counters", async () => {
  const server = new FakeServer();
  server.serve = (socket, { channel, ref }) => {
    socket.tell({ type: "subscribed", channel, ref, counters: { waiting: 1 } });
    socket.tell({ type: "counters", channel, counters: { waiting: 2 } });
  };
  const heard = listen(connect(HERE).watch("dashboard"));
  await settle();
  assert.deepEqual(heard.events.map((frame) => frame.counters.waiting), [1, 2]);
});
