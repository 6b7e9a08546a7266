"""What Chatter adds to LangGraph, without HTTP: 20 nodes in a line, which only render texts.

`python -m bench.linear SECONDS` prints JSON.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from statistics import median
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from bench.processes import answer_of
from bench.rows import Row
from bench.site import Site

STORED_GOAL, LINEAR_GOAL = 1.05, 1.15
_NODES, _ROUNDS, _WARM_UP = 20, 7, 20
_CLIENTS = (1, 50)

Once = Callable[[], Awaitable[Any]]


def rows(site: Site, *, seconds: float) -> Iterator[Row]:
    took = answer_of("-m", "bench.linear", str(seconds), environment=site.environment)
    site.silent += took["runs"]
    site.check()
    whats = {"stored": ("a stored definition, over the same graph compiled by hand", STORED_GOAL)}
    for clients in _CLIENTS:
        what = f"{_NODES} nodes recorded, over bare LangGraph, {clients} at a time"
        whats[f"recorded {clients}"] = (what, LINEAR_GOAL)
    for name, (what, goal) in whats.items():
        ours, theirs, ratio = took[name]
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


async def took_ms(once: Once, clients: int, seconds: float) -> tuple[float, int]:
    """Milliseconds per run, with so many under way at once; and how many there were."""
    ends, runs = time.perf_counter() + seconds, 0
    began = time.perf_counter()

    async def client() -> None:
        nonlocal runs
        while time.perf_counter() < ends:
            await once()
            runs += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return (time.perf_counter() - began) / runs * 1000, runs


async def _compared(
    ours: Once, theirs: Once, clients: int, seconds: float
) -> tuple[tuple[float, float, float], int]:
    """Medians of both, and of their ratio, in turns; and how many runs of ours there were."""
    pairs, done = [], 0
    await took_ms(theirs, clients, seconds / 2)
    done += (await took_ms(ours, clients, seconds / 2))[1]
    for _ in range(_ROUNDS):
        (mine, runs), (other, _) = (
            await took_ms(ours, clients, seconds),
            await took_ms(theirs, clients, seconds),
        )
        pairs.append((mine, other))
        done += runs
    ratio = median(mine / other for mine, other in pairs)
    return (median(one for one, _ in pairs), median(one for _, one in pairs), ratio), done


def main() -> None:
    import django  # noqa: PLC0415 - only this process needs it

    django.setup()
    from bench.linear_runs import recorded, stored_and_by_hand  # noqa: PLC0415 - after the set-up

    seconds = float(sys.argv[1])
    bare = _bare()

    async def langgraph() -> None:
        async for _ in bare.astream({"text": "Hello"}, stream_mode=["values"]):
            pass

    took: dict[str, Any] = {"runs": 0}
    stored, by_hand = stored_and_by_hand(_document())
    took["stored"], _ = asyncio.run(_compared(stored, by_hand, 1, seconds))
    with recorded(_document()) as run:
        for clients in _CLIENTS:
            took[f"recorded {clients}"], runs = asyncio.run(
                _compared(run, langgraph, clients, seconds)
            )
            took["runs"] += runs
    print(json.dumps(took))


if __name__ == "__main__":
    main()
