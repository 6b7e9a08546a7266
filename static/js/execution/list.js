/** The list of runs: figures in the same words as everywhere else. */

import { duration, mark, money, tokens } from "../format.js";

for (const cell of document.querySelectorAll("[data-ms]")) {
  if (cell.dataset.ms) cell.textContent = duration(Number(cell.dataset.ms));
}
for (const cell of document.querySelectorAll("[data-tokens]")) {
  if (cell.dataset.tokens) cell.textContent = mark(cell.dataset.exactness) + tokens(Number(cell.dataset.tokens));
}
for (const cell of document.querySelectorAll("[data-cost]")) {
  const { cost, exactness } = cell.dataset;
  if (cost || exactness === "unpriced") cell.textContent = money(cost || null, exactness);
}
