"""When visits begin again: those that something else kept from their end come last."""

import asyncio
from collections.abc import Collection

from workflows.engine.errors import STEP_TIME, BeyondLimit
from workflows.engine.halt import Halt
from workflows.engine.paths import Place, around, path_to
from workflows.tracking.past import Past
from workflows.tracking.recordings import Failure
from workflows.tracking.sources import began

_LOOK_S = 1.0


class ReplayOrder:
    """Holds back visits that never ended within something that did.

    They were cut off, for example by an error of another branch. Recorded answers come at once and
    in another order, so without this such a visit could end, or ask for what was never recorded,
    before it is cut off again. In a replay, every visit that its source never ended is held back;
    if a limit ended the source, it ends the replay there.

    Of errors that ended their graph at one moment, all but the first are held back, too: it is the
    first that a handler was told of.
    """

    def __init__(self, past: Past, halt: Halt) -> None:
        recordings = past.recordings
        recorded = {place: (1, seq) for place, seq in recordings.ended.items()}
        self._ended = recorded | {place: (0, seq) for place, seq in past.ended.items()}  # in order
        failed = {**recordings.failed, **past.failed}
        self._failed = {at for at in failed if not self._is_tried_again(at, failed[at], past)}
        self._over, self._strict = recordings.over, recordings.strict
        self._halt = halt

    async def wait_to_begin(self, node: str, visit: int, fatal: Collection[str]) -> None:
        """Return at once; for a visit that was cut off, only when nothing else goes on any more.

        `fatal` are the nodes whose errors end the graphs it is in.
        Raises BeyondLimit.
        """
        if (node, visit) in self._ended and not self._failed_later((node, visit), fatal):
            return
        if not self._was_cut_off(node, fatal):
            return
        with self._halt.rest(node, visit):
            before = None
            while not self._halt.quiet or before != self._halt.moves:
                before = self._halt.moves
                await asyncio.sleep(_LOOK_S)
        if self._over is not None:
            raise BeyondLimit(self._over)

    def _was_cut_off(self, node: str, fatal: Collection[str]) -> bool:
        if self._strict or any(failed in fatal for failed, _ in self._failed):
            return True
        return any(at in self._ended for at in around(node))

    def _failed_later(self, place: Place, fatal: Collection[str]) -> bool:
        """Whether another error had ended its graph by then."""
        if place not in self._failed or place[0] not in fatal:
            return False
        path = path_to(place[0])
        return any(
            self._ended[at] < self._ended[place]
            for at in self._failed & self._ended.keys()
            if at[0] in fatal and path_to(at[0]) == path
        )

    def _is_tried_again(self, failed: Place, failure: Failure, past: Past) -> bool:
        """Whether it was visited again, or waited for that: behind an error a wait is for a try."""
        following = (failed[0], failed[1] + 1)
        waits = failed in past.delays or failed in past.recordings.delays
        code, _ = failure
        return (
            (waits and code != STEP_TIME) or following in self._ended or began(past, *following) > 0
        )
