"""Who comes to a limit again and again: told at once, and by few entries however often.

Each process counts for itself, in memory. An entry is written of the first refusal, of the
TOLD_AGAIN-th, and whenever their number has doubled since: so no flood can fill the trail.
"""

from audit.counts import WITHIN_S, Counts

TOLD_AGAIN = 20


class Refusals:
    """Counts refusals by limit and caller."""

    def __init__(self) -> None:
        self._counts = Counts()

    def count(self, limit: str, caller: object, within_s: float = WITHIN_S) -> int:
        """Count one; for how many an entry is to be written now, 0 for none.

        It begins anew so long after the first; less than ten minutes it never takes.
        """
        return _stands_for(self._counts.one_more(limit, str(caller), max(within_s, WITHIN_S)))

    def forget(self) -> None:
        self._counts.forget()


def _stands_for(count: int) -> int:
    """How many came since the entry before."""
    if count == 1:
        return 1
    times, rest = divmod(count, TOLD_AGAIN)
    if rest or times & (times - 1):  # no power of two
        return 0
    return count - (count // 2 if times > 1 else 1)


refusals = Refusals()
