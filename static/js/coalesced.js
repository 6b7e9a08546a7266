/** Work that is asked for more often than it can be done. */

/** Do `task` when asked to, one at a time; whatever is asked for meanwhile is done by one more. */
export function coalesced(task) {
  let wanted = false;
  let busy = false;
  return async () => {
    wanted = true;
    if (busy) return;
    busy = true;
    try {
      while (wanted) {
        wanted = false;
        await task();
      }
    } finally {
      busy = false;
    }
  };
}
