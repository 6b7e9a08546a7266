"""Adds recorded parts to the rollups: in the order they were recorded, each exactly once."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Max, Min

from analytics.models import RollupPart
from analytics.rollups.facts import KINDS, Fact, FactKind
from analytics.rollups.tallies import Key, Tallies, Tally, add_up, columns_of, tallies_of
from core import clock
from core.bulk import insert_rows, is_empty, take_rows, update_rows
from core.locks import locked, locked_if_free

LOCK = "analytics.rollups"
PARTS, _ROWS = 500, 500


def fold() -> datetime:
    """Add all parts that were recorded until now; returns the instant until which they were.

    What was committed before that instant is in the rollups. What comes meanwhile is left for the
    next time, or a report would take as long as there is something to do. Processes that call it
    at once wait for each other.
    """
    at = clock.now()
    while not is_empty(RollupPart):
        with locked(LOCK):
            at = clock.now()
            if fold_some() < PARTS:
                break
    return at


def fold_if_free() -> None:
    """The same for a chore that comes round again: while another process folds, do nothing."""
    while not is_empty(RollupPart):
        with locked_if_free(LOCK) as free:
            if not free or fold_some() < PARTS:
                return


def fold_some() -> int:
    """Fold the first PARTS parts, or as many as there are; the caller holds the lock."""
    parts = take_rows(RollupPart, PARTS)
    told: dict[str, dict[int, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for part in parts:
        told[part["kind"]][part["sign"]] += part["facts"]
    for key, signed in told.items():
        kind = KINDS[key]
        pieces = (add_up(kind, facts, sign) for sign, facts in signed.items())
        _write(kind, tallies_of(chain.from_iterable(pieces)))
    return len(parts)


def _write(kind: FactKind, tallies: Tallies) -> None:
    """Add to the rows there are, make those there are not, and drop what came to nothing.

    What is taken away from a row that is not there begins none: who deletes a user deletes, before
    the executions, the workflow that these were of, and its rows with it (`recording.forget`).
    """
    for some in _chunks(sorted(tallies)):
        by_pk = {key.pk: key for key in some}
        rows = kind.rollup._base_manager.filter(pk__in=by_pk)
        kept = {pk: row for pk, *row in rows.values_list("pk", *columns_of(kind.rollup))}
        new, changed, empty = [], [], []
        for pk, key in by_pk.items():
            tally = tallies[key]
            if pk in kept:
                tally = Tally.sum_of([tally, Tally.of_rows(kind.rollup, [kept[pk]])])
            tally = _mended(kind, key, tally)
            if tally.nothing:
                empty.append(pk)
            elif pk in kept:
                changed.append({"id": pk, **tally.columns(kind.rollup)})
            elif not tally.takes_away:
                new.append(row_of(kind, key, tally))
        insert_rows(kind.rollup, new)
        update_rows(kind.rollup, changed)
        if empty:
            kind.rollup._base_manager.filter(pk__in=empty).delete()


def row_of(kind: FactKind, key: Key, tally: Tally) -> dict[str, Any]:
    """A whole row."""
    return {
        "id": key.pk,
        "grain": key.grain,
        "dimension": key.dimension,
        "whose": key.whose,
        "starts_at": key.starts_at,
        "subject": key.subject,
        **tally.columns(kind.rollup),
    }


def _mended(kind: FactKind, key: Key, tally: Tally) -> Tally:
    """Where numbers were taken away, ask the rows that are left for the least and the greatest."""
    if not any(spread.torn for spread in tally.spreads):
        return tally
    rows = kind.counted().filter(
        kind.of_subject(key.dimension, key.subject),
        **{f"{kind.at}__gte": key.starts_at, f"{kind.at}__lt": key.ends_at},
        **({"user_id": key.whose} if key.whose else {}),
    )
    spreads = []
    for spread, column in zip(tally.spreads, kind.spread, strict=True):
        left = rows.aggregate(least=Min(column), most=Max(column))
        spreads.append(replace(spread, **left))
    return replace(tally, spreads=spreads)


def _chunks(keys: list[Key]) -> Iterator[list[Key]]:
    for at in range(0, len(keys), _ROWS):
        yield keys[at : at + _ROWS]
