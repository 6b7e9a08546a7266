"""In a worker that is to be killed: nodes that stand still in the midst, until it is.

What is held is a file in `CONFORMANCE_HELD`, by the id of the execution: the type of the node, and
whether it is held when it has `begun` and done nothing yet, or when it is `done` and nobody knows.
Another file beside it says which process stands still there. Whoever removes the first lets whoever
comes after go on.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import AppConfig

HOLDS, HELD = ".holds", ".held"


class Holding(AppConfig):
    """Beside the apps of the product."""

    name = "tests.conformance.holding"

    def ready(self) -> None:
        from workflows.registry import NODE_TYPES  # apps are loaded before it can be read

        for kind in NODE_TYPES.all():
            type(kind).run = held(type(kind).run, kind.key)


def held(run: Callable[..., Any], key: str) -> Callable[..., Any]:
    async def run_or_stand_still(self: Any, config: Any, inputs: Any, visit: Any) -> Any:
        moment = _moment(visit.context.execution_id, key)
        if moment is None:
            return await run(self, config, inputs, visit)
        if moment == "done":
            await run(self, config, inputs, visit)
        await whole_log(visit.context.log).committed()
        _file(visit.context.execution_id, HELD).write_text(str(os.getpid()))
        return await asyncio.Event().wait()

    return run_or_stand_still


def whole_log(log: Any) -> Any:
    """The log of the whole run, for a node of a workflow within it."""
    return whole_log(log.outer) if hasattr(log, "outer") else log


def _moment(execution: UUID, key: str) -> str | None:
    """In which moment such a node of this execution is to be held."""
    try:
        kind, moment = _file(execution, HOLDS).read_text().split()
    except FileNotFoundError:
        return None
    return moment if kind == key else None


def _file(execution: UUID, suffix: str) -> Path:
    return Path(os.environ["CONFORMANCE_HELD"], f"{execution}{suffix}")
