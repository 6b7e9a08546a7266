"""Where a graph goes round (pure).

A round begins where a node leaves by its round port and ends where an edge leads back to it. What a
loop repeats is entered and left through that node alone, so that every round is whole. What ends
the run at an error leads nowhere, and belongs to the round all the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.definition.graph import ERROR, Edge

Targets = Mapping[str, Sequence[Edge]]  # the edges out of each node


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
    targets: dict[str, list[Edge]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge)
    going_on = targets.keys() | {edge.target for edge in edges if edge.source_port != ERROR}
    last, starts = {*stops} - going_on, list(starts)
    found = (_loop(edges, targets, starts, last, *begins) for begins in round_ports.items())
    return {loop.head: loop for loop in found if loop is not None}


def _loop(
    edges: Sequence[Edge],
    targets: Targets,
    starts: Sequence[str],
    last: Collection[str],
    head: str,
    port: str,
) -> Loop | None:
    out = targets.get(head, ())
    into = [edge.target for edge in out if edge.source_port == port]
    if not into:
        return None
    others = [edge.target for edge in out if edge.source_port != port]
    repeated = _reached(into, targets, head) - _reached([*starts, *others], targets, head)
    # In the order of the definition: that of a set is another one in the next process.
    back = tuple(edge for edge in edges if edge.source in repeated and edge.target == head)
    if not back:
        return None
    ends = {edge.source for edge in back}
    whole = {node for node in repeated if ends & _reached([node], targets, head)}
    body = frozenset(whole | repeated.intersection(last))
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


def _reached(first: Iterable[str], targets: Targets, without: str) -> set[str]:
    found = set(first) - {without}
    waiting = list(found)
    while waiting:
        new = {edge.target for edge in targets.get(waiting.pop(), ())} - found - {without}
        found |= new
        waiting += new
    return found
