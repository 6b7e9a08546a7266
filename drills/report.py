"""The page `docs/drills.md`: what was done, and what was left."""

# ruff: noqa: E501 - a page of Markdown

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from drills.drill import Drilled
from drills.load import EXECUTIONS, LATE, WATCHED_EACH
from drills.verdict import PROMISES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "drills.md"
_TEXT = """\
# Drills

Written by `make drills`; do not edit. Each drill has a fresh site: `embedded` is one server on SQLite,
`production` two web servers and two workers with a PostgreSQL and a Redis of their own. {executions}
executions of two model calls, a pause and a prompt are under way when the fault begins, {late} more are
requested while it lasts, and {watched} are watched over sockets that reconnect after each cut. The
provider is a local server that speaks the wire format over HTTP and keeps its own meter.

What is checked afterwards:

{promises}

## What was done, and what came of it

*Under way*: how many executions were when the fault began. *Taken up*: attempts beyond the first of each execution.
*Lost*: calls recorded in the ledger as lost, because they were in flight when their process died or the database
could not record their end. *Back*: how many watchers lost their socket and reconnected, from the last number
they had. *Refused*: how often a start was answered with anything but 202 and had to be requested again.
*Over after*: seconds from the end of the fault to the end of the last execution; most of that is what executions
take anyway, see the first line of each table.

{tables}

## Promise by promise

{verdicts}

{problems}

{date}, on {cores} cores; {minutes:.0f} minutes in all.
"""
_HEAD = "| drill | fault | executions | under way | taken up | lost | back | refused | over after | took |"


def line(one: Drilled) -> str:
    """For people who watch."""
    name = f"{one.profile:10} {one.fault.name:18}"
    if one.missing:
        return f"{name} not run: {one.missing} is not on this machine"
    verdict = "; ".join(f"{problem.promise}: {problem.what}" for problem in one.problems[:5])
    counts = f"{one.under_way} of {one.executions} under way, {one.taken_up} up, {one.lost} lost, {one.reconnected} back, refused {_refused(one)}"
    times = f"{one.recovered_s:5.1f} s of {one.took_s:3.0f} s"
    return f"{name} {times}  {verdict or 'holds'}  ({counts})"


def write(drilled: list[Drilled]) -> None:
    profiles = dict.fromkeys(one.profile for one in drilled)
    tables = (_table(name, [one for one in drilled if one.profile == name]) for name in profiles)
    PAGE.write_text(
        _TEXT.format(
            executions=EXECUTIONS,
            late=LATE,
            watched=(EXECUTIONS + LATE) // WATCHED_EACH,
            promises="\n".join(f"- **{name}**: {text}" for name, text in PROMISES.items()),
            tables="\n\n".join(tables),
            verdicts=_verdicts(drilled),
            problems="\n".join(_problems(drilled)) or "Everything holds.",
            date=datetime.now(UTC).strftime("%d %B %Y"),
            cores=os.cpu_count(),
            minutes=sum(one.took_s for one in drilled) / 60,
        )
    )


def _table(profile: str, drilled: Iterable[Drilled]) -> str:
    return "\n".join([f"### {profile}", "", _HEAD, "|---" * 10 + "|", *map(_row, drilled)])


def _row(one: Drilled) -> str:
    if one.missing:
        return f"| {one.fault.name} | not run: {one.missing} is not on this machine |||||||||"
    counts = f"{one.executions} | {one.under_way} | {one.taken_up} | {one.lost} | {one.reconnected}"
    times = f"{one.recovered_s:.1f} s | {one.took_s:.0f} s"
    return f"| {one.fault.name} | {one.fault.what} | {counts} | {_refused(one)} | {times} |"


def _verdicts(drilled: Iterable[Drilled]) -> str:
    head = [
        "| profile | drill | " + " | ".join(PROMISES) + " |",
        "|---" * (len(PROMISES) + 2) + "|",
    ]
    return "\n".join([*head, *(_verdict(one) for one in drilled if not one.missing)])


def _verdict(one: Drilled) -> str:
    broken = {problem.promise for problem in one.problems}
    told = " | ".join("**no**" if promise in broken else "yes" for promise in PROMISES)
    return f"| {one.profile} | {one.fault.name} | {told} |"


def _refused(one: Drilled) -> str:
    told = sorted(one.refusals.items())
    return ", ".join(f"{count} × {status} {code}" for (status, code), count in told) or "0"


def _problems(drilled: Iterable[Drilled]) -> Iterator[str]:
    for one in drilled:
        for problem in one.problems[:5]:
            yield f"- {one.profile}, {one.fault.name}, {problem.promise}: {' '.join(problem.what.split())}"
