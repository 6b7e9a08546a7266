/** What is being written stays with the tab until it is sent, or its reader signs out: for them only, and for the conversation it was meant for. */

const DRAFTS = "chatter.draft.";
const keyOf = (reader) => `${DRAFTS}${reader}.${location.pathname}`;

/** Keep `text`, and of a message that may have arrived already, `sent`, how it was sent. */
export function keepDraft(reader, text, sent = null) {
  try {
    if (text) sessionStorage.setItem(keyOf(reader), JSON.stringify({ text, sent }));
    else sessionStorage.removeItem(keyOf(reader));
  } catch {
    /* storage is blocked or full: the text lasts as long as the page */
  }
}

export function forgetDrafts() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFTS)) sessionStorage.removeItem(key);
  } catch {
    /* storage is blocked: nothing was kept */
  }
}

/** What was kept at this address: `{text, sent}`. */
export function keptDraft(reader) {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(reader))) ?? { text: "", sent: null };
  } catch {
    return { text: "", sent: null };
  }
}
