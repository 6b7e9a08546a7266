"""What Chatter adds to LangGraph, without HTTP: 20 nodes in a line, which only render texts.

`python -m bench.linear SECONDS` prints JSON. The garbage collector does here what it does in a
server, for both.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple, TypedDict

from langgraph.graph import END, START, StateGraph

from bench.processes import answer_of
from bench.rows import Row
from bench.site import Site
from core.garbage import leave_what_is_loaded

STORED_GOAL, LINEAR_GOAL = 1.05, 1.15
_NODES, _ROUNDS = 20, 7
_CLIENTS = (1, 50)

Once = Callable[[], Awaitable[Any]]


def rows(site: Site, *, seconds: float) -> Iterator[Row]:
    told = answer_of("-m", "bench.linear", str(seconds), environment=site.environment)
    site.silent += told["runs"]
    site.check()
    whats = {"stored": ("a stored definition, over the same graph compiled by hand", STORED_GOAL)}
    for clients in _CLIENTS:
        what = f"{_NODES} nodes recorded, over bare LangGraph, {clients} at a time"
        whats[f"recorded {clients}"] = (what, LINEAR_GOAL)
        whats[f"recorded {clients} cpu"] = (f"{what}, processor time", LINEAR_GOAL)
    for name, (what, goal) in whats.items():
        ours, theirs, ratio = told[name]
        yield Row(what, site.label, f"{ours:.2f} ms", f"{theirs:.2f} ms", ratio, "×", goal)


class State(TypedDict):
    text: str


def _bare() -> Any:
    """Its nodes do what Chatter's do: they make a text of the one before."""
    builder = StateGraph(State)

    async def node(state: State) -> State:
        return {"text": f"Then {state['text']}"[:40]}

    names = [f"node{at}" for at in range(_NODES)]
    for name in names:
        builder.add_node(name, node)
    for source, target in zip([START, *names], [*names, END], strict=True):
        builder.add_edge(source, target)
    return builder.compile()


def _document() -> dict[str, Any]:
    texts = {"template": "Then {{ input.message }}"}
    inner = [{"id": f"node{at}", "type": "prompt", "config": texts} for at in range(_NODES - 2)]
    nodes = [{"id": "start", "type": "start"}, *inner, {"id": "end", "type": "end"}]
    ids = [node["id"] for node in nodes]
    edges = [{"source": a, "target": b} for a, b in zip(ids, ids[1:], strict=False)]
    return {"nodes": nodes, "edges": edges}


class Took(NamedTuple):
    """Milliseconds of a run, by the clock and of this process's processors; and how many ran."""

    ms: float
    cpu_ms: float
    runs: int


async def took(once: Once, clients: int, seconds: float) -> Took:
    """With so many runs under way at once."""
    began, cpu, runs = time.perf_counter(), time.process_time(), 0

    async def client() -> None:
        nonlocal runs
        while time.perf_counter() < began + seconds:
            await once()
            runs += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return Took(wall_s / runs * 1000, cpu_s / runs * 1000, runs)


async def _compared(
    ours: Once, theirs: Once, clients: int, seconds: float
) -> list[tuple[Took, Took]]:
    """Both in turns, after a warm-up."""
    return [
        (await took(ours, clients, each), await took(theirs, clients, each))
        for each in [seconds / 2] + [seconds] * _ROUNDS
    ]


def _told(pairs: Sequence[tuple[Took, Took]], name: str) -> tuple[float, float, float]:
    """The medians of both, and of their ratio."""
    ours, theirs = ([getattr(one, name) for one in side] for side in zip(*pairs[1:], strict=True))
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return median(ours), median(theirs), median(ratios)


def main() -> None:
    import django  # noqa: PLC0415 - only this process needs it

    django.setup()
    from bench.linear_runs import recorded, stored_and_by_hand  # noqa: PLC0415 - after the set-up

    seconds = float(sys.argv[1])
    bare = _bare()

    async def langgraph() -> None:
        async for _ in bare.astream({"text": "Hello"}, stream_mode=["values"]):
            pass

    told: dict[str, Any] = {"runs": 0}
    stored, by_hand = stored_and_by_hand(_document())
    leave_what_is_loaded()
    told["stored"] = _told(asyncio.run(_compared(stored, by_hand, 1, seconds)), "ms")
    with recorded(_document()) as run:
        for clients in _CLIENTS:
            pairs = asyncio.run(_compared(run, langgraph, clients, seconds))
            told[f"recorded {clients}"] = _told(pairs, "ms")
            told[f"recorded {clients} cpu"] = _told(pairs, "cpu_ms")
            told["runs"] += sum(ours.runs for ours, _ in pairs)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
