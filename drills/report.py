"""The page `docs/drills.md`: what was done, and what was left."""

# ruff: noqa: E501 - a page of Markdown

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from drills.load import EXECUTIONS, WATCHED_EACH

if TYPE_CHECKING:
    from drills.__main__ import Drilled

PAGE = Path(__file__).resolve().parent.parent / "docs" / "drills.md"
_TEXT = """\
# Drills

Written by `make drills`; do not edit. Each drill has a fresh site: on `embedded` one server on SQLite,
on `production` two web servers and two workers on a PostgreSQL and a Redis of their own. {executions}
executions of two model calls, a pause and a prompt are under way when the fault comes, and {watched} of
them are watched over sockets that come back after each cut. The provider is a local server that speaks
the wire format over HTTP and keeps its own meter.

Afterwards: every execution is over, one for each cause; every output is that of a run without a fault;
every log is numbered without a gap and ends once; each request that the meter saw has one row, which
says the same or that it is not known (lost: in flight when its process died); nothing finished was
paid twice, no two calls of an execution overlap; every watcher has exactly the log; `reconcile` and
`verify_audit` find nothing. "Over after" is counted from the end of the fault.

{table}

{date}, on {cores} cores.
"""


def line(one: Drilled) -> str:
    """For people who watch."""
    verdict = "; ".join(one.problems[:5]) or "holds"
    return f"{one.profile:10} {one.fault.name:18} {one.recovered_s:5.1f} s  {verdict}"


def write(drilled: list[Drilled]) -> None:
    rows = ["| fault | profile | taken up again | calls lost | sockets cut | over after | |"]
    rows += ["|---|---|---|---|---|---|---|"]
    for one in drilled:
        verdict = "; ".join(one.problems[:5]) or "holds"
        rows.append(
            f"| {one.fault.what} | {one.profile} | {one.taken_up} | {one.lost} | {one.cuts} "
            f"| {one.recovered_s:.1f} s | {verdict} |"
        )
    PAGE.write_text(
        _TEXT.format(
            executions=EXECUTIONS,
            watched=EXECUTIONS // WATCHED_EACH,
            table="\n".join(rows),
            date=datetime.now(UTC).strftime("%d %B %Y"),
            cores=os.cpu_count(),
        )
    )
