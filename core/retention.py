"""How long rows are kept that no total is made of; each app says which of its own these are.

The ledger, executions, messages and the audit trail are kept for good, and are not spoken of here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from core import clock
from core.chores import chore
from core.database import database

_AT_ONCE = 500

Sweep = Callable[[datetime, bool], Iterator[int]]


@dataclass(frozen=True, slots=True)
class Retention:
    """One kind of what grows old.

    `sweep(before, dry_run)` takes what is older, in small transactions of its own, and gives how
    much each took, or would have taken. `days` is the key in `CHATTER_KEPT_DAYS`; without one, it
    goes when it is older than `least`, and nobody can say otherwise.
    """

    kind: str
    sweep: Sweep
    days: str = ""
    least: timedelta = timedelta()

    def before(self, days: float | None = None, *, by_name: bool = False) -> datetime | None:
        """What is older goes; None: nothing ever.

        `days` stand in place of those of settings; what these keep for good goes only `by_name`.
        """
        kept = timedelta()
        if self.days:
            as_set = settings.CHATTER_KEPT_DAYS[self.days]
            if days is None or (as_set is None and not by_name):
                days = as_set
            if days is None:
                return None
            kept = timedelta(days=float(days))
        return clock.now() - max(kept, self.least)


def retentions() -> list[Retention]:
    """All that settings name."""
    return [import_string(path) for path in settings.CHATTER_RETENTIONS]


def old_rows(rows: Callable[[datetime], QuerySet[Any]]) -> Sweep:
    """A sweep that deletes the rows which `rows(before)` finds, with what hangs on them."""

    def sweep(before: datetime, dry_run: bool) -> Iterator[int]:
        if dry_run:
            yield rows(before).count()
            return
        while taken := _delete_some(rows(before)):
            yield taken

    return sweep


@transaction.atomic
def _delete_some(rows: QuerySet[Any]) -> int:
    """Another process may do the same: what it has at hand is left to it.

    In no order: asked for one, SQLite looks at all rows in it, and not at their index by age.
    """
    free = rows.order_by().select_for_update(skip_locked=True, of=("self",))
    keys = list(free.values_list("pk", flat=True)[:_AT_ONCE])
    rows.model._base_manager.filter(pk__in=keys).delete()
    return len(keys)


def prune(
    *, days: float | None = None, kinds: Iterable[str] = (), dry_run: bool = False
) -> Iterator[tuple[str, int]]:
    """Take what is old, of these kinds or of all; each step is a transaction, and tells of it."""
    wanted = set(kinds)
    for one in retentions():
        named = one.kind in wanted
        before = one.before(days, by_name=named) if named or not wanted else None
        if before is not None:
            for taken in one.sweep(before, dry_run):
                yield one.kind, taken


def prune_as_set() -> None:
    """All that settings say, for the queue."""
    for _ in prune():
        pass


@chore(every_s=3_600)
async def prune_now_and_then() -> None:
    """The same for a process that lives that long, with room for others between the steps."""
    steps = prune()

    def goes_on() -> bool:
        return next(steps, None) is not None

    while await database.run(goes_on):
        pass
