"""Recorded runs per second, and processor time per run, of a loaded server."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from bench.client import load
from bench.processes import Server, answer_of
from bench.requests import Request
from bench.rows import Row
from bench.site import Site

CLIENTS = (50, 100)
RATIO_GOAL = 0.75
CPU_GOAL_MS = 0.5
_MODES = ("wait", "stream")


@dataclass(slots=True)
class Arm:
    """One of the things compared, and what each round of it came to."""

    server: Server
    request: Request
    records: bool
    per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        return median(self.per_s)

    @property
    def cpu(self) -> float:
        return median(self.cpu_ms)

    def forget(self) -> None:
        """What was measured so far was a warm-up."""
        self.per_s.clear()
        self.cpu_ms.clear()


def rows(site: Site, rounds: int, seconds: float) -> Iterator[Row]:
    """Partner and subject take turns, so that both meet the same noise."""
    with site.serving() as ours, site.partner_serving() as plain:
        for clients in CLIENTS:
            arms = {mode: Arm(ours, site.chat(mode), records=True) for mode in _MODES}
            arms["partner"] = Arm(plain, site.partner(), records=False)
            arms["guest"] = Arm(ours, site.partner(), records=False)
            arms["talkative"] = Arm(plain, site.partner("/bench/talkative/"), records=False)
            for arm in arms.values():
                measure(site, arm, clients, seconds / 2)
                arm.forget()
            for _ in range(rounds):
                for arm in arms.values():
                    measure(site, arm, clients, seconds)
            yield from _rows(site, arms, clients)
        site.check()


def measure(site: Site, arm: Arm, clients: int, seconds: float) -> None:
    """One round of load."""
    before = arm.server.cpu_s()
    window = asyncio.run(load(arm.server.port, arm.request, clients, seconds))
    arm.cpu_ms.append((arm.server.cpu_s() - before) / window.runs * 1000)
    arm.per_s.append(window.per_s)
    if arm.records:
        site.did(window)


def _rows(site: Site, arms: dict[str, Arm], clients: int) -> Iterator[Row]:
    partner = arms["partner"]
    for mode in _MODES:
        arm = arms[mode]
        yield Row(
            f"runs/s, {clients} clients, {mode}",
            site.label,
            f"{arm.speed:.0f}/s",
            f"{partner.speed:.0f}/s",
            median(ours / theirs for ours, theirs in zip(arm.per_s, partner.per_s, strict=True)),
            "×",
            RATIO_GOAL,
            at_least=True,
        )
    for mode in _MODES:
        arm = arms[mode]
        yield Row(
            f"added CPU, {clients} clients, {mode}",
            site.label,
            f"{arm.cpu:.2f} ms",
            f"{partner.cpu:.2f} ms",
            arm.cpu - partner.cpu,
            " ms",
            CPU_GOAL_MS,
        )
    others = {
        ("wait", "guest"): "partner behind Chatter's middleware",
        ("stream", "talkative"): "partner streams each word",
    }
    for (mode, name), what in others.items():
        arm, other = arms[mode], arms[name]
        yield Row(
            f"runs/s, {clients} clients, {mode}, {what}",
            site.label,
            f"{arm.speed:.0f}/s, {arm.cpu:.2f} ms CPU",
            f"{other.speed:.0f}/s, {other.cpu:.2f} ms CPU",
            median(ours / theirs for ours, theirs in zip(arm.per_s, other.per_s, strict=True)),
            "×",
        )


def bare_rows(site: Site, *, seconds: float) -> Iterator[Row]:
    """What LangGraph itself takes, without server, request and recording, beside the partner."""
    bare = answer_of("-m", "bench.bare_graph", str(seconds), environment=site.environment)
    with site.partner_serving() as server:
        arm = Arm(server, site.partner(), records=False)
        for _ in range(3):
            measure(site, arm, CLIENTS[0], seconds / 3)
    yield Row(
        "bare LangGraph in process, beside the partner",
        "none",
        f"{bare['runs_per_s']:.0f}/s, {bare['cpu_ms']:.2f} ms CPU",
        f"{arm.speed:.0f}/s, {arm.cpu:.2f} ms CPU",
        bare["runs_per_s"] / arm.speed,
        "×",
    )
