"""When the visits of a replay begin: those that its source never finished come last."""

import asyncio

from workflows.engine.errors import BeyondLimit
from workflows.engine.halt import Halt
from workflows.tracking.recordings import Recordings
from workflows.tracking.tracker import WorkflowTracker

_QUIET_S = 1.0


class ReplayOrder:
    """Holds back the visits that the source never finished.

    Something else ended them there, such as an error of another branch. Recorded answers come at
    once and in another order, so without this such a visit could finish, or ask for what was never
    recorded, before it is cut off again. If a limit ended the run there, it does so again.
    """

    def __init__(self, recordings: Recordings, tracker: WorkflowTracker, halt: Halt) -> None:
        self._ended, self._over = recordings.ended, recordings.over
        self._tracker = tracker
        self._halt = halt

    async def wait_to_begin(self, node: str, visit: int) -> None:
        """Return at once, or for a visit the source never finished when nothing else happens.

        Raises BeyondLimit.
        """
        if (node, visit) in self._ended:
            return
        with self._halt.rest(node, visit):
            before = None
            while before != self._tracker.last_seq:
                before = self._tracker.last_seq
                await asyncio.sleep(_QUIET_S)
        if self._over is not None:
            raise BeyondLimit(self._over)
