"""The rollups computed again from their rows: to verify them, and to rebuild them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from django.db.models import Min

from analytics.rollups.facts import DAY, KINDS, FactKind
from analytics.rollups.folding import LOCK, fold, fold_some, row_of
from analytics.rollups.histogram import merged, pack
from analytics.rollups.tallies import add_up, tallies_of
from core.aggregates import Difference, proof
from core.bulk import insert_rows
from core.locks import locked_snapshot


@proof
def rollup_differences() -> Iterator[Difference]:
    """Every number of every bucket, and every bucket that is missing or should not be.

    Day by day, each as of one instant, so that nobody who reads waits for long.
    """
    for kind in KINDS.values():
        for day in _days(kind):
            with locked_snapshot(LOCK):
                _fold_all()
                found = list(_differences_of(kind, day))
            yield from found


def rebuild(kind: FactKind) -> int:
    """Make all rows of a kind anew from the ledger, day by day; returns how many days.

    Each day is a transaction, in which nothing else is added up: what commits meanwhile waits as a
    part. Executions go on, and whoever reads sees each day as it was or as it is. The oldest day
    comes last, so that `is_unfilled` sees when this was interrupted.
    """
    fold()
    days = list(_days(kind))
    for day in reversed(days):
        with locked_snapshot(LOCK):
            _fold_all()
            rows = kind.rollup._base_manager.filter(starts_at__gte=day, starts_at__lt=day + DAY)
            rows.delete()
            insert_rows(kind.rollup, list(_counted(kind, day).values()))
    return len(days)


def is_unfilled(kind: FactKind) -> bool:
    """There is something to count, and on the first day of it not one bucket by status.

    Each row has one; before there were such buckets, all had been filled without them.
    """
    first = kind.counted().aggregate(at=Min(kind.at))["at"]
    if first is None:
        return False
    by_status = kind.rollup._base_manager.filter(dimension="status")
    return not by_status.filter(starts_at__lt=_day_of(first) + DAY).exists()


def _fold_all() -> None:
    while fold_some():
        pass


def _differences_of(kind: FactKind, day: datetime) -> Iterator[Difference]:
    counted = _counted(kind, day)
    numbers = (*kind.rollup.SUMS, *_spread_columns(kind))
    rows = kind.rollup._base_manager.filter(starts_at__gte=day, starts_at__lt=day + DAY)
    for values in rows.values().iterator():
        row: dict[str, Any] = dict(values)
        should = counted.pop(row["id"], {})
        for name in numbers:
            kept, found = _number(row[name]), _number(should.get(name))
            if kept != found:
                told = f"{row['grain']} {row['starts_at']:%Y-%m-%dT%H} {row['whose'] or 'all'}"
                parent = f"{told} {row['dimension']} {row['subject']}".strip()
                yield Difference(f"{kind.rollup._meta.label}.{name}", parent, kept, found)
    for pk in counted:
        yield Difference(f"{kind.rollup._meta.label} missing", pk, 0, 1)


def _counted(kind: FactKind, day: datetime) -> dict[Any, dict[str, Any]]:
    """The rows of a day as they should be, by their key."""
    tallies = tallies_of(add_up(kind, kind.counted_between(day, day + DAY), 1))
    rows = (row_of(kind, key, tally) for key, tally in tallies.items() if not tally.nothing)
    return {row["id"]: row for row in rows}


def _days(kind: FactKind) -> Iterator[datetime]:
    """Every day of UTC on which there is a row to count, or a bucket."""
    day = _first_day(kind, None)
    while day is not None:
        yield day
        day = _first_day(kind, day + DAY)


def _first_day(kind: FactKind, since: datetime | None) -> datetime | None:
    rows, buckets = kind.counted(), kind.rollup._base_manager.all()
    if since is not None:
        rows, buckets = (
            rows.filter(**{f"{kind.at}__gte": since}),
            buckets.filter(starts_at__gte=since),
        )
    firsts = (
        rows.aggregate(at=Min(kind.at))["at"],
        buckets.aggregate(at=Min("starts_at"))["at"],
    )
    found = [at for at in firsts if at is not None]
    if not found:
        return None
    return _day_of(min(found))


def _day_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _spread_columns(kind: FactKind) -> Iterator[str]:
    for name in kind.rollup.SPREADS:
        for part in ("count", "ms", "min", "max", "histogram"):
            yield f"{name}_{part}"


def _number(value: Any) -> int:
    """A histogram by its checksum, whichever way a release packs it; what is not there as -1."""
    if isinstance(value, bytes | memoryview):
        return crc32(pack(merged([bytes(value)])))
    return -1 if value is None else int(value)
