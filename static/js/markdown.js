/** Model text to safe elements: Markdown, sanitised, re-rendering only the blocks that changed. */

import { marked } from "../vendor/marked-18.2.1/marked.esm.js";
import DOMPurify from "../vendor/dompurify-3.4.18/purify.es.mjs";
import { copyButton } from "./copy.js";
import { el } from "./dom.js";
import { highlight } from "./highlight.js";

const TAGS =
  "p br hr strong em del code pre blockquote ul ol li a h1 h2 h3 h4 h5 h6 table thead tbody tr th td span sup sub";
const SAFE = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ["href", "title", "start", "align", "data-language"],
  ADD_URI_SAFE_ATTR: ["data-language", "start", "align"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escape = (text) =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

marked.use({
  gfm: true,
  breaks: true,
  renderer: {
    // Tags in model text are text: an answer about HTML shows it, and none of it acts.
    html: ({ text }) => escape(text),
    // A picture would be a request to a place the model chose, so it is offered as a link.
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    // The page's own title and sections stand above the model's.
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang }) =>
      `<pre><code data-language="${escape((lang ?? "").split(/\s/)[0])}">${escape(text)}</code></pre>`,
  },
});

/**
 * Show `text` in `container`; blocks whose source did not change keep their elements. What a link
 * leads to may be told later than the link, so it belongs to the source of whatever has a bracket.
 */
export function renderMarkdown(container, text) {
  try {
    const tokens = marked.lexer(text);
    showBlocks(container, tokens, tokens.links);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // It nests deeper than the stack is: shown as it was written.
    showBlocks(container, [{ type: "code", raw: text, text }], {});
  }
}

/** What is read of it, without the marks that shape it. */
export function plainText(text) {
  const read = el("div");
  renderMarkdown(read, text);
  read.querySelectorAll(".code-bar").forEach((bar) => bar.remove());
  return Array.from(read.children, (block) => block.textContent.trim()).join("\n");
}

function showBlocks(container, tokens, links) {
  const definitions = JSON.stringify(links);
  const blocks = tokens.filter((token) => token.type !== "space" && token.type !== "def");
  blocks.forEach((token, at) => {
    const present = container.children[at];
    const source = token.raw.includes("[") ? token.raw + definitions : token.raw;
    if (present?.source === source) return;
    const block = renderBlock(token);
    block.source = source;
    if (present) present.replaceWith(block);
    else container.append(block);
  });
  while (container.children.length > blocks.length) container.lastChild.remove();
}

function renderBlock(token) {
  const block = el("div", { class: "block", dir: "auto" });
  block.append(DOMPurify.sanitize(marked.parser([token]), SAFE));
  block.querySelectorAll("a[href]").forEach((link) => {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  });
  block.querySelectorAll("pre").forEach(dressCode);
  block.querySelectorAll("table").forEach((table) => {
    const frame = el("div", { class: "table-scroll", tabindex: "0", role: "group", "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  });
  return block;
}

/** A bar over a code block with its language and a copy button; the code can be scrolled by key. */
function dressCode(pre) {
  const code = pre.querySelector("code");
  const language = code?.dataset.language || "text";
  pre.tabIndex = 0;
  const bar = el("div", { class: "code-bar" }, el("span", {}, language), copyButton(() => pre.textContent, "Copy code"));
  const frame = el("div", { class: "code", dir: "ltr" }, bar);
  pre.replaceWith(frame);
  frame.append(pre);
  if (code) highlight(code, language);
}
