import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { get } from "../../static/js/api.js";

const answers = {
  "/whole": (response) => response.end('{"n": 1}'),
  "/refused": (response) => response.writeHead(404).end('{"code": "not_found", "message": "No."}'),
  "/page": (response) => response.end("<html>"),
  "/gone": (response) => response.writeHead(502).end(),
  "/nothing": (response) => response.writeHead(204).end(),
  "/cut": (response) => response.write('{"n": ', () => response.destroy()),
  "/silent": () => {},
};
const server = createServer((asked, response) => answers[asked.url](response));
const at = (path) => `http://127.0.0.1:${server.address().port}${path}`;
const patient = AbortSignal.timeout;

before(() => new Promise((done) => server.listen(0, "127.0.0.1", done)));
after(() => {
  server.closeAllConnections();
  server.close();
});

test("an answer is what the server said", async () => {
  assert.deepEqual(await get(at("/whole")), { n: 1 });
  assert.equal(await get(at("/nothing")), null);
});

test("a refusal is a problem, also one that is no JSON", async () => {
  await assert.rejects(get(at("/refused")), { code: "not_found", status: 404, message: "No." });
  await assert.rejects(get(at("/gone")), { code: "not_json", status: 502 });
});

test("what is no JSON is no answer, whatever its status", async () => {
  await assert.rejects(get(at("/page")), { code: "not_json", status: 200 });
});

test("an answer that is cut off was not given: what was asked for may be asked for again", async () => {
  await assert.rejects(get(at("/cut")), { code: "unreachable", status: 0 });
});

test("a server that takes a request and never answers is not waited for", async (context) => {
  context.after(() => (AbortSignal.timeout = patient));
  AbortSignal.timeout = () => patient.call(AbortSignal, 50);
  await assert.rejects(get(at("/silent")), { code: "unreachable", status: 0 });
});
