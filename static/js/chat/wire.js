/** The conversation, watched live; while no socket can be had, the log is read over HTTP instead. */

import { readLog } from "../api.js";
import { connect } from "../chatter-live.js";
import { setText } from "../dom.js";
import { meanwhile } from "../meanwhile.js";

const TRIES_BEFORE_SAYING = 2;

/** `onEvent(event)`, `onConversation(fresh)`; `live()` lists the runs whose end is not known. */
export class Wire {
  constructor({ onEvent, onConversation, live, note }) {
    Object.assign(this, { onEvent, onConversation, live, note });
    this.connection = connect();
    this.connection.addEventListener("status", ({ detail }) => this.status(detail));
    meanwhile(this.connection, () => this.read(this.live()));
    this.watch = null;
    this.reading = false;
  }

  /** Follow a conversation; `execution` is told from its first event even if it is over by then. */
  async follow(conversation, execution) {
    const onSnapshot = (frame) => this.onConversation(frame.conversation);
    this.watch?.close();
    this.watch = this.connection.watch("conversation", conversation, { execution, onSnapshot });
    try {
      for await (const event of this.watch) this.onEvent(event);
    } catch (ended) {
      if (this.connection.status !== "closed") this.say(ended.message);
    }
  }

  /** A run of ours: however it ends, and whoever is away then, its events are wanted. */
  expect(execution) {
    this.watch?.know(execution);
  }

  status({ status, tries, problem }) {
    if (status === "open") this.say(null);
    if (status === "closed") this.say(`${problem.message} Reload the page to follow again.`);
    if (status === "waiting" && tries >= TRIES_BEFORE_SAYING) this.say("Connection lost. Trying again…");
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
