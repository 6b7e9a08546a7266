/** Calls to our own API: JSON in and out, problems as errors. */

const PATIENCE_MS = 60_000;

/** A problem+json answer, or a request that never got one (`status` 0). */
export class Problem extends Error {
  constructor(body) {
    super(body.message ?? "Something went wrong.");
    this.code = body.code ?? "unknown";
    this.status = body.status ?? 0;
    this.detail = body.detail ?? {};
    this.requestId = body.request_id ?? "";
  }

  /** One line for each thing that was wrong with the input. */
  get lines() {
    const errors = Array.isArray(this.detail?.errors) ? this.detail.errors : [];
    return errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  }
}

/** Send `body` as JSON to `path`; returns the parsed answer, throws Problem. */
export async function request(method, path, body, { key = null } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (key) headers["Idempotency-Key"] = key;
  const { ok, status, text } = await exchange(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
  });
  const answer = status === 204 ? null : parsed(status, text);
  if (!ok) throw new Problem({ status, ...answer });
  return answer;
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}, options = {}) => request("POST", path, body, options);
export const put = (path, body) => request("PUT", path, body);
export const patch = (path, body) => request("PATCH", path, body);
export const remove = (path) => request("DELETE", path);

/** A fresh key for one intent; `randomUUID` exists only on https and localhost. */
export function idempotencyKey() {
  if (globalThis.crypto?.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Pages of the log after `seq`, in order, each event to `onEvent`; true when the log is complete. */
export async function readLog(execution, seq, onEvent) {
  let after = seq;
  while (true) {
    const page = await get(`/api/v1/executions/${execution}/events/?after=${after}`);
    page.results.forEach(onEvent);
    const next = page.results.at(-1)?.seq ?? after;
    if (next >= page.last_seq || next === after) return page.terminal;
    after = next;
  }
}

/** The whole answer; one that is cut off, or does not come, is as good as none. */
async function exchange(path, options) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    throw new Problem({ code: "unreachable", message: "The server could not be reached." });
  }
}

function parsed(status, text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ code: "not_json", status, message: `The server answered ${status}.` });
  }
}

/** The token of the cookie, or of the page when the cookie is not readable. */
function csrfToken() {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  if (cookie) return decodeURIComponent(cookie[1]);
  return document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
}
