"""`python -m bench`: measure, print one table, write docs/benchmarks.md."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from bench import (
    across,
    concurrency,
    databases,
    fanout,
    footprint,
    latency,
    linear,
    report,
    scaling,
    streaming,
    throughput,
    validation,
)
from bench.requests import Void
from bench.rows import Row, text_table
from bench.site import Site, site

Measure = Callable[[Site, bool], Iterator[Row]]
_MEASURES: dict[str, Measure] = {
    "footprint": lambda at, quick: footprint.rows(at, starts=2 if quick else 5),
    "latency": lambda at, quick: latency.rows(at, runs=150 if quick else 600),
    "throughput": lambda at, quick: throughput.rows(at, *((3, 1.5) if quick else (7, 4.0))),
    "concurrency": lambda at, quick: concurrency.rows(at, *((3, 2.0) if quick else (5, 4.0))),
    "linear": lambda at, quick: linear.rows(at, seconds=0.5 if quick else 2.0),
    "streaming": lambda at, quick: streaming.rows(at, *((2, 2.0) if quick else (3, 4.0))),
    "across": lambda at, quick: across.rows(at, runs=100 if quick else 300),
    "scaling": lambda at, quick: scaling.rows(at, *((1, 12.0) if quick else (3, 15.0))),
    # Its events are of executions that never end, which those above would count as lost.
    "fanout": lambda at, quick: fanout.rows(at, events=60 if quick else 200),
    "bare": lambda at, quick: throughput.bare_rows(at, seconds=2.0 if quick else 6.0),
    "validation": lambda at, quick: validation.rows(at),
}
# Those that are measured on one database only.
_ONLY_ON = {"bare": "sqlite", "validation": "sqlite", "scaling": "postgres"}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance, some minutes per database")
    parser.add_argument("--database", choices=databases.NAMES, help="only this one")
    parser.add_argument("--only", choices=_MEASURES, action="append", help="only these rows")
    return parser.parse_args()


def _rows(here: Site, only: list[str], *, quick: bool) -> Iterator[Row]:
    for name, measure in _MEASURES.items():
        if name in only and _ONLY_ON.get(name, here.database) == here.database:
            began = time.monotonic()
            yield from measure(here, quick)
            print(f"{here.label}: {name} took {time.monotonic() - began:.0f} s", file=sys.stderr)


def _measured(database: str, only: list[str], *, quick: bool) -> list[Row]:
    began, rows = time.monotonic(), []
    try:
        with site(database) as here:
            for row in _rows(here, only, quick=quick):
                rows.append(row)
                print("  ".join(cell for cell in row.cells() if cell), file=sys.stderr)
            took = time.monotonic() - began
            print(
                f"{here.label}: {here.runs + here.silent} runs, all recorded, {took:.0f} s",
                file=sys.stderr,
            )
    except databases.NotThere as error:
        print(f"{databases.LABELS[database]} is skipped: {error}", file=sys.stderr)
    return rows


def main() -> None:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    load = os.getloadavg()[0]
    wanted = [arguments.database] if arguments.database else list(databases.NAMES)
    only = arguments.only or list(_MEASURES)
    rows: list[Row] = []
    try:
        for database in wanted:
            rows += _measured(database, only, quick=arguments.quick)
    except Void as error:
        sys.exit(f"The benchmark is void: {error}")
    print(text_table(rows))
    everything = {row.database for row in rows} >= set(databases.LABELS.values())
    if everything and not arguments.only:
        report.write(rows, load, quick=arguments.quick)


if __name__ == "__main__":
    main()
