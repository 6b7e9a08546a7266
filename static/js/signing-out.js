/** Whoever signs out leaves nothing in the tab of what they were writing in the chat. */

import { forgetDrafts } from "./chat/draft.js";

document.querySelector("form[action$='/logout/']")?.addEventListener("submit", forgetDrafts);
