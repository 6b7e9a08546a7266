/** The conversation, watched live; while no socket can be had, the log is read over HTTP instead. */

import { readLog } from "../api.js";
import { connect } from "../chatter-live.js";
import { setText } from "../dom.js";
import { sayWhenLost } from "../lost.js";
import { meanwhile } from "../meanwhile.js";

const ENDED = 999_999_999; // more events than any run has

/** `onEvent(event)`, `onConversation(fresh)`, `onGone()` when it was deleted elsewhere; `live()` lists the runs whose end is not known. */
export class Wire {
  constructor({ onEvent, onConversation, onGone, live, note }) {
    Object.assign(this, { onEvent, onConversation, onGone, live, note });
    this.connection = connect();
    sayWhenLost(this.connection, (why) => this.say(why));
    meanwhile(this.connection, () => this.read(this.live()));
    this.watch = null;
    this.reading = false;
  }

  /** Follow a conversation; `execution`, and what began after those `ended`, is told from its first event even if it is over by then. */
  async follow(conversation, execution, ended = []) {
    const onSnapshot = (frame) => this.onConversation(frame.conversation);
    this.watch?.close();
    this.watch = this.connection.watch("conversation", conversation, { execution, onSnapshot });
    for (const one of ended) this.watch.know(one, ENDED);
    try {
      for await (const event of this.watch) this.onEvent(event);
    } catch (over) {
      if (this.connection.status !== "closed") this.say(over.message);
      if (over.problem?.code === "conversation_not_found") this.onGone();
    }
  }

  /** A run of ours: however it ends, and whoever is away then, its events are wanted. */
  expect(execution) {
    this.watch?.know(execution);
  }

  /** Read the rest of the log of these runs over HTTP. */
  async read(runs) {
    if (this.reading) return;
    this.reading = true;
    try {
      for (const { execution, snapshot } of runs) {
        await readLog(execution, snapshot.seq, (event) => {
          this.watch.know(event.execution, event.seq);
          this.onEvent(event);
        });
      }
    } catch {
      /* still unreachable: the next turn tries again */
    } finally {
      this.reading = false;
    }
  }

  say(text) {
    this.note.hidden = !text;
    setText(this.note, text ?? "");
  }
}
