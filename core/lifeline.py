"""A pipe from a process to all that descend from it: when it is cut, they end their work.

Nobody sends anything. The one end is held by the process that guards the others, alone; its end is
the end of that file, however it comes about, so a guard that is killed leaves nobody behind. A fork
has copies of the ends that its parent holds, so it lets go of them first: see `let_go`.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_FOREVER_S = 3600.0
_held: set[int] = set()  # the ends that this process holds


class Lifeline:
    """The end that descendants hold, to be waited on like a `multiprocessing.Event`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def is_set(self) -> bool:
        """Whether it was cut."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Return when it was cut, after at most so many seconds; whether it was."""
        within_s = _FOREVER_S if timeout is None else timeout
        readable, _, _ = select.select([self._descriptor], [], [], within_s)
        return bool(readable)


class NoLifeline:
    """Of a process that nobody guards."""

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(_FOREVER_S if timeout is None else timeout)
        return False


class StopRequest:
    """Whether a signal has asked this process to stop."""

    def __init__(self) -> None:
        self.received = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        self.received = True


@contextmanager
def stop_requested_by(*numbers: signal.Signals) -> Iterator[StopRequest]:
    """Let these signals only ask for a stop, whatever they do otherwise."""
    stop = StopRequest()
    before = {number: signal.signal(number, stop.receive) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tie() -> tuple[int, int]:
    """A new lifeline: the end for descendants, and the one to hold."""
    hangs, held = os.pipe()
    _held.add(held)
    return hangs, held


def cut(held: int) -> None:
    """Tell all who hang by it."""
    _held.discard(held)
    os.close(held)


def let_go() -> None:
    """In a fork: hold nobody. With a copy of an end here, none would notice that it was cut."""
    for held in tuple(_held):
        cut(held)
