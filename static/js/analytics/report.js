/** The page of one report: its figures in words, and its series as charts. */

import { pageData } from "../dom.js";
import { duration, money, tokens } from "../format.js";
import { chart } from "./chart.js";
import { tellFigures } from "../figures.js";

const dollars = (value) => money(value.toFixed(9));
const CHARTS = {
  executions: [
    { label: "completed", of: (n) => n.completed, colour: "--accent", bars: true, show: tokens },
    { label: "failed", of: (n) => n.failed, colour: "--bad", show: tokens },
    { label: "cancelled", of: (n) => n.cancelled, colour: "--ink-faint", show: tokens },
  ],
  duration: spread((n) => n.duration),
  latency: spread((n) => n.latency),
  cost: [{ label: "cost", of: (n) => (n.totals.cost === null ? null : Number(n.totals.cost)), colour: "--accent", bars: true, show: dollars }],
  tokens: [
    { label: "in", of: (n) => n.totals.prompt_tokens, colour: "--accent", bars: true, show: tokens },
    { label: "out", of: (n) => n.totals.completion_tokens, colour: "--think", show: tokens },
  ],
  calls: [
    { label: "calls", of: (n) => n.calls, colour: "--accent", bars: true, show: tokens },
    { label: "failed", of: (n) => n.failed + n.timed_out, colour: "--bad", show: tokens },
  ],
};

tellFigures();
const report = pageData("report-data");
if (report) {
  const times = report.series.map(({ at }) => Date.parse(at) / 1000);
  for (const parent of document.querySelectorAll("[data-chart]")) {
    const lines = CHARTS[parent.dataset.chart].map(({ of, ...line }) => ({
      ...line,
      values: report.series.map(({ numbers }) => of(numbers)),
    }));
    chart(parent, { times, lines, zone: report.zone });
  }
}

function spread(of) {
  return [
    { label: "p50", of: (n) => of(n).p50_ms, colour: "--accent", show: duration },
    { label: "p95", of: (n) => of(n).p95_ms, colour: "--warn", show: duration },
    { label: "p99", of: (n) => of(n).p99_ms, colour: "--bad", show: duration },
  ];
}
