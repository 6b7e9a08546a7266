/** The chat page: what was said, what is being answered, and the one socket that tells of it. */

import { get, idempotencyKey, post, Problem } from "../api.js";
import { watchBudgets } from "../budgets.js";
import { pageData, setText } from "../dom.js";
import { CHAT, chatPage, conversationApi, executionApi, ratingApi, ratingsApi } from "../paths.js";
import { announce, toast } from "../toast.js";
import { Composer, parametersOf } from "./composer.js";
import { connectDrawer } from "./drawer.js";
import { Answers, finalWords } from "./answers.js";
import { userMessage } from "./messages.js";
import { Follower } from "./scroll.js";
import { Sidebar } from "./sidebar.js";
import { showTotals, withRunning } from "./totals.js";
import { Wire } from "./wire.js";

const byId = (id) => document.getElementById(id);
let conversation = pageData("conversation-data");
let posting = Promise.resolve();
const newest = !new URLSearchParams(location.search).has("before_turn"); // what is shown is the end of it

const scroll = new Follower(byId("scroll"), byId("jump"));
const ratingAt = (message) => ratingApi(conversation.id, message);
const answers = new Answers(byId("messages"), { onRetry: retry, onCancel: cancel, onChange: changed, onOver: over, ratingAt });
const wire = new Wire({ onEvent: heard, onConversation: refresh, onGone: () => composer.moveTo("/chat/"), live: () => answers.live(), note: byId("connection") });
const composer = new Composer(byId("composer"), { onSend: send, onStop: () => cancel(answers.current()) });
const sidebar = new Sidebar({ onRenamed: (title) => refresh({ ...conversation, title }), onGone: () => location.assign("/chat/") });

answers.fill(pageData("messages-data"));
const running = pageData("running-data");
if (running && (newest || answers.asked.has(running))) answers.start(running);
if (conversation) wire.follow(conversation.id, running, pageData("ended-data"));
if (conversation) showRatings().catch((problem) => toast(problem.message, "error"));
connectDrawer();
watchBudgets(wire.connection);
changed();
scroll.toEnd();
if (matchMedia("(pointer: fine)").matches) byId("message").focus();

byId("edit-conversation").addEventListener("click", () => sidebar.edit(conversation));
byId("welcome").addEventListener("click", (event) => {
  const suggestion = event.target.closest("[data-suggest]");
  if (suggestion) composer.suggest(suggestion.dataset.suggest);
});

/** Send what was written; the bubble stands at once and goes again if the server refuses. */
async function send({ text, workflow, model, tools, key }) {
  const bubble = userMessage({ text, id: "" }, { sending: true });
  byId("welcome").hidden = true;
  byId("messages").append(bubble);
  scroll.toEnd();
  const body = { message: text, mode: "background", ...workflow, parameters: parametersOf(model, tools) };
  try {
    await inTurn(() => ask(body, key, bubble));
  } catch (problem) {
    bubble.remove();
    byId("welcome").hidden = Boolean(conversation);
    throw problem;
  }
}

/** Of a new chat the first message makes the conversation that the next one belongs to. */
async function ask(body, key, bubble) {
  const answer = await post(CHAT, conversation ? { ...body, conversation: conversation.id } : body, { key });
  const question = userMessage(answer.user_message);
  // A second try may find it there: its run was heard of after the first got no answer.
  const standing = answers.asked.get(answer.execution.id);
  if (standing) bubble.remove();
  (standing ?? bubble).replaceWith(question);
  answers.asked.set(answer.execution.id, question);
  begun(answer);
}

/** A run was accepted: show it, and follow its conversation if we do not yet. */
function begun(answer, after = null) {
  if (!newest && !after) return location.assign(chatPage(conversation.id)); // it stands behind what is not shown
  const execution = answer.execution.id;
  answers.start(execution, after);
  if (conversation) return wire.expect(execution);
  conversation = answer.conversation;
  composer.moveTo(chatPage(conversation.id));
  wire.follow(conversation.id, execution);
  sidebar.place(conversation);
  refresh(conversation);
}

async function retry(view) {
  view.retryKey ??= idempotencyKey(); // however often it is clicked, it is one retry
  try {
    await inTurn(async () => {
      const answer = await post(`${executionApi(view.reply.execution)}retry/`, {}, { key: view.retryKey });
      composer.takeFocus(view.element);
      begun(answer, view.element);
    });
  } catch (problem) {
    toast(problem.message, "error");
  }
}

async function showRatings() {
  for (let page = { next: ratingsApi(conversation.id) }; page.next; ) {
    page = await get(page.next);
    answers.rated(page.results);
  }
}

async function cancel(answer) {
  if (!answer) return;
  composer.takeFocus(answer.view.element);
  answers.stopping(answer.execution);
  try {
    await post(`${executionApi(answer.execution)}cancel/`);
  } catch (problem) {
    answers.stopping(answer.execution, false);
    if (problem.code !== "execution_already_over") toast(problem.message, "error");
  }
}

/** An event of the socket; one of a run we do not know was begun in another window. */
async function heard(event) {
  if (answers.knows(event.execution)) return answers.take(event);
  const first = answers.hold(event);
  if (!first) return;
  await posting;
  if (answers.asked.has(event.execution)) answers.start(event.execution);
  if (answers.knows(event.execution)) return;
  const run = await get(executionApi(event.execution)).catch(() => null);
  const retried = answers.elementOf(run?.retry_of);
  if (answers.knows(event.execution) || !(newest || retried)) return;
  const asked = run?.retry_of ? null : run?.input?.message;
  if (asked) byId("messages").append(answers.question({ text: asked, id: "", execution: event.execution }));
  byId("welcome").hidden = true;
  answers.start(event.execution, retried);
}

/** Something moved: the Stop button and the totals follow. */
function changed() {
  const current = answers.current();
  composer.running(current ? (current.stopping ? "stopping" : "run") : null);
  showTotals(byId("conversation-totals"), conversation && withRunning(conversation, answers.unsettled()));
}

/** An answer ended: tell it once, and take the kept totals from the server. */
async function over(reply) {
  announce(finalWords(reply));
  changed();
  composer.foretell();
  const id = conversation?.id;
  const fresh = id ? await get(conversationApi(id)).catch((problem) => problem) : null;
  if (!fresh || fresh instanceof Problem) return;
  answers.settled(reply.execution);
  refresh(fresh);
  sidebar.place(fresh);
}

/** Take over what is newly known of the conversation. */
function refresh(fresh) {
  conversation = { ...conversation, ...fresh, ...(fresh.totals ?? {}) };
  const title = conversation.title || "New chat";
  setText(byId("conversation-title"), title);
  document.title = `${title} · Chatter`;
  byId("edit-conversation").hidden = false;
  changed();
}

/** Begin runs one after another, as they were asked for; events of unknown runs are held back until it is clear whose they are. */
function inTurn(begin) {
  const done = posting.then(begin);
  posting = done.catch(() => {});
  return done;
}
