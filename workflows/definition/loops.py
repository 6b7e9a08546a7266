"""Where a graph goes round (pure).

A round begins where a node leaves by its round port and ends where an edge leads back to it. What a
loop repeats is entered and left through that node alone, so that every round is whole. What ends
the run at an error leads nowhere, and belongs to the round all the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.definition.graph import ERROR, Edge

Ways = Mapping[str, Sequence[str]]  # from each node to others


@dataclass(frozen=True, slots=True)
class Loop:
    """`body` is what a round consists of, without `head`; `back` the edges that end a round."""

    head: str
    port: str
    body: frozenset[str]
    back: tuple[Edge, ...]


def loops_of(
    edges: Iterable[Edge],
    starts: Iterable[str],
    round_ports: Mapping[str, str],
    stops: Iterable[str] = (),
) -> dict[str, Loop]:
    """The loops by their heads; `round_ports` tells which nodes may be one, and by which port.

    `stops` are the nodes that end the run when an error leads there.
    """
    edges = tuple(edges)
    onwards: dict[str, list[str]] = {}
    backwards: dict[str, list[str]] = {}
    for edge in edges:
        onwards.setdefault(edge.source, []).append(edge.target)
        backwards.setdefault(edge.target, []).append(edge.source)
    going_on = onwards.keys() | {edge.target for edge in edges if edge.source_port != ERROR}
    last, starts = {*stops} - going_on, list(starts)
    found = (
        _loop(edges, onwards, backwards, starts, last, *begins) for begins in round_ports.items()
    )
    return {loop.head: loop for loop in found if loop is not None}


def _loop(
    edges: Sequence[Edge],
    onwards: Ways,
    backwards: Ways,
    starts: Sequence[str],
    last: Collection[str],
    head: str,
    port: str,
) -> Loop | None:
    out = [edge for edge in edges if edge.source == head]
    into = [edge.target for edge in out if edge.source_port == port]
    if not into:
        return None
    others = [edge.target for edge in out if edge.source_port != port]
    repeated = _reached(into, onwards, head) - _reached([*starts, *others], onwards, head)
    # In the order of the definition: that of a set is another one in the next process.
    back = tuple(edge for edge in edges if edge.source in repeated and edge.target == head)
    if not back:
        return None
    whole = _reached([edge.source for edge in back], backwards, head)
    body = frozenset(repeated & {*whole, *last})
    return Loop(head, port, body, back)


def ways_out(loop: Loop, edges: Iterable[Edge]) -> Iterator[Edge]:
    """Edges by which a round would be left in the middle, to what does not lead back to its head.

    What is there may wait for a round that never begins, and no round waits for it.
    """
    for edge in edges:
        begins = edge.source == loop.head and edge.source_port == loop.port
        stays = edge.target in loop.body or edge.target == loop.head
        if (begins or edge.source in loop.body) and not stays:
            yield edge


def _reached(first: Iterable[str], ways: Ways, without: str) -> set[str]:
    found = set(first) - {without}
    waiting = list(found)
    while waiting:
        new = {*ways.get(waiting.pop(), ())} - found - {without}
        found |= new
        waiting += new
    return found
