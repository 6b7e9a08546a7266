"""When visits begin again: those that something else kept from their end come last."""

import asyncio
from collections.abc import Collection

from workflows.engine.errors import BeyondLimit
from workflows.engine.halt import Halt
from workflows.engine.paths import Place, around
from workflows.tracking.past import Past
from workflows.tracking.sources import began

_LOOK_S = 1.0


class ReplayOrder:
    """Holds back visits that never ended within something that did.

    They were cut off, for example by an error of another branch. Recorded answers come at once and
    in another order, so without this such a visit could end, or ask for what was never recorded,
    before it is cut off again. In a replay, every visit that its source never ended is held back;
    if a limit ended the source, it ends the replay there.
    """

    def __init__(self, past: Past, halt: Halt) -> None:
        recordings = past.recordings
        self._ended: Collection[Place] = recordings.ended | past.ended.keys()
        failed = {*recordings.failed, *past.failed}
        self._failed = {at for at in failed if not self._was_tried_again(at, past)}
        self._over, self._strict = recordings.over, recordings.strict
        self._halt = halt

    async def wait_to_begin(self, node: str, visit: int, fatal: Collection[str]) -> None:
        """Return at once; for a visit that was cut off, only when nothing else goes on any more.

        `fatal` are the nodes whose errors end the graphs it is in.
        Raises BeyondLimit.
        """
        if (node, visit) in self._ended or not self._was_cut_off(node, fatal):
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

    def _was_tried_again(self, failed: Place, past: Past) -> bool:
        following = (failed[0], failed[1] + 1)
        return following in self._ended or began(past, *following) > 0
