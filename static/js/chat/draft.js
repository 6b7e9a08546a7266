/** What is being written stays with the tab until it is sent: for its reader only, and for the conversation it was meant for. */

const keyOf = (reader) => `chatter.draft.${reader}.${location.pathname}`;

/** Keep `text`, and of a message that may have arrived already, `sent`, how it was sent. */
export function keepDraft(reader, text, sent = null) {
  try {
    if (text) sessionStorage.setItem(keyOf(reader), JSON.stringify({ text, sent }));
    else sessionStorage.removeItem(keyOf(reader));
  } catch {
    /* storage is blocked or full: the text lasts as long as the page */
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
