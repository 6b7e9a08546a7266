"""What a check says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

BROKEN, WARNING = "broken", "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what mends it. `level` is BROKEN where something does not work, or not as
    it was promised; else WARNING."""

    level: str
    message: str
    remedy: str


Check = Callable[[], Iterator[Finding]]


def broken(message: str, remedy: str) -> Finding:
    return Finding(BROKEN, message, remedy)


def warning(message: str, remedy: str) -> Finding:
    return Finding(WARNING, message, remedy)
