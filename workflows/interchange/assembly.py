"""Foreign nodes and links become one graph.

A node that is left out passes on what reaches it: who led to it leads to what follows it. A graph
has one start, so every start of a foreign graph is that one; what nothing leads to follows it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows.definition.graph import ERROR, OUT
from workflows.definition.reading import WORDS

ANY = "*"
START = "start"
EACH, CONTINUE = "each", "continue"
_NO_WAYS_ON = {EACH, CONTINUE, ERROR}
_LONGEST = 50


@dataclass(frozen=True, slots=True)
class Link:
    """An edge of the foreign graph: it leaves `source` by `handle`."""

    source: str
    handle: str
    target: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a foreign node becomes: `nodes`, entered at the first, and the edges between them.

    `exits` maps a foreign handle (ANY: every other) to the node and port it leaves by. With
    `passes`, who leads to it also leads to what follows it.
    """

    nodes: tuple[dict[str, Any], ...] = ()
    edges: tuple[dict[str, str], ...] = ()
    exits: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    passes: bool = False


PASSES = Step(passes=True)


def make_node(node_id: str, kind: str, label: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": node_id, "type": kind, "label": label[:120], "config": dict(config)}


def edge(source: str, port: str, target: str) -> dict[str, str]:
    return {"source": source, "source_port": port, "target": target}


def row(*nodes: dict[str, Any]) -> Step:
    """Nodes one after another, left by the last."""
    edges = [
        edge(one["id"], OUT, other["id"]) for one, other in zip(nodes, nodes[1:], strict=False)
    ]
    return Step(nodes, tuple(edges), {ANY: (nodes[-1]["id"], OUT)})


class Names:
    """Ids for our nodes, made of the titles people gave theirs."""

    def __init__(self) -> None:
        self._taken = {START, *WORDS}
        self._last: dict[str, int] = {}

    def new(self, title: str, fallback: str) -> str:
        words = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").lower()[:_LONGEST]
        stem = words if words[:1].isalpha() else f"{fallback}_{words}".rstrip("_")
        name, at = stem, self._last.get(stem, 1)
        while name in self._taken:
            at += 1
            name = f"{stem}_{at}"
        self._taken.add(name)
        self._last[stem] = at
        return name


def follow(
    following: Mapping[str, Sequence[str]], steps: Mapping[str, Step], target: str
) -> list[str]:
    """The foreign nodes with nodes of ours that somebody is led to who is led to `target`.

    `following` are the foreign nodes that each of them leads to.
    """
    found: dict[str, None] = {}
    seen, waiting = set(), [target]
    while waiting:
        at = waiting.pop(0)
        if at in seen or at not in steps:
            continue
        seen.add(at)
        if steps[at].nodes:
            found[at] = None
        if steps[at].passes:
            waiting += following.get(at, [])
    return list(found)


def assemble(
    steps: Mapping[str, Step],
    links: Sequence[Link],
    places: Mapping[str, tuple[float, float]],
    names: Names,
) -> tuple[dict[str, Any], set[str]]:
    """The graph's JSON, and the ids of the nodes that nothing led to, which follow the start.

    Nodes are drawn where those they come from were. A graph without an end gets one.
    """
    nodes = [one for key, step in steps.items() for one in _placed(step.nodes, places[key])]
    if not any(one["type"] == "start" for one in nodes):
        nodes.insert(0, {**make_node(START, "start", "", {}), "position": {"x": 0.0, "y": 0.0}})
    edges = [*_edges(steps, links)]
    lost = _lost(nodes, edges)
    edges += [edge(START, OUT, one) for one in lost]
    if not any(one["type"] == "end" for one in nodes):
        place = {"x": max(one["position"]["x"] for one in nodes) + 300.0, "y": 0.0}
        nodes.append({**make_node(names.new("end", "end"), "end", "", {}), "position": place})
        edges += [edge(*leaves, nodes[-1]["id"]) for leaves in _leading_nowhere(steps, edges)]
    unique = {tuple(one.values()): one for one in edges}
    return {"nodes": nodes, "edges": list(unique.values())}, set(lost)


def _leading_nowhere(
    steps: Mapping[str, Step], edges: Sequence[dict[str, str]]
) -> list[tuple[str, str]]:
    """Every way on, by node and port, from what nothing follows but rounds and errors."""
    followed = {(one["source"], one["source_port"]) for one in edges}
    nowhere = set[tuple[str, str]]()
    for exits in ({ANY: (START, OUT)}, *(step.exits for step in steps.values())):
        ways = {way for way in exits.values() if way[1] not in _NO_WAYS_ON}
        nowhere |= set() if ways & followed else ways
    return sorted(nowhere)


def _lost(nodes: Sequence[dict[str, Any]], edges: Sequence[dict[str, str]]) -> list[str]:
    """Those that nothing leads to; of a circle that nothing leads into, its loop or the first."""
    following: dict[str, list[str]] = {}
    for one in edges:
        following.setdefault(one["source"], []).append(one["target"])
    led_to = {one["target"] for one in edges}
    order = sorted(nodes, key=lambda one: (one["id"] in led_to, one["type"] != "loop"))
    lost, reached = list[str](), set[str]()
    for first in (START, *(one["id"] for one in order)):
        if first in reached:
            continue
        lost.append(first)
        waiting = [first]
        while waiting:
            if (at := waiting.pop()) not in reached:
                reached.add(at)
                waiting += following.get(at, [])
    return lost[1:]  # the start is the first


def _edges(steps: Mapping[str, Step], links: Sequence[Link]) -> Iterator[dict[str, str]]:
    following: dict[str, list[str]] = {}
    for link in links:
        following.setdefault(link.source, []).append(link.target)
    for step in steps.values():
        yield from step.edges
    for link in links:
        exits = steps.get(link.source, PASSES).exits
        leaves = exits.get(link.handle) or exits.get(ANY)
        if leaves is None:
            continue
        for target in follow(following, steps, link.target):
            entry = steps[target].nodes[0]["id"]
            if entry != START and leaves not in ((entry, EACH), (entry, CONTINUE)):
                yield edge(*leaves, entry)


def _placed(
    nodes: Sequence[dict[str, Any]], place: tuple[float, float]
) -> Iterator[dict[str, Any]]:
    for at, one in enumerate(nodes):
        yield {**one, "position": {"x": place[0] + 60.0 * at, "y": place[1] + 80.0 * at}}
