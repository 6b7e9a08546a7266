"""When the visits of a replay begin: those that its source did not come to the end of come last."""

import asyncio

from workflows.engine.halt import Halt
from workflows.tracking.recordings import Recordings
from workflows.tracking.tracker import WorkflowTracker

_QUIET_S = 1.0


class Turns:
    """What ended a visit in the source before it was over, an error of another branch for one, is
    to end it here, too, though what is recorded comes in no time and in another order."""

    def __init__(self, recordings: Recordings, tracker: WorkflowTracker, halt: Halt) -> None:
        self._ended = recordings.ended
        self._tracker = tracker
        self._halt = halt

    async def come(self, node: str, visit: int) -> None:
        """Return when the visit may begin: at once, or when nothing else happens any more."""
        if (node, visit) in self._ended:
            return
        with self._halt.rest(node, visit):
            before = None
            while before != self._tracker.told:
                before = self._tracker.told
                await asyncio.sleep(_QUIET_S)
