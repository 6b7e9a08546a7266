"""Facts added up by bucket and subject, and a bucket's row as such a sum."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from analytics.models import Grain, Rollup
from analytics.rollups.facts import HOUR_S, FactKind
from analytics.rollups.histogram import bucket_of, merged, pack

_DAY_H = 24


_SPREAD = ("count", "ms", "min", "max", "histogram")


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
        return self._replace(grain=Grain.DAY.value, start_h=self.start_h // _DAY_H * _DAY_H)


@dataclass(slots=True)
class Spread:
    """How many numbers, their sum, the least, the greatest, and how many in each bucket.

    `torn`: some were taken away, so that `least` and `most` may no longer be so.
    """

    count: int = 0
    total: int = 0
    least: int | None = None
    most: int | None = None
    histogram: dict[int, int] = field(default_factory=dict)
    torn: bool = False

    def add(self, value: int, sign: int) -> None:
        bucket = bucket_of(value)
        self.count += sign
        self.total += sign * value
        self.histogram[bucket] = self.histogram.get(bucket, 0) + sign
        if sign < 0:
            self.torn = True
        else:
            self._reach(value, value)

    def take_in(self, other: "Spread") -> None:
        self.count += other.count
        self.total += other.total
        for bucket, number in other.histogram.items():
            self.histogram[bucket] = self.histogram.get(bucket, 0) + number
        self.torn = self.torn or other.torn
        self._reach(other.least, other.most)

    def _reach(self, least: int | None, most: int | None) -> None:
        if least is not None and (self.least is None or least < self.least):
            self.least = least
        if most is not None and (self.most is None or most > self.most):
            self.most = most


def _spread_of(counts: Any, totals: Any, leasts: Any, mosts: Any, histograms: Any) -> Spread:
    return Spread(
        sum(counts),
        sum(totals),
        min((one for one in leasts if one is not None), default=None),
        max((one for one in mosts if one is not None), default=None),
        merged(histograms),
    )


@dataclass(slots=True)
class Tally:
    """What one row holds, or what is to be added to it."""

    sums: list[int]
    spreads: list[Spread]

    @classmethod
    def empty(cls, rollup: type[Rollup]) -> "Tally":
        return cls([0] * len(rollup.SUMS), [Spread() for _ in rollup.SPREADS])

    @classmethod
    def of_rows(cls, rollup: type[Rollup], rows: Iterable[Sequence[Any]]) -> "Tally":
        """The sum of rows, each given as the values of `columns_of(rollup)`, in that order.

        Column by column: a chart of months and templates is made of thousands of them.
        """
        columns = list(zip(*rows, strict=True))
        if not columns:
            return cls.empty(rollup)
        sums, rest = columns[: len(rollup.SUMS)], columns[len(rollup.SUMS) :]
        spreads = [
            _spread_of(*rest[at : at + len(_SPREAD)]) for at in range(0, len(rest), len(_SPREAD))
        ]
        return cls([sum(column) for column in sums], spreads)

    def add(self, sums: Sequence[int], values: Sequence[int | None], sign: int) -> None:
        self.sums = [kept + sign * one for kept, one in zip(self.sums, sums, strict=True)]
        for spread, value in zip(self.spreads, values, strict=True):
            if value is not None:
                spread.add(value, sign)

    def take_in(self, other: "Tally") -> None:
        self.sums = [one + two for one, two in zip(self.sums, other.sums, strict=True)]
        for spread, others in zip(self.spreads, other.spreads, strict=True):
            spread.take_in(others)

    @property
    def nothing(self) -> bool:
        return not any(self.sums) and not any(spread.count for spread in self.spreads)

    def columns(self, rollup: type[Rollup]) -> dict[str, Any]:
        """The numbers as columns; null where there are none to be least or greatest."""
        columns: dict[str, Any] = dict(zip(rollup.SUMS, self.sums, strict=True))
        for name, spread in zip(rollup.SPREADS, self.spreads, strict=True):
            columns |= {
                f"{name}_count": spread.count,
                f"{name}_ms": spread.total,
                f"{name}_min": spread.least if spread.count else None,
                f"{name}_max": spread.most if spread.count else None,
                f"{name}_histogram": pack(spread.histogram),
            }
        return columns


Tallies = dict[Key, Tally]


def add_up(kind: FactKind, facts: Iterable[Sequence[Any]], sign: int, into: Tallies) -> None:
    """Add facts (`FactKind.told`) to the hours they are of."""
    for hour, *values in facts:
        row = dict(zip(kind.columns, values, strict=True))
        sums, spread = kind.worth(row)
        for dimension, subject in kind.subjects(row):
            for whose in _kept_for(kind, dimension, row["user_id"]):
                key = Key(Grain.HOUR.value, dimension, whose, hour, subject)
                if (tally := into.get(key)) is None:
                    tally = into[key] = Tally.empty(kind.rollup)
                tally.add(sums, spread, sign)


def with_days(kind: FactKind, hours: Tallies) -> Tallies:
    """The hours, and the days that they make."""
    both = dict(hours)
    for key, tally in hours.items():
        both.setdefault(key.day, Tally.empty(kind.rollup)).take_in(tally)
    return both


def _kept_for(kind: FactKind, dimension: str, user: UUID | str | None) -> Iterator[str]:
    if dimension in kind.shared:
        yield ""
    if user:
        yield str(user)
