"""Facts added up by bucket and subject, and a bucket's row as such a sum."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple, Self
from uuid import UUID

from analytics.models import Grain, Rollup
from analytics.rollups.facts import HOUR_S, Fact, FactKind, id_text
from analytics.rollups.histogram import Histogram, added, counted, merged, pack

_DAY_H = 24
_SPREAD = ("count", "ms", "min", "max", "histogram")


@cache
def columns_of(rollup: type[Rollup]) -> list[str]:
    """The columns that hold numbers: what adds up, then five for each spread."""
    return [*rollup.SUMS, *(f"{name}_{part}" for name in rollup.SPREADS for part in _SPREAD)]


class Key(NamedTuple):
    """Which bucket of which subject; `start_h` is in hours since 1970."""

    grain: str
    dimension: str
    whose: str
    start_h: int
    subject: str

    @property
    def pk(self) -> UUID:
        """What the row is found by: no other key has it."""
        text = "\n".join(map(str, self))
        return UUID(bytes=blake2b(text.encode(), digest_size=16).digest())

    @property
    def starts_at(self) -> datetime:
        return datetime.fromtimestamp(self.start_h * HOUR_S, UTC)

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(hours=_DAY_H if self.grain == Grain.DAY else 1)

    @property
    def day(self) -> "Key":
        start_h = self.start_h // _DAY_H * _DAY_H
        return Key(Grain.DAY.value, self.dimension, self.whose, start_h, self.subject)


@dataclass(slots=True)
class Spread:
    """How many numbers, their sum, the least, the greatest, and how many in each bucket.

    `torn`: some were taken away, so that `least` and `most` may no longer be so. Nobody changes
    one; to have it frozen, too, took four times as long to make it (measured).
    """

    count: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None
    histogram: Histogram = field(default_factory=dict)
    torn: bool = False

    @classmethod
    def of(cls, values: Iterable[int | None], sign: int) -> Self:
        """Numbers added (1) or taken away (-1)."""
        known = [value for value in values if value is not None]
        if not known:
            return cls()
        least, most = (min(known), max(known)) if sign > 0 else (None, None)
        histogram = counted(known, sign)
        return cls(sign * len(known), sign * sum(known), least, most, histogram, sign < 0)

    @classmethod
    def sum_of(cls, spreads: Sequence[Self]) -> Self:
        leasts = [spread.least for spread in spreads if spread.least is not None]
        mosts = [spread.most for spread in spreads if spread.most is not None]
        return cls(
            sum([spread.count for spread in spreads]),
            sum([spread.total for spread in spreads]),
            min(leasts, default=None),
            max(mosts, default=None),
            added([spread.histogram for spread in spreads]),
            any([spread.torn for spread in spreads]),
        )


def _spread_of(counts: Any, totals: Any, leasts: Any, mosts: Any, histograms: Any) -> Spread:
    return Spread(
        sum(counts),
        sum(totals),
        min((one for one in leasts if one is not None), default=None),
        max((one for one in mosts if one is not None), default=None),
        merged(histograms),
    )


def _fives(values: Sequence[Any]) -> list[Sequence[Any]]:
    """What is told of each spread."""
    return [values[at : at + len(_SPREAD)] for at in range(0, len(values), len(_SPREAD))]


@dataclass(frozen=True, slots=True)
class Tally:
    """What one row holds, or what is to be added to it."""

    sums: Sequence[int]
    spreads: Sequence[Spread]

    @classmethod
    def of_rows(cls, rollup: type[Rollup], rows: Sequence[Sequence[Any]]) -> Self:
        """The sum of rows that end with the values of `columns_of(rollup)`, in that order.

        Column by column: a chart of months and templates is made of thousands of them. A single row
        is taken as it is, in two thirds of the time (measured): a table of days and templates has a
        cell for each.
        """
        if not rows:
            return cls([0] * len(rollup.SUMS), [Spread()] * len(rollup.SPREADS))
        width, many = len(columns_of(rollup)), len(rollup.SUMS)
        if len(rows) == 1:
            values = rows[0][-width:]
            alone = [
                Spread(count, total, least, most, merged([packed]))
                for count, total, least, most, packed in _fives(values[many:])
            ]
            return cls(values[:many], alone)
        columns = list(zip(*rows, strict=True))[-width:]
        spreads = [_spread_of(*five) for five in _fives(columns[many:])]
        return cls([sum(column) for column in columns[:many]], spreads)

    @classmethod
    def sum_of(cls, tallies: Sequence[Self]) -> Self:
        if len(tallies) == 1:
            return tallies[0]
        sums = zip(*[tally.sums for tally in tallies], strict=True)
        spreads = zip(*[tally.spreads for tally in tallies], strict=True)
        return cls(list(map(sum, sums)), list(map(Spread.sum_of, spreads)))

    @property
    def nothing(self) -> bool:
        return not any(self.sums) and not any(spread.count for spread in self.spreads)

    @property
    def takes_away(self) -> bool:
        return min(*self.sums, *(spread.count for spread in self.spreads)) < 0

    def columns(self, rollup: type[Rollup]) -> dict[str, Any]:
        """The numbers as columns; null where there are none to be least or greatest."""
        numbers: list[Any] = [*self.sums]
        for spread in self.spreads:
            ends = (spread.least, spread.most) if spread.count else (None, None)
            numbers += (spread.count, spread.total, *ends, pack(spread.histogram))
        return dict(zip(columns_of(rollup), numbers, strict=True))


Tallies = dict[Key, Tally]


def add_up(kind: FactKind, facts: Iterable[Fact], sign: int) -> Iterator[tuple[Key, Tally]]:
    """What facts add to their hours (1) or take away (-1); a key may come many times."""
    for (hour, dimension, whose, subject), tally in worth_of(kind, facts, sign):
        yield Key(Grain.HOUR.value, dimension, whose, hour, subject), tally


def worth_of(
    kind: FactKind, facts: Iterable[Fact], sign: int
) -> Iterator[tuple[tuple[Any, str, str, str], Tally]]:
    """What facts are worth to each `(when, dimension, whose, subject)`; one may come many times."""
    alike: dict[Fact, list[Fact]] = defaultdict(list)
    width = 1 + len(kind.what)
    for fact in facts:
        alike[tuple(fact[:width])].append(fact[width:])
    for (when, *said), rows in alike.items():
        what = dict(zip(kind.what, said, strict=True))
        numbers = dict(zip(kind.numbers, zip(*rows, strict=True), strict=True))
        sums, spreads = kind.worth(what, numbers)
        tally = Tally([sign * one for one in sums], [Spread.of(one, sign) for one in spreads])
        for dimension, subject in kind.subjects(what):
            for whose in _kept_for(kind, dimension, what["user_id"]):
                yield (when, dimension, whose, subject), tally


def tallies_of(pieces: Iterable[tuple[Key, Tally]]) -> Tallies:
    """The hours that pieces add up to, and the days that the hours make."""
    hours = _summed(pieces)
    return hours | _summed((key.day, tally) for key, tally in hours.items())


def _summed(pieces: Iterable[tuple[Key, Tally]]) -> Tallies:
    found: dict[Key, list[Tally]] = defaultdict(list)
    for key, tally in pieces:
        found[key].append(tally)
    return {key: Tally.sum_of(some) for key, some in found.items()}


def _kept_for(kind: FactKind, dimension: str, user: str | None) -> Iterator[str]:
    if dimension in kind.shared:
        yield ""
    if user:
        yield id_text(user)
