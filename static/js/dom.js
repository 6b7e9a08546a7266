/** Making elements without strings of HTML. */

const ICONS = new URL("../img/icons.svg", import.meta.url).href;
const SVG = "http://www.w3.org/2000/svg";

/** `el("p", {class: "x", onclick}, "text", child)`; null children are left out. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Asked for once: an icon that is drawn later needs no server. As `use` of a file, each would ask for it again.
let sprite = null;
readSprite();

/** An icon of the sprite; decoration only, so hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  readSprite().then((drawn) => draw(svg, drawn?.getElementById(name)));
  return svg;
}

function draw(svg, symbol) {
  if (!symbol) return;
  svg.setAttribute("viewBox", symbol.getAttribute("viewBox"));
  svg.append(...document.importNode(symbol, true).childNodes);
}

/** The sprite as a document, or null where it cannot be had; then the next icon tries again. */
function readSprite() {
  return (sprite ??= fetchSprite().catch(() => (sprite = null)));
}

async function fetchSprite() {
  const answer = await fetch(ICONS);
  if (!answer.ok) throw new Error(answer.statusText);
  return new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
}

/** A button showing only an icon; `label` is its name and tooltip. */
export const iconButton = (name, label, onclick, extra = {}) =>
  el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));

/** The JSON that the page carries under `id`, or null. */
export function pageData(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/** Set text only when it differs, so that nothing is announced or repainted for nothing. */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Swap the children of `parent` for `children`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/**
 * The children of `parent` are one for each item, in their order; `make(item)` makes new ones and
 * `tell(child, item)` says what there is to say. Those that stay are left where they are, so focus
 * and selection stay, too.
 */
export function keep(parent, items, make, tell) {
  const kept = new Map(items.map((item) => [item.id, null]));
  for (const child of [...parent.children]) {
    if (kept.has(child.dataset.id)) kept.set(child.dataset.id, child);
    else child.remove();
  }
  for (const [at, item] of items.entries()) {
    const child = kept.get(item.id) ?? make(item);
    child.dataset.id = item.id;
    tell(child, item);
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null);
  }
}
