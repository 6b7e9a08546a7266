/** Colours for code blocks; the library is loaded when the first block with a known language appears. */

const HOME = "../vendor/highlight.js-11.12.0";
const LANGUAGES = ["bash", "css", "javascript", "json", "python", "sql", "xml", "yaml"];
const ALIASES = {
  sh: "bash", shell: "bash", console: "bash", js: "javascript", mjs: "javascript", ts: "javascript",
  typescript: "javascript", py: "python", python3: "python", html: "xml", svg: "xml", yml: "yaml",
};
const LONG = 4000;
const STAYS_MS = 500;
const loaded = new Map();
let core = null;

/**
 * Colour `code` in place when `language` is known; until then, or if not, it stays plain. What is
 * being written is replaced in every frame: a long one is coloured once it stays.
 */
export async function highlight(code, language) {
  const name = ALIASES[language] ?? language;
  if (!LANGUAGES.includes(name)) return;
  const library = await load(name);
  if (code.textContent.length > LONG) await new Promise((stays) => setTimeout(stays, STAYS_MS));
  if (!code.isConnected) return;
  code.innerHTML = library.highlight(code.textContent, { language: name }).value;
}

async function load(name) {
  core ??= import(`${HOME}/core.min.js`).then((module) => module.default);
  const library = await core;
  if (!loaded.has(name)) {
    loaded.set(name, import(`${HOME}/languages/${name}.min.js`).then((m) => library.registerLanguage(name, m.default)));
  }
  await loaded.get(name);
  return library;
}
