"""How long things take, as histograms count it (pure)."""

from bisect import bisect_left

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)  # upper bounds; the last has none
UNTIMED = len(SECONDS) + 1  # of what nobody waited for: in no histogram
_MS = tuple(round(bound * 1000) for bound in SECONDS)


def bucket_of(took_ms: int) -> int:
    """The number of the first bound that is not passed; that of none is `len(SECONDS)`."""
    return bisect_left(_MS, took_ms)
