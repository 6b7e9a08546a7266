/** The ledger rows of a run, one per attempt: a page of them, in the order they were made. */

import { get } from "../api.js";
import { el } from "../dom.js";
import { ANSWERED, duration, EXACTNESS, mark, money, tokens } from "../format.js";
import { callsApi } from "../paths.js";

const CATEGORIES = ["input", "cache_read", "cache_write", "output", "reasoning", "total"];

const byId = (id) => document.getElementById(id);

/** Replace the rows by `calls`, newest first as the API gives them. */
export function showCalls(calls) {
  byId("calls").replaceChildren(...calls.toReversed().map(row));
  byId("no-calls").hidden = calls.length > 0;
}

/** Ask for the page of calls that this address names as it is now, and show it. */
export async function readCalls(execution) {
  const page = await get(callsApi(execution, cursorOf(location.href))).catch(() => null);
  if (!page) return;
  showCalls(page.results);
  lead(byId("earlier-calls"), page.next);
  lead(byId("later-calls"), page.previous);
  byId("calls-pages").hidden = !page.next && !page.previous;
}

/** The same place of this page as the API's `address` is of its list. */
function lead(link, address) {
  link.hidden = !address;
  if (address) link.href = `?${new URLSearchParams({ cursor: cursorOf(address) })}`;
}

const cursorOf = (address) => new URL(address).searchParams.get("cursor");

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
