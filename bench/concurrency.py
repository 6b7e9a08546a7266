"""Whether many executions at once cost more than few: their throughput, in turns."""

from collections.abc import Iterator
from statistics import median

from bench.rows import Row
from bench.site import Site
from bench.throughput import Arm, measure

FEW, MANY = 10, 100
GOAL = 0.9


def rows(site: Site, rounds: int, seconds: float) -> Iterator[Row]:
    with site.serving() as server:
        arms = {clients: Arm(server, site.chat("wait"), records=True) for clients in (FEW, MANY)}
        for clients, arm in arms.items():
            measure(site, arm, clients, seconds / 2)
            arm.forget()
        for _ in range(rounds):
            for clients, arm in arms.items():
                measure(site, arm, clients, seconds)
    few, many = arms[FEW], arms[MANY]
    yield Row(
        f"executions/s, {MANY} under way, beside {FEW}",
        site.label,
        f"{many.speed:.0f}/s, {many.cpu:.2f} ms CPU",
        f"{few.speed:.0f}/s, {few.cpu:.2f} ms CPU",
        median(most / least for most, least in zip(many.per_s, few.per_s, strict=True)),
        "×",
        GOAL,
        at_least=True,
    )
    site.check()
