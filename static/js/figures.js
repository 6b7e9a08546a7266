/** Figures that the server wrote, in the same words as everywhere else. */

import { duration, mark, money, tokens } from "./format.js";

const shares = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });

/** "12.5%"; an en dash when unknown. */
export const share = (value) => (value === null || value === undefined ? "–" : shares.format(value));

/** Rewrite what carries `data-ms`, `data-tokens`, `data-cost` or `data-share`. */
export function tellFigures(root = document) {
  for (const one of root.querySelectorAll("[data-ms]")) {
    if (one.dataset.ms) one.textContent = duration(Number(one.dataset.ms));
  }
  for (const one of root.querySelectorAll("[data-tokens]")) {
    if (one.dataset.tokens) one.textContent = mark(one.dataset.exactness) + tokens(Number(one.dataset.tokens));
  }
  for (const one of root.querySelectorAll("[data-cost]")) {
    const { cost, exactness } = one.dataset;
    if (cost || exactness === "unpriced") one.textContent = money(cost || null, exactness);
  }
  for (const one of root.querySelectorAll("[data-share]")) {
    if (one.dataset.share) one.textContent = share(Number(one.dataset.share));
  }
}
