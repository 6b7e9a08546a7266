/** What a page says when it is told nothing any more. */

const TRIES_BEFORE_SAYING = 2;

/** `say(why)` when the connection `live` is lost, for now or for good; `say(null)` when it is there again. */
export function sayWhenLost(live, say) {
  live.addEventListener("status", ({ detail: { status, tries, problem } }) => {
    if (status === "open") say(null);
    if (status === "closed") say(`${problem.message} Reload the page to follow again.`);
    if (status === "waiting" && tries >= TRIES_BEFORE_SAYING) say("Connection lost. Trying again…");
  });
}
