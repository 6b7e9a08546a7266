"""The clock of one machine that fires schedules jumps."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from drills.fault import Fault
from drills.jumping import WRONG_BY
from drills.load import PERSON, WORKFLOW
from drills.site import Site

if TYPE_CHECKING:
    from drills.verdict import Left

_JUMP_S = 20  # four leases, ten fire times
_EVERY_S = 2
_STEPS = ((0, 2.0), (_JUMP_S, 6.0), (0, 2.0), (-_JUMP_S, 4.0), (0, 3.0))
_MISFIRES = {"skip": "missed", "once": "skipped", "all": "started"}


def _with_a_clock_of_its_own(site: Site) -> None:
    _set(site, 0)
    process = site.pumps[0]
    process.environment |= {WRONG_BY: str(_clock(site))}
    process.command = ["-m", "drills.jumping", *process.command[1:]]


async def _jump(site: Site) -> None:
    made = [await _asked(site, "", _schedule(site, misfire)) for misfire in _MISFIRES]
    for offset_s, for_s in _STEPS:
        _set(site, offset_s)
        await asyncio.sleep(for_s)
    for one in made:
        await _asked(site, f"{one['id']}/pause/", {})


def _each_time_once(site: Site, left: "Left") -> Iterator[str]:
    """Every fire time has one row, or lies in the stretch of one; those that ran ran once."""
    found = site.ask("drills.fired")
    caused = {key for key, one in left.executions.items() if one["cause"] == "schedule"}
    ran = [firing["execution"] for one in found for firing in one["firings"] if firing["execution"]]
    if sorted(ran) != sorted(caused):
        yield f"{len(caused)} executions for {len(ran)} fire times"
    for schedule in found:
        yield from _wrong_times(schedule)


def _wrong_times(schedule: dict[str, Any]) -> Iterator[str]:
    times = sorted(at for firing in schedule["firings"] for at in _times(firing))
    spread = {later - earlier for earlier, later in zip(times, times[1:], strict=False)}
    if spread != {timedelta(seconds=_EVERY_S)}:
        yield f"fire times of '{schedule['misfire']}' are {sorted(map(str, spread))} apart"
    told = {firing["status"] for firing in schedule["firings"]}
    wanted = {"started", _MISFIRES[schedule["misfire"]]}
    if not wanted <= told <= wanted | {"missed"}:  # those due when it was paused are missed
        yield f"fire times of '{schedule['misfire']}' are {sorted(told)}"


def _times(firing: dict[str, Any]) -> Iterator[datetime]:
    at = datetime.fromisoformat(firing["fire_at"])
    until = datetime.fromisoformat(firing["until"] or firing["fire_at"])
    while at <= until:
        yield at
        at += timedelta(seconds=_EVERY_S)


def _schedule(site: Site, misfire: str) -> dict[str, Any]:
    return {
        "name": misfire,
        "definition": site.made["definitions"][WORKFLOW],
        "input": {"message": "on time [[words=3]]"},
        "kind": "interval",
        "every_s": _EVERY_S,
        "misfire": misfire,
        "grace_s": 3,
    }


async def _asked(site: Site, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = site.people[PERSON].headers
    async with httpx2.AsyncClient(base_url=site.webs[-1].url, headers=headers) as client:
        told = await client.post(f"/api/v1/schedules/{path}", json=body, timeout=20)
    return dict(told.raise_for_status().json())


def _set(site: Site, offset_s: int) -> None:
    new = _clock(site).with_suffix(".new")
    new.write_text(str(offset_s))
    new.rename(_clock(site))


def _clock(site: Site) -> Path:
    return site.home / "clock"


CLOCKS = (
    Fault(
        "clock-jumps",
        f"the clock of one process that fires schedules jumps {_JUMP_S} s ahead, back, {_JUMP_S} s "
        "behind, and back; three schedules are under way",
        _jump,
        environment={"SCHEDULE_MIN_INTERVAL_S": "1"},
        prepare=_with_a_clock_of_its_own,
        also=_each_time_once,
        loses=True,
        one_clock=False,
    ),
)
