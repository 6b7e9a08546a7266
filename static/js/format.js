/** Numbers for people: money, tokens, time. Nothing unknown is ever shown as zero. */

const NANO = 9;
const RANK = ["metered", "estimated", "unpriced", "open"];
const counts = new Intl.NumberFormat("en");

/** How exact a figure is, in words; null for exact ones. */
export const EXACTNESS = {
  metered: null,
  estimated: "Estimated: the provider sent no usage for part of this",
  unpriced: "No price is known for this model",
  open: "At least: a call is still open or its end was never seen",
};

/** Who gave an answer that nobody was asked for; nothing for providers and tools. */
export const ANSWERED = { cache: "from the cache", recording: "from a recording" };

/** A count with thousands marks, or an en dash when unknown. */
export const tokens = (count) => (count === null || count === undefined ? "–" : counts.format(count));

/** The mark before a figure: ≈ estimated, ≥ open. */
export const mark = (exactness) => (exactness === "estimated" ? "≈ " : exactness === "open" ? "≥ " : "");

/** A count of tokens with its mark; nothing seen of an open call is unknown, not zero. */
export const usage = (count, exactness) =>
  exactness === "open" && !count ? "–" : `${count === null || count === undefined ? "" : mark(exactness)}${tokens(count)}`;

/** "$0.0009", "≈ $1.20", "no price". `cost` is a decimal string or null. */
export function money(cost, exactness = "metered") {
  if (cost === null || cost === undefined) return exactness === "unpriced" ? "no price" : "cost unknown";
  return `${mark(exactness === "unpriced" ? "open" : exactness)}$${sensible(cost)}`;
}

/** Two decimals from a dollar up; below, two significant digits beyond the leading zeros. */
export function sensible(decimal) {
  const nano = toNano(decimal);
  const abs = nano < 0n ? -nano : nano;
  if (abs === 0n) return "0.00";
  const digits = abs.toString().length;
  const places = digits > NANO ? 2 : Math.max(2, Math.min(NANO, NANO - digits + 2));
  return (nano < 0n ? "-" : "") + rounded(abs, places);
}

/** Whole nano-dollars of a decimal string; exact, no floats. */
function toNano(decimal) {
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(decimal)) ?? [];
  if (whole === undefined) throw new TypeError(`not a decimal: ${decimal}`);
  const nano = BigInt(whole + fraction.slice(0, NANO).padEnd(NANO, "0"));
  return sign ? -nano : nano;
}

/** A decimal string of whole nano-dollars. */
export function fromNano(nano) {
  const text = (nano < 0n ? -nano : nano).toString().padStart(NANO + 1, "0");
  const fraction = text.slice(-NANO).replace(/0+$/, "");
  return `${nano < 0n ? "-" : ""}${text.slice(0, -NANO)}${fraction ? `.${fraction}` : ""}`;
}

function rounded(nano, places) {
  const unit = 10n ** BigInt(NANO - places);
  const whole = ((nano + unit / 2n) / unit).toString().padStart(places + 1, "0");
  const text = `${counts.format(BigInt(whole.slice(0, -places)))}.${whole.slice(-places)}`;
  return text.replace(/(\.\d\d\d*?)0+$/, "$1");
}

/** The sum of two costs; null (unknown) counts as nothing known, the exactness tells the rest. */
export function addMoney(left, right) {
  if (left === null || left === undefined) return right ?? null;
  if (right === null || right === undefined) return left;
  return fromNano(toNano(left) + toNano(right));
}

/** The worse of two exactness marks: a total inherits it. */
export const worst = (left, right) =>
  RANK[Math.max(RANK.indexOf(left ?? "metered"), RANK.indexOf(right ?? "metered"))];

/** "12 ms", "1.24 s", "3 m 05 s"; an en dash when unknown. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7], ["week", 4.35], ["month", 12]];

/** "just now", "5 min. ago", "yesterday". */
export function ago(iso, now = Date.now()) {
  let value = (new Date(iso).getTime() - now) / 1000;
  if (Math.abs(value) < 45) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return relative.format(Math.round(value), "year");
}

/** The local date and time, to the second. */
export const moment = (iso) =>
  new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
