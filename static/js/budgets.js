/** Notices of budgets of which so much is used. They stay until somebody closes them, in any window. */

import { el, iconButton } from "./dom.js";
import { fromNano, money, tokens } from "./format.js";
import { budgetPage } from "./paths.js";

const CLOSED = "chatter.budgets.closed";
const MOST_CLOSED = 2000;

/** Show what `live` tells of them, as long as the page is there. */
export async function watchBudgets(live) {
  globalThis.addEventListener("storage", ({ key }) => key === CLOSED && dropClosed());
  try {
    for await (const { data } of live.watch("budgets", null)) show(data);
  } catch {
    /* the page says itself that it is not told anything any more */
  }
}

/** A later notice of the same budget takes the place of the one before. */
function show(said) {
  const key = [said.budget, said.begins_at, said.threshold, said.cap].join(" ");
  const region = document.getElementById("notices");
  if (closed().includes(key)) return;
  region.querySelector(`[data-budget="${CSS.escape(said.budget)}"]`)?.remove();
  region.append(noticeOf(said, key));
}

function noticeOf(said, key) {
  return el(
    "p",
    { class: `notice ${said.spent < said.cap ? "warn" : "bad"}`, "data-budget": said.budget, "data-key": key },
    el("span", { class: "grow" }, `${percent(said)}% of the budget “${said.name}” is used, ${left(said)} left. `, el("a", { href: budgetPage(said.budget) }, "See the budget")),
    iconButton("close", `Close the notice of ${said.name}`, (event) => close(event, key)),
  );
}

function close(event, key) {
  const notice = event.target.closest(".notice");
  const next = notice.nextElementSibling ?? notice.previousElementSibling;
  notice.remove();
  (next?.querySelector("button") ?? document.getElementById("main")).focus();
  try {
    localStorage.setItem(CLOSED, JSON.stringify([...closed(), key].slice(-MOST_CLOSED)));
  } catch {
    /* storage is blocked: it is closed as long as the page is there */
  }
}

function dropClosed() {
  const keys = closed();
  for (const notice of document.querySelectorAll("#notices > [data-key]")) if (keys.includes(notice.dataset.key)) notice.remove();
}

function closed() {
  try {
    return JSON.parse(localStorage.getItem(CLOSED)) ?? [];
  } catch {
    return [];
  }
}

const percent = ({ spent, cap }) => (cap ? Math.floor((100 * spent) / cap) : 100);

function left({ unit, spent, reserved, cap }) {
  const rest = Math.max(cap - spent - reserved, 0);
  return unit === "tokens" ? `${tokens(rest)} tokens` : money(fromNano(BigInt(rest)));
}
