"""`python -m soak`: a steady load for half an hour, then prune; writes docs/soak.md."""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from drills.load import furnish
from drills.services import Missing
from drills.site import Site
from soak import report
from soak.load import Load
from soak.report import Growth, Soaked
from soak.sampling import Sampler

_STILL_S = 120.0
_COMMAND_S = 1_200.0  # to look through all that half an hour left
_EMBEDDED_S = 60.0  # long enough to tell what an execution takes


def main() -> None:
    arguments = _arguments()
    for name in ("websockets", "httpx2"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    try:
        soaked = soak(arguments.minutes)
    except Missing as missing:
        sys.exit(f"{missing} is not on this machine")
    print(report.text(soaked))
    if not arguments.dry_run:
        report.write(soaked)
    sys.exit(bool(soaked.problems))


def soak(minutes: float) -> Soaked:
    """The production profile for so long, and a minute of the embedded one, to compare tables."""
    longer_s = round(minutes * 60 + 600)  # than it lasts: no process is replaced meanwhile
    with _site("production", CHATTER_TENURE_S=str(longer_s)) as site:
        sampler = Sampler(site)
        production = _grown(site, minutes * 60, sampler)
    with _site("embedded") as site:
        embedded = _grown(site, min(minutes * 60, _EMBEDDED_S))
    return Soaked(minutes, sampler.samples, production, embedded)


@contextmanager
def _site(profile: str, **environment: str) -> Iterator[Site]:
    home = Path(mkdtemp(prefix="chatter-soak-"))
    home.chmod(0o711)  # the postgres user has to pass
    try:
        # So that logs are of what `prune` takes; nothing here is so old that it goes by itself.
        with Site(home / "site", profile, {"EVENTS_KEPT_DAYS": "1", **environment}) as site:
            site.command_s = _COMMAND_S
            furnish(site)
            site.start_all()
            yield site
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _grown(site: Site, seconds: float, sampler: Sampler | None = None) -> Growth:
    """Put it under load, then take of its tables what may be taken."""
    load, fresh = Load(site), site.ask("soak.state")
    asyncio.run(_under_load(load, sampler, seconds))
    grown = _still(site)
    problems = [*_proofs(site, "after the load")]
    began = time.monotonic()
    done = site.manage("prune", "--older-than", "0")
    prune_s = time.monotonic() - began
    if done.returncode:
        problems.append(f"prune: {done.stderr[-300:]}")
    problems += _proofs(site, "after prune")
    pruned = site.ask("soak.state", "vacuum")
    problems += [
        f"prune changed {name} from {before} to {pruned['totals'][name]}"
        for name, before in grown["totals"].items()
        if pruned["totals"][name] != before
    ]
    problems += [f"{count} times: {what}" for what, count in load.wrong.items()]
    problems += [f"{site.profile}: {grown['failed']} failed"] if grown["failed"] else []
    return Growth(
        executions=load.started,
        late_s=load.late_s,
        tables=[state["tables"] for state in (fresh, grown, pruned)],
        totals=len(grown["totals"]),
        prune_s=prune_s,
        prune_told=done.stdout.split("\n"),
        problems=problems,
    )


async def _under_load(load: Load, sampler: Sampler | None, seconds: float) -> None:
    async with asyncio.timeout(seconds + _STILL_S), asyncio.TaskGroup() as group:
        running = group.create_task(load.run(seconds))
        if sampler is not None:
            sampling = group.create_task(sampler.run())
            running.add_done_callback(lambda _: sampling.cancel())


def _still(site: Site) -> dict[str, Any]:
    """What the database holds once nothing is under way. Raises TimeoutError."""
    deadline = time.monotonic() + _STILL_S
    while (state := site.ask("soak.state"))["under_way"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{state['under_way']} executions do not end.")
    return dict(state)


def _proofs(site: Site, when: str) -> list[str]:
    done = {name: site.manage(name) for name in ("reconcile", "verify_audit")}
    return [f"{name} {when}: {one.stdout[-300:]}" for name, one in done.items() if one.returncode]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--dry-run", action="store_true", help="leave docs/soak.md as it is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
