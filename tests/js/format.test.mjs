import assert from "node:assert/strict";
import { test } from "node:test";

import { addMoney, ago, duration, money, sensible, tokens, usage, worst } from "../../static/js/format.js";

test("money shows sensible digits", () => {
  const shown = {
    "0.000852": "0.00085", "0.0009": "0.0009", "0.5": "0.50", "1": "1.00", "12.345": "12.35", "0": "0.00",
    "0.000000000": "0.00", "0.000000004": "0.000000004", "1234567.891": "1,234,567.89", "0.0999": "0.10", "0.001999": "0.002",
  };
  for (const [decimal, text] of Object.entries(shown)) assert.equal(sensible(decimal), text, decimal);
});

test("an unknown cost is never shown as zero", () => {
  assert.equal(money(null, "unpriced"), "no price");
  assert.equal(money(null, "open"), "cost unknown");
  assert.equal(money(undefined), "cost unknown");
  assert.equal(money("0", "metered"), "$0.00");
});

test("figures carry the mark of their exactness", () => {
  assert.equal(money("0.0009", "estimated"), "≈ $0.0009");
  assert.equal(money("0.0009", "open"), "≥ $0.0009");
  assert.equal(money("0.0009", "unpriced"), "≥ $0.0009");
  assert.equal(usage(12_418, "estimated"), "≈ 12,418");
  assert.equal(usage(0, "open"), "–");
});

test("sums are exact and inherit the worst mark", () => {
  assert.equal(addMoney("0.1", "0.2"), "0.3");
  assert.equal(addMoney("0.000000001", "9.999999999"), "10");
  assert.equal(addMoney(null, "0.2"), "0.2");
  assert.equal(addMoney(null, null), null);
  assert.equal(worst("estimated", "metered"), "estimated");
  assert.equal(worst("unpriced", "open"), "open");
  assert.equal(worst(null, undefined), "metered");
});

test("unknown counts and times are a dash", () => {
  assert.deepEqual([tokens(null), tokens(0), tokens(12345)], ["–", "0", "12,345"]);
  assert.deepEqual([duration(null), duration(12.4), duration(1240), duration(61_000)], ["–", "12 ms", "1.24 s", "1 m 01 s"]);
});

test("times read like speech", () => {
  const now = Date.parse("2026-01-02T12:00:00Z");
  assert.equal(ago("2026-01-02T11:59:40Z", now), "just now");
  assert.equal(ago("2026-01-02T11:50:00Z", now), "10 min. ago");
  assert.equal(ago("2026-01-01T12:00:00Z", now), "yesterday");
});
