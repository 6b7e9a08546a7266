/** What is done while there is no socket, whether each try for one is refused or none gets an answer. */

const EVERY_MS = 1500;

/** Call `act` again and again as long as `live`, a connection, has something to watch and is not open. */
export function meanwhile(live, act) {
  let timer = null;
  live.addEventListener("status", ({ detail: { status } }) => {
    if (status === "connecting" || status === "waiting") return void (timer ??= setInterval(act, EVERY_MS));
    clearInterval(timer);
    timer = null;
  });
}
