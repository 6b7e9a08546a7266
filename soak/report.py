"""The page `docs/soak.md`: what grew under a steady load, and what prune left of it."""

# ruff: noqa: E501 - a page of Markdown

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from soak.load import PER_S, WATCHED_EACH
from soak.sampling import EVERY_S, Sample, slope

PAGE = Path(__file__).resolve().parent.parent / "docs" / "soak.md"
_WARM_UP = 1 / 3
_LEAST_SAMPLES = 3
_GROWS = 0.005  # rows for each execution
_GOALS = {
    "web: MiB": 1.0,
    "worker: MiB": 1.0,
    "web: descriptors": 1.0,
    "worker: descriptors": 1.0,
    "PostgreSQL: connections": 1.0,
    "Redis: clients": 1.0,
}
Tables = Mapping[str, Sequence[int]]  # rows and bytes
_TEXT = """\
# A soak

Written by `make soak`; do not edit. {minutes:g} minutes at a fixed rate of {per_s} executions a second, far below what the
machine can do, on a site of its own: two servers, two workers, PostgreSQL and Redis on 127.0.0.1. Each
execution consists of two streamed model calls, a pause of two seconds and a prompt; every {watched}th is watched over a
websocket, every {watched}th as server-sent events, and half of the watchers leave before the end. The provider is a
local server that speaks the wire format over HTTP. No process is replaced during the run (`CHATTER_TENURE_S`), so that a
leak would show.

{executions:,} executions; none was started more than {late_s:.2f} s late.

## What processes hold

Sampled every {every:g} s: the sum over all processes of a kind, including those they start; memory is PSS without files,
which other programs share as well. "Grows" is the slope of the least-squares line per 1,000 executions, without the first
third of the samples (warm-up).

{processes}

## What tables hold

Rows and bytes per execution, indexes included: after the load, and again after `manage.py prune --older-than 0` and a
`VACUUM FULL` (on SQLite `VACUUM`). Tables that do not grow with executions are left out.

PostgreSQL:

{postgresql}

SQLite, after {sqlite_executions:,} executions on a server that runs them itself:

{sqlite}

On PostgreSQL `prune` took {prune_s:.1f} s and reported: {told}.
{totals} sums, of stored totals and of the rows they count, were compared before and after it, and `reconcile` and
`verify_audit` were run both times.

{verdict}

{date}, on {cores} cores.
"""


@dataclass(frozen=True, slots=True)
class Growth:
    """`tables`: fresh, grown, and pruned. `late_s`: how late an execution was started."""

    executions: int
    late_s: float
    tables: Sequence[Tables]
    totals: int
    prune_s: float
    prune_told: Sequence[str]
    problems: Sequence[str]

    def each(self, name: str) -> list[float]:
        """Of one execution: rows and bytes of a table as it had grown, then those pruned."""
        fresh, *later = (state[name] for state in self.tables)
        return [
            (state[at] - fresh[at]) / max(self.executions, 1) for state in later for at in (0, 1)
        ]


@dataclass(frozen=True, slots=True)
class Soaked:
    minutes: float
    samples: Sequence[Sample]
    production: Growth
    embedded: Growth

    @property
    def warm(self) -> Sequence[Sample]:
        return self.samples[int(len(self.samples) * _WARM_UP) :]

    @property
    def problems(self) -> list[str]:
        found = [*self.production.problems, *self.embedded.problems]
        if len(self.warm) < _LEAST_SAMPLES:
            return [*found, "too few samples for a slope"]
        slopes = {name: slope(self.warm, name) for name in _GOALS}
        steep = [name for name, goal in _GOALS.items() if slopes[name] >= goal]
        return [*found, *(f"{one} grows by {slopes[one]:.2f} in 1,000 executions" for one in steep)]


def text(soaked: Soaked) -> str:
    production, embedded = soaked.production, soaked.embedded
    return _TEXT.format(
        minutes=soaked.minutes,
        per_s=PER_S,
        watched=WATCHED_EACH,
        every=EVERY_S,
        executions=production.executions,
        late_s=production.late_s,
        processes=_table(_processes(soaked)),
        postgresql=_table(_tables(production)),
        sqlite_executions=embedded.executions,
        sqlite=_table(_tables(embedded)),
        prune_s=production.prune_s,
        told="; ".join(line for line in production.prune_told if line),
        totals=production.totals,
        verdict="\n".join(f"- {one}" for one in soaked.problems) or "All of it holds.",
        date=datetime.now(UTC).strftime("%d %B %Y"),
        cores=os.cpu_count(),
    )


def write(soaked: Soaked) -> None:
    PAGE.write_text(text(soaked))


def _processes(soaked: Soaked) -> Iterator[Sequence[str]]:
    yield "what", "first sample", "after warm-up", "last", "grows", "goal"
    if len(soaked.warm) < _LEAST_SAMPLES:
        return
    for name in soaked.samples[0].numbers:
        shown = (soaked.samples[0], soaked.warm[0], soaked.warm[-1])
        numbers = [f"{sample.numbers[name]:.{'MiB' in name:d}f}" for sample in shown]
        goal = f"< {_GOALS[name]:g}" if name in _GOALS else ""
        yield name, *numbers, f"{slope(soaked.warm, name):+.2f}", goal


def _tables(growth: Growth) -> Iterator[Sequence[str]]:
    yield "table", "rows", "bytes", "rows, pruned", "bytes, pruned"
    _, grown, _ = growth.tables
    each = {name: growth.each(name) for name in sorted(grown, key=lambda one: -grown[one][1])}
    for name, numbers in each.items():
        if numbers[0] >= _GROWS:
            yield f"`{name}`", *_cells(numbers)
    yield "all", *_cells([sum(column) for column in zip(*each.values(), strict=True)])


def _cells(numbers: Sequence[float]) -> list[str]:
    return [f"{one:,.0f}" if at % 2 else f"{one:.2f}" for at, one in enumerate(numbers)]


def _table(rows: Iterator[Sequence[str]]) -> str:
    head = next(rows)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
