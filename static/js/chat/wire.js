/** The socket of the conversation; while it cannot be had, the log is read over HTTP instead. */

import { readLog } from "../api.js";
import { setText } from "../dom.js";
import { follow } from "../live.js";

const TRIES_BEFORE_READING = 2;
const READ_EVERY_MS = 1500;

/** `onEvent(event)`, `onConversation(fresh)`; `live()` lists the runs whose end is not known. */
export class Wire {
  constructor({ onEvent, onConversation, live, note }) {
    Object.assign(this, { onEvent, onConversation, live, note });
    this.socket = null;
    this.timer = null;
    this.reading = false;
  }

  connect(path, execution) {
    this.socket?.close();
    this.socket = follow(path, {
      execution,
      after: 0,
      onEvent: this.onEvent,
      onFrame: (frame) => frame.type === "conversation" && this.joined(frame),
      onProblem: (problem) => this.say(problem.message),
      onStatus: (status, { tries }) => this.status(status, tries),
    });
  }

  /** The server says what runs; a run of ours that is not among them ended while we were away. */
  joined(frame) {
    this.say(null);
    this.onConversation({ ...frame.conversation });
    const running = new Set(frame.running.map((item) => item.execution ?? item));
    const missed = this.live().filter((answer) => !running.has(answer.execution));
    if (missed.length) this.read(missed);
  }

  status(status, tries) {
    clearInterval(this.timer);
    if (status === "open") this.say(null);
    if (status === "closed") this.say("The live connection is closed. Reload the page to follow again.");
    if (status !== "waiting" || tries < TRIES_BEFORE_READING) return;
    this.say("Connection lost. Trying again…");
    this.timer = setInterval(() => this.read(this.live()), READ_EVERY_MS);
  }

  /** Read the rest of the log of these runs over HTTP. */
  async read(runs) {
    if (this.reading) return;
    this.reading = true;
    try {
      for (const { execution, snapshot } of runs) {
        await readLog(execution, snapshot.seq, (event) => {
          this.socket?.know(event.execution, event.seq);
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
