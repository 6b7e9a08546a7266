/** Keeps the newest text in view, unless the reader went up to read. */

const NEAR_PX = 80;

/** `pane` scrolls; `button` leads back down. */
export class Follower {
  constructor(pane, button) {
    this.pane = pane;
    this.button = button;
    this.following = true;
    pane.addEventListener("scroll", () => this.look(), { passive: true });
    button.addEventListener("click", () => {
      pane.focus({ preventScroll: true }); // the button is gone at the end, and would lose it
      this.toEnd();
    });
    new ResizeObserver(() => this.grown()).observe(pane.querySelector("#messages"));
    new ResizeObserver(() => this.grown()).observe(pane);
  }

  look() {
    const left = this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight;
    this.following = left < NEAR_PX;
    this.button.hidden = this.following;
  }

  grown() {
    if (this.following) this.pane.scrollTop = this.pane.scrollHeight;
  }

  toEnd() {
    this.following = true;
    this.button.hidden = true;
    this.pane.scrollTop = this.pane.scrollHeight;
  }
}
