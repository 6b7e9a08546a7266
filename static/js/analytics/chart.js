/** Charts of numbers over time, in the page's colours, redrawn when theme or width change. */

import uPlot from "../../vendor/uplot-1.6.32/uPlot.esm.js";

const HEIGHT = 240;
const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
const STEPS = [1, 5, 15, 30, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY];
const bars = uPlot.paths.bars({ size: [0.7, 60] });

/**
 * Draw `lines` over `times` (seconds). A line is `{label, values, colour, bars, show, gaps}`: `colour`
 * names a custom property, `show` tells a value as text, `gaps` leaves blank what is not known.
 * Returns `{update(times, lists)}`.
 */
export function chart(parent, { times, lines, zone = undefined }) {
  let plot = null;
  let data = [times, ...lines.map(({ values }) => values)];

  function draw() {
    plot?.destroy();
    const ink = colourOf("--ink-faint");
    const axis = { stroke: ink, grid: { stroke: colourOf("--line"), width: 1 }, ticks: { stroke: colourOf("--line"), width: 1 }, font: "12px system-ui" };
    const show = lines[0].show ?? String;
    plot = new uPlot(
      {
        width: Math.max(parent.clientWidth, 200),
        height: HEIGHT,
        tzDate: zone && ((seconds) => uPlot.tzDate(new Date(seconds * 1000), zone)),
        cursor: { points: { size: 6 } },
        axes: [{ ...axis, incrs: STEPS, space: 70, values: (_, ticks, __, ___, step) => ticks.map((tick) => moment(tick, step, zone)) }, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => show(tick)) }],
        scales: { x: { range: (_, low, high) => padded(low, high, data[0]) }, y: { range: (_, low, high) => [Math.min(low ?? 0, 0), (high ?? 0) > 0 ? high * 1.08 : 1] } },
        series: [{ value: (_, at) => (at === null ? "–" : moment(at, 0, zone)) }, ...lines.map((line) => seriesOf(line))],
      },
      data,
      parent,
    );
  }

  draw();
  new ResizeObserver(() => plot.setSize({ width: Math.max(parent.clientWidth, 200), height: HEIGHT })).observe(parent);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return {
    update(moments, lists) {
      data = [moments, ...lists];
      plot.setData(data);
    },
  };
}

function seriesOf({ label, colour, bars: asBars = false, show = String, gaps = false }) {
  const stroke = colourOf(colour);
  return {
    label,
    stroke,
    width: 2,
    value: (_, value) => (value === null || value === undefined ? "–" : show(value)),
    points: { show: false },
    ...(asBars ? { paths: bars, fill: stroke, width: 0 } : { spanGaps: !gaps, points: { show: true, size: 4 } }),
  };
}

/** Half a step on either side, so that the outer bars are whole; a minute around one moment, or now. */
function padded(low, high, times) {
  if (times.length < 2) {
    const at = times[0] ?? Date.now() / 1000;
    return [at - MINUTE / 2, at + MINUTE / 2];
  }
  const step = (high - low) / (times.length - 1);
  return [low - step / 2, high + step / 2];
}

/** A moment as the axis tells it: the day, or the time of day; both with a `step` of 0. */
function moment(seconds, step, zone) {
  const day = { month: "short", day: "numeric" };
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(step > 0 && step < MINUTE ? { second: "2-digit" } : {}) };
  const parts = step >= DAY ? day : step > 0 ? time : { ...day, ...time };
  return new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone }).format(new Date(seconds * 1000));
}

/** What a custom property comes to in this theme: a canvas knows no light-dark(). */
function colourOf(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
