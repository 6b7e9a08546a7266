/** What every page has: theme toggle, menus that close, copy buttons, times that read well. */

import { copy } from "./copy.js";
import { ago, moment } from "./format.js";
import { announce } from "./toast.js";

const root = document.documentElement;
const THEMES = ["auto", "light", "dark"];

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  const show = (theme) => {
    button.dataset.current = theme;
    button.setAttribute("aria-label", `Theme: ${theme}. Change theme`);
    button.title = `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(button.dataset.current) + 1) % THEMES.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      /* storage is blocked: the choice lasts as long as the page */
    }
    show(next);
    announce(`Theme: ${next}`);
  });
  show(root.dataset.theme ?? "auto");
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.dataset.copy).then(() => announce("Copied"));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/** Write every `<time data-ago>` and `<time data-moment>` of the page in the reader's terms. */
export function showTimes(within = document) {
  for (const time of within.querySelectorAll("time[data-ago]")) {
    time.textContent = ago(time.dateTime);
    time.title = moment(time.dateTime);
  }
  for (const time of within.querySelectorAll("time[data-moment]")) time.textContent = moment(time.dateTime);
}

showTimes();
setInterval(showTimes, 30_000);
