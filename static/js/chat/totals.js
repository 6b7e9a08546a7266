/** The running totals of the conversation, in the header. */

import { el, fill } from "../dom.js";
import { addMoney, EXACTNESS, money, usage, worst } from "../format.js";
import { callsOf } from "../progress.js";

/** What the calls settled so far add to the kept totals of `conversation`. */
export function withRunning(conversation, snapshots) {
  const sum = { ...conversation };
  for (const call of snapshots.flatMap(callsOf)) {
    const used = call.usage;
    if (!used) continue;
    sum.prompt_tokens = plus(sum.prompt_tokens, used.input, used.cache_read, used.cache_write);
    sum.completion_tokens = plus(sum.completion_tokens, used.output, used.reasoning);
    sum.cost = addMoney(sum.cost, call.cost);
    sum.exactness = worst(sum.exactness, call.exactness);
  }
  return sum;
}

const plus = (...parts) => parts.reduce((sum, part) => sum + (part ?? 0), 0);

/** Write the totals of `conversation` into the `<dl>`. */
export function showTotals(list, conversation) {
  if (!conversation || (conversation.exactness === "metered" && !conversation.prompt_tokens)) return fill(list);
  const title = EXACTNESS[conversation.exactness] ?? null;
  const item = (name, value) => el("div", { title }, el("dt", {}, name), el("dd", {}, value));
  fill(
    list,
    item("in", usage(conversation.prompt_tokens, conversation.exactness)),
    item("out", usage(conversation.completion_tokens, conversation.exactness)),
    item("cost", money(conversation.cost, conversation.exactness)),
  );
}
