import assert from "node:assert/strict";
import { test } from "node:test";

import { coalesced } from "../../static/js/coalesced.js";

function counted() {
  const begun = [];
  const ask = coalesced(() => new Promise((done) => begun.push(done)));
  return { begun, ask };
}

const settled = () => new Promise((done) => setImmediate(done));

test("what is asked for a thousand times meanwhile is done once more", async () => {
  const { begun, ask } = counted();
  for (let times = 0; times < 1000; times++) ask();
  assert.equal(begun.length, 1);
  begun[0]();
  await settled();
  assert.equal(begun.length, 2);
  begun[1]();
  await settled();
  assert.equal(begun.length, 2);
});

test("what is asked for afterwards is done again, also after a failure", async () => {
  const { begun, ask } = counted();
  const first = ask();
  begun[0](Promise.reject(new Error("away")));
  await assert.rejects(first);
  ask();
  assert.equal(begun.length, 2);
});
