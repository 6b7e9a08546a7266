"""Where a run may be stopped without losing work: before a visit, and where it only waits."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from workflows.engine.paths import Place, around


class Halt:
    """One for a run and all that runs in it. Once it is asked for, no visit begins any more.

    `reached` is set once it is quiet. A visit that has ended is not made again by whoever takes up
    the run. `moves` counts how often a visit began or ended, came to rest or went on.
    """

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.moves = 0
        self._asked = False
        self._under_way = Counter[Place]()
        self._at_rest = Counter[Place]()  # with those around them

    @property
    def quiet(self) -> bool:
        """No visit is at work: each under way is at rest, or waits for one within it that is."""
        return self._under_way.keys() <= self._at_rest.keys()

    def ask(self) -> None:
        self._asked = True
        self._look()

    async def pass_on(self, node: str, visit: int) -> None:
        """Return when the visit may begin; where a halt was asked for, never."""
        if self._asked:
            with self.rest(node, visit):
                await asyncio.Event().wait()

    def visit(self, node: str, visit: int) -> AbstractContextManager[None]:
        return self._noted(self._under_way, (node, visit))

    def rest(self, node: str, visit: int) -> AbstractContextManager[None]:
        """It waits for something that is waited for again, as long as is left, after a replay."""
        return self._noted(self._at_rest, (node, visit), *around(node))

    @contextmanager
    def _noted(self, among: Counter[Place], *places: Place) -> Iterator[None]:
        for here in places:
            among[here] += 1
        self._moved()
        try:
            yield
        finally:
            for here in places:
                among[here] -= 1
                if not among[here]:
                    del among[here]
            self._moved()

    def _moved(self) -> None:
        self.moves += 1
        self._look()

    def _look(self) -> None:
        if self._asked and self._at_rest and self.quiet:
            self.reached.set()
