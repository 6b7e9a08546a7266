"""What the engine adds to LangGraph: one process, no HTTP, graphs that only render texts.

`python -m bench.linear SECONDS` prints JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any, TypedDict
from uuid import uuid4

from langgraph.graph import END, START, StateGraph

from bench.processes import answer_of
from bench.rows import Row
from bench.site import Site

STORED_GOAL, LINEAR_GOAL = 1.05, 1.15
_NODES = 20
_CLIENTS = 50
_ROUNDS = 7
_TEXT = "A line that is rendered."

Once = Callable[[], Awaitable[Any]]


def rows(site: Site, *, seconds: float) -> Iterator[Row]:
    environment = {**site.environment, "DJANGO_SETTINGS_MODULE": "bench.settings"}
    found = answer_of("-m", "bench.linear", str(seconds), environment=environment)
    for what, goal in (("stored", STORED_GOAL), ("linear", LINEAR_GOAL), ("slow", LINEAR_GOAL)):
        ours, theirs = found[what]
        yield Row(
            _WHAT[what], site.label, f"{ours:.2f} ms", f"{theirs:.2f} ms", ours / theirs, "×", goal
        )


_WHAT = {
    "stored": "a stored definition's run, over the same graph compiled by hand",
    "linear": f"{_NODES} nodes in a line, recorded, over bare LangGraph",
    "slow": f"the same, each node with 5 ms of waiting, {_CLIENTS} at a time",
}
