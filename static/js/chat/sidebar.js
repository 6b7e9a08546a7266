/** The list of conversations: more pages, the archive, rename, archive and delete. */

import { get, patch, remove } from "../api.js";
import { el, pageData, setText } from "../dom.js";
import { ago } from "../format.js";
import { chatPage, conversationApi, CONVERSATIONS } from "../paths.js";
import { toast } from "../toast.js";

/** `onRenamed(title)` and `onGone()` concern the conversation that is open. */
export class Sidebar {
  constructor({ onRenamed, onGone }) {
    this.onRenamed = onRenamed;
    this.onGone = onGone;
    this.list = document.getElementById("conversation-list");
    this.more = document.getElementById("more-conversations");
    this.archive = document.getElementById("show-archived");
    this.nothing = document.getElementById("no-conversations");
    this.none = { false: this.nothing.textContent, true: "No conversation is archived." };
    this.shown = false;
    this.open = pageData("conversation-data")?.id;
    this.dialog = document.getElementById("conversation-dialog");
    this.name = document.getElementById("dialog-name");
    this.more.addEventListener("click", (event) => this.loadMore(event));
    this.archive.addEventListener("click", () => this.toggleArchive());
    this.dialog.addEventListener("click", (event) => this.act(event.target.value, event.detail));
    this.dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  /** Whether the archive is asked for; `shown` says whether it is what the list shows. */
  get archived() {
    return this.archive.getAttribute("aria-pressed") === "true";
  }

  /** Put the one that is open on top of the list it is in, or update it where it stands. */
  place(conversation) {
    this.open = conversation.id;
    const present = this.list.querySelector(`[data-id="${CSS.escape(conversation.id)}"]`);
    if (!present && conversation.archived !== this.archived) return;
    if (present) this.tell(present, conversation);
    else this.list.prepend(this.row(conversation));
    this.nothing.hidden = true;
  }

  /** A row stays where it is, and with it the focus that it may have. */
  tell(row, conversation) {
    const time = row.querySelector("time");
    setText(row.querySelector(".title"), conversation.title || "New chat");
    time.dateTime = conversation.updated_at ?? new Date().toISOString();
    setText(time, ago(time.dateTime));
  }

  row(conversation) {
    const when = conversation.updated_at ?? new Date().toISOString();
    return el(
      "li",
      { "data-id": conversation.id },
      el(
        "a",
        { href: chatPage(conversation.id), "aria-current": conversation.id === this.open ? "page" : null },
        el("span", { class: "title", dir: "auto" }, conversation.title || "New chat"),
        el("span", { class: "meta" }, el("time", { datetime: when, "data-ago": true }, ago(when))),
      ),
    );
  }

  /** The page's own link leads to older ones; once a list came from the API, so do its next pages. */
  loadMore(event) {
    if (!this.more.dataset.next) return;
    event.preventDefault();
    this.load(this.more.dataset.next);
  }

  /** Each page once, however often it is asked for; of several lists the one asked for last, to which nothing of another is added. */
  async load(address, { fresh = false } = {}) {
    if (this.asked && !fresh) return;
    this.asked = address;
    try {
      const page = await get(address);
      if (this.asked !== address) return;
      const rows = page.results.map((item) => this.row(item));
      this.shown = this.archived;
      if (fresh) this.list.replaceChildren(...rows);
      else this.list.append(...rows);
      this.more.dataset.next = page.next ?? "";
      this.more.hidden = !page.next;
      this.nothing.hidden = this.list.childElementCount > 0;
      setText(this.nothing, this.none[this.shown]);
    } catch (problem) {
      toast(problem.message, "error");
      if (this.asked === address) this.archive.setAttribute("aria-pressed", String(this.shown));
    } finally {
      if (this.asked === address) this.asked = null;
    }
  }

  toggleArchive() {
    const archived = !this.archived;
    this.archive.setAttribute("aria-pressed", String(archived));
    this.load(`${CONVERSATIONS}?archived=${archived}`, { fresh: true });
  }

  /** Ask what to do with `conversation`. */
  edit(conversation) {
    this.subject = conversation;
    this.name.value = conversation.title;
    this.button("archive").textContent = conversation.archived ? "Back to the list" : "Archive";
    this.button("delete").textContent = "Delete";
    this.problem(null);
    this.dialog.showModal();
    this.name.select();
  }

  /** A double click is no second thought: `clicks` counts those in a row. */
  act(what, clicks) {
    if (what === "cancel") this.dialog.close();
    if (what === "archive") this.attempt(() => patch(conversationApi(this.subject.id), { archived: !this.subject.archived }), true);
    if (what === "delete" && clicks < 2) this.confirmDelete();
  }

  save() {
    const title = this.name.value.trim();
    if (!title) return this.problem("A title is needed.");
    this.attempt(async () => {
      const saved = await patch(conversationApi(this.subject.id), { title });
      this.place({ ...this.subject, ...saved });
      this.onRenamed(saved.title ?? title);
    });
  }

  confirmDelete() {
    const button = this.button("delete");
    const sure = "Delete for good";
    if (button.textContent !== sure) return void (button.textContent = sure);
    this.attempt(() => remove(conversationApi(this.subject.id)), true);
  }

  async attempt(change, gone = false) {
    try {
      await change();
      this.dialog.close();
      if (gone) this.onGone();
    } catch (problem) {
      this.problem([problem.message, ...(problem.lines ?? [])].join(" "));
    }
  }

  problem(text) {
    const notice = this.dialog.querySelector(".notice");
    notice.hidden = !text;
    notice.textContent = text ?? "";
  }

  button(value) {
    return this.dialog.querySelector(`button[value="${value}"]`);
  }
}
