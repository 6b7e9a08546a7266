"""`python -m bench`: measure, print one table, write docs/benchmarks.md."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator

from bench import databases, fanout, footprint, latency, linear, report, throughput, validation
from bench.requests import Void
from bench.rows import Row, text_table
from bench.site import Site, site

_GROUPS = ("throughput", "latency", "footprint", "linear", "bare", "validation", "fanout")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a glance, a minute per database")
    parser.add_argument("--database", choices=databases.NAMES, help="only this one")
    parser.add_argument("--only", choices=_GROUPS, action="append", help="only these rows")
    return parser.parse_args()


def _rows(here: Site, only: list[str], *, quick: bool) -> Iterator[Row]:
    if "footprint" in only:
        yield from footprint.rows(here, starts=2 if quick else 5)
    if "latency" in only:
        yield from latency.rows(here, runs=150 if quick else 600)
    if "throughput" in only:
        yield from throughput.rows(here, rounds=3 if quick else 7, seconds=1.5 if quick else 4.0)
    if "linear" in only:
        yield from linear.rows(here, seconds=0.5 if quick else 2.0)
    if "fanout" in only:
        yield from fanout.rows(here, events=60 if quick else 200)
    if "bare" in only and here.database == "sqlite":
        yield from throughput.bare_rows(here, seconds=2.0 if quick else 6.0)
    if "validation" in only and here.database == "sqlite":
        yield from validation.rows(here)


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
    only = arguments.only or list(_GROUPS)
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
