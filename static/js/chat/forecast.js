/** What an answer by what is chosen is expected to cost, and at most. */

import { post } from "../api.js";
import { setText } from "../dom.js";
import { money, tokens } from "../format.js";
import { forecastApi } from "../paths.js";

let asked = 0;

/** Tell it in `note`: of `workflow` as the API takes it, with these parameters. The last that is asked counts. */
export async function tellForecast(note, workflow, parameters) {
  const mine = (asked += 1);
  const text = await post(forecastApi(workflow), { parameters }).then(inWords, (problem) => (problem.code === "unreachable" ? "" : problem.message));
  if (mine === asked) setText(note, text);
}

function inWords({ history, at_most: most, short }) {
  const [budget] = short;
  const refusal = budget ? ` The budget “${budget.name}” may refuse it: ${amount(budget)} left.` : "";
  return `${expected(history)}; ${bound(most)}.${refusal}`;
}

function expected({ cost, tokens: used }) {
  if (!used.executions) return "Not yet run, so no cost is expected";
  const price = cost.executions ? `about ${money(cost.mean)}` : money(null, "unpriced");
  return `An answer: ${price}, ${tokens(used.mean)} tokens (mean of ${tokens(used.executions)} ${used.executions === 1 ? "run" : "runs"})`;
}

function bound({ cost, unknown }) {
  if (cost !== null) return `at most ${money(cost)}`;
  return `no bound is known: ${unknown[0].message.replace(/\.$/, "")}`;
}

const amount = ({ unit, left }) => (unit === "usd" ? money(left) : `${tokens(Number(left))} tokens`);
