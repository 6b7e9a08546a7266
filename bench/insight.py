"""How fast dashboards are with a year of executions: `python -m bench.insight [--rows N …]`.

Fills a database of its own with synthetic executions, makes the rollups from them, and times what
dashboards ask beside the same asked of the executions themselves. Writes its own page of docs, or
the part of it that is asked for. With `--keep` the databases of PostgreSQL stay, to be asked again.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import databases
from bench.processes import answer_of, command
from bench.report import machine

_RECORDING = "What stored totals, rollups and the audit trail add to a run of one model call, in"
_PAGE = Path(__file__).resolve().parent.parent / "docs" / "analytics-benchmark.md"
ADDED_GOAL_MS = 0.1
GOALS_MS = {
    "templates of 30 days with p95": 10.0,
    "days × templates of 30 days with p95": 10.0,
    "totals of 30 days": 2.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.insight", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--database", choices=databases.NAMES, action="append")
    parser.add_argument("--only", choices=("questions", "recording"), help="the other part stays")
    parser.add_argument("--keep", action="store_true", help="as chatter_bench_<rows>, if not there")
    given = parser.parse_args()
    chosen = given.database or databases.NAMES
    questions, recording = _PAGE.read_text().split(_RECORDING)
    if given.only != "recording":
        questions = _questions([line for one in chosen for line in _asked(one, given)])
    if given.only != "questions":
        recording = _recording([line for one in chosen for line in _added(one)])
    _PAGE.write_text(questions + _RECORDING + recording)


def _asked(database: str, given: argparse.Namespace) -> Iterator[str]:
    for rows in given.rows if database == "postgres" else given.rows[:1]:
        kept = f"chatter_bench_{rows}" if given.keep else ""
        with databases.environment(database, kept) as environment:
            command("manage.py", "migrate", "--verbosity", "0", environment=environment)
            told = answer_of(
                "-m", "bench.insight_of", str(rows), environment=environment, timeout_s=7200
            )
        print(json.dumps(told, indent=1), file=sys.stderr)
        yield from _lines(databases.LABELS[database], rows, told)


def _lines(label: str, rows: int, told: dict[str, Any]) -> Iterator[str]:
    for name, took in told["queries"].items():
        goal = GOALS_MS.get(name)
        met = (
            ""
            if goal is None
            else f"{goal:g} ms" + ("" if took["rollup_ms"] <= goal else ", missed")
        )
        ratio = took["raw_ms"] / took["rollup_ms"]
        yield (
            f"| {label}, {rows:,} | {name} | {took['rollup_ms']:.2f} ms | {took['raw_ms']:.0f} ms |"
            f" {ratio:,.0f}× | {met} |"
        )


def _added(database: str) -> Iterator[str]:
    with databases.environment(database) as environment:
        command("manage.py", "prepare", environment=environment)
        took = answer_of("-m", "bench.recording", "2", environment=environment, timeout_s=1200)
    print(json.dumps(took), file=sys.stderr)
    for clients, one in took.items():
        missed = ", missed" if one["added_ms"] > ADDED_GOAL_MS else ""
        yield (
            f"| {databases.LABELS[database]}, {clients} at a time | {one['with_ms']:.2f} ms"
            f" | {one['without_ms']:.2f} ms | {one['added_ms']:.3f} ± {one['error_ms']:.3f} ms"
            f" | {ADDED_GOAL_MS:g} ms{missed} | {one['behind_ms']:.3f} ms"
            f" | {one['added_cpu_ms']:.3f} ± {one['error_cpu_ms']:.3f} ms"
            f" | {one['behind_cpu_ms']:.3f} ms |"
        )


def _questions(lines: list[str]) -> str:
    return "\n".join(
        [
            "# Dashboards with many executions",
            "",
            "Written by `python -m bench.insight`: a year of synthetic executions",
            "(`bench/synthetic.py`), the rollups built from them by `rebuild_rollups`, and the",
            "median time a report takes to query these and build its answer; beside it, the same",
            "question put to the executions in SQL (SQLite has no percentiles, so there it is put",
            "without p95).",
            "",
            machine(),
            "",
            "| executions | question | from the rollups | from the executions | ratio | goal |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            "",
        ]
    )


def _recording(added: list[str]) -> str:
    return "\n".join(
        [
            "",
            "alternation with all of them and with none (`bench/recording.py`): 20 pairs of turns",
            "of 2 s one at a time, 100 pairs 50 at a time, until all is sealed and added up, which",
            "no run waits for; by the clock, and in Chatter's own processor time. What is added is",
            "the mean of what the pairs differ by, with its standard error. The share of sealing",
            'and adding up is "behind".',
            "",
            machine() + f", Python {platform.python_version()}",
            "",
            "| | with | without | added | goal | behind | added, processor | behind |",
            "|---|---|---|---|---|---|---|---|",
            *added,
            "",
        ]
    )


if __name__ == "__main__":
    main()
