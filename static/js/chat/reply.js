/** One shape for an answer, wherever it comes from: a stored message or a running execution. */

import { answerCall, answerText, callsOf, isOver, pendingApprovals } from "../progress.js";

/** The reply that a stored assistant message shows. */
export function replyOf(message) {
  return {
    id: message.id,
    execution: message.execution,
    state: message.status,
    text: message.text,
    reasoning: "",
    error: message.error,
    workflow: message.workflow,
    provider: message.provider,
    model: message.model,
    demo: message.demo,
    prompt: message.prompt_tokens,
    completion: message.completion_tokens,
    cost: message.cost,
    exactness: message.exactness,
    tookMs: message.response_time_ms,
    at: message.created_at,
    approvals: [],
    snapshot: null,
  };
}

/** The reply that the events so far show; `waiting` while an earlier turn is being answered. */
export function replySoFar(snapshot, { waiting = false } = {}) {
  const call = answerCall(snapshot);
  const totals = snapshot.totals;
  return {
    id: snapshot.message,
    execution: snapshot.execution,
    state: stateOf(snapshot, waiting),
    text: answerText(snapshot),
    reasoning: call?.reasoning ?? "",
    error: snapshot.error,
    workflow: snapshot.workflow,
    provider: call?.provider ?? null,
    model: call?.model ?? null,
    demo: call?.demo ?? false,
    prompt: totals?.prompt_tokens ?? null,
    completion: totals?.completion_tokens ?? null,
    cost: totals?.cost ?? null,
    exactness: totals?.exactness ?? null,
    tookMs: totals?.duration_ms ?? null,
    at: snapshot.created_at,
    approvals: pendingApprovals(snapshot),
    snapshot,
  };
}

/** What is going on right now, in a few words. */
export function activity(snapshot) {
  if (snapshot.cancelling) return "Stopping";
  if (snapshot.status === "waiting") return "Waiting for a decision";
  const retrying = callsOf(snapshot).findLast((call) => call.retry_in_s !== null && call.status === "failed");
  const node = snapshot.nodes.findLast((item) => item.status === "running");
  const call = node?.calls.at(-1);
  if (call && call === retrying) return "The provider failed, trying again";
  if (call?.status === "open") {
    if (call.purpose === "summary") return "Summing up what was said before";
    if (call.text) return "Answering";
    return call.reasoning ? "Thinking" : `Asking ${call.model}`;
  }
  if (node?.delay_until) return "Waiting";
  return node ? node.label : "Starting";
}

function stateOf(snapshot, waiting) {
  if (isOver(snapshot)) return snapshot.status === "completed" ? "complete" : snapshot.status;
  if (waiting) return "queued";
  return snapshot.status === "pending" ? "starting" : "running";
}

/** True while more may come. */
export const isLive = (state) => state === "queued" || state === "starting" || state === "running";
