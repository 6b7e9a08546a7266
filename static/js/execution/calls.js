/** The ledger rows of a run, one per attempt. */

import { el } from "../dom.js";
import { ANSWERED, duration, EXACTNESS, mark, money, tokens } from "../format.js";

const CATEGORIES = ["input", "cache_read", "cache_write", "output", "reasoning", "total"];

/** Replace the rows of `body` by `calls`, oldest first. */
export function showCalls(body, calls) {
  const rows = [...calls].sort((a, b) => a.started_at.localeCompare(b.started_at)).map(row);
  body.replaceChildren(...rows);
  document.getElementById("no-calls").hidden = rows.length > 0;
}

function row(call) {
  const number = (text, title = null) => el("td", { class: "number", title }, text);
  const sign = mark(call.exactness);
  const notes = [call.purpose !== "answer" ? call.purpose : null, call.attempt > 1 ? `attempt ${call.attempt}` : null];
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, [call.node, ...notes.filter(Boolean)].join(" · ")),
    el("td", {}, [`${call.provider}:${call.model}`, ANSWERED[call.answered_by]].filter(Boolean).join(" · ")),
    el("td", {}, el("span", { class: `status ${call.status}`, title: call.error?.message || null }, call.error?.code ?? call.status)),
    CATEGORIES.map((name) => number(count(call.usage?.[name], sign))),
    number(money(call.cost, call.exactness), EXACTNESS[call.exactness] ?? (call.cost && `$${call.cost}`)),
    number(duration(call.first_token_ms)),
    number(duration(call.latency_ms)),
  );
}

const count = (value, sign) => (value === null || value === undefined ? "–" : sign + tokens(value));
