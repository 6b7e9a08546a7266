"""What analytics and audit add to a run: `python -m bench.recording SECONDS` prints JSON.

Runs of one model call, in turns with both listening and with neither, by the clock and by the
processor time of this process. What chores do behind runs, sealing and adding up, is done at the
end of each turn and is a part of it, so that none pays for another. A turn takes as long as a chore
waits, 2 s. A database of its own: what ran unheard would be found missing by `reconcile`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from statistics import fmean, median, stdev
from typing import Any, NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django first

from analytics import receivers  # noqa: E402
from analytics.rollups import recording  # noqa: E402
from analytics.rollups.folding import fold  # noqa: E402
from audit import record  # noqa: E402
from audit.sealing import seal_entries  # noqa: E402
from bench.linear import took  # noqa: E402
from bench.linear_runs import recorded  # noqa: E402
from bench.seed import seed  # noqa: E402
from core.database import database  # noqa: E402
from core.garbage import leave_what_is_loaded  # noqa: E402
from llms.signals import model_calls_settled  # noqa: E402
from workflows.signals import executions_finished  # noqa: E402
from workflows.tracking import facts  # noqa: E402

# By how many run at a time. A pair of turns at 50 differs by 0.13 ms more or less (measured).
_ROUNDS = {1: 20, 50: 100}
_GRAPH = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "ask", "type": "model"},
        {"id": "end", "type": "end"},
    ],
    "edges": [{"source": "start", "target": "ask"}, {"source": "ask", "target": "end"}],
}
_BEHIND = ("audit.chores.seal_what_was_recorded", "analytics.chores.fold_rollups")
_HEARD = (
    (executions_finished, receivers.on_executions_finished, "analytics.executions"),
    (executions_finished, recording.on_executions_finished, "rollups.executions"),
    (model_calls_settled, recording.on_model_calls_settled, "rollups.model_calls"),
)


@contextmanager
def unheard() -> Iterator[None]:
    """Neither kept numbers, rollups nor audit entries; the receivers come back afterwards."""
    for signal, _, uid in _HEARD:
        signal.disconnect(dispatch_uid=uid)
    facts.record_many = lambda entries: None  # type: ignore[assignment]
    try:
        yield
    finally:
        facts.record_many = record.record_many
        for signal, receiver, uid in _HEARD:
            signal.connect(receiver, dispatch_uid=uid)


class _Turn(NamedTuple):
    """Milliseconds of a run, by the clock and of processor time, and what was done behind it."""

    ms: float
    cpu_ms: float
    behind_ms: float
    behind_cpu_ms: float


async def _turn(once: Any, clients: int, seconds: float) -> _Turn:
    turn = await took(once, clients, seconds)
    began, cpu = time.perf_counter(), time.process_time()
    await database.run(seal_entries)
    await database.run(fold)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    ms, cpu_ms = wall_s / turn.runs * 1000, cpu_s / turn.runs * 1000
    return _Turn(turn.ms + ms, turn.cpu_ms + cpu_ms, ms, cpu_ms)


async def _added_ms(once: Any, clients: int, seconds: float) -> dict[str, float]:
    """Median milliseconds of a run with and without, the mean of what the pairs differ by and its
    standard error, and the median of what is done behind a run.
    """
    await _turn(once, clients, seconds)
    pairs: list[tuple[_Turn, _Turn]] = []
    for at in range(_ROUNDS[clients]):
        turns = {}
        for hear in (True, False) if at % 2 else (False, True):
            with nullcontext() if hear else unheard():
                turns[hear] = await _turn(once, clients, seconds)
        pairs.append((turns[True], turns[False]))
    told = {}
    for name in ("ms", "cpu_ms"):
        of_name = [(getattr(one, name), getattr(other, name)) for one, other in pairs]
        added = [one - other for one, other in of_name]
        told |= {
            f"with_{name}": median(one for one, _ in of_name),
            f"without_{name}": median(other for _, other in of_name),
            f"added_{name}": fmean(added),
            f"error_{name}": stdev(added) / len(added) ** 0.5,
            f"behind_{name}": median(getattr(one, f"behind_{name}") for one, _ in pairs),
        }
    return told


def main() -> None:
    seconds = float(sys.argv[1])
    settings.CHATTER_CHORES = [one for one in settings.CHATTER_CHORES if one not in _BEHIND]
    seed()
    leave_what_is_loaded()
    with recorded(_GRAPH) as run:
        told = {str(n): asyncio.run(_added_ms(run, n, seconds)) for n in _ROUNDS}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
