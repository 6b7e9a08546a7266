"""Routers of Langflow that lead back to what came before them, as loops of ours."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.definition.graph import Edge
from workflows.definition.loops import loops_of, ways_out
from workflows.interchange.assembly import Link
from workflows.interchange.foreign import ForeignNode
from workflows.interchange.ways import Ways

HANDLES = ("true_result", "false_result")


@dataclass(slots=True)
class Rounds:
    """The links with every round begun by its router: `by` which handle, and what is its `body`.

    `back` are the links that end a round.
    """

    links: list[Link]
    by: dict[str, str] = field(default_factory=dict)
    body: dict[str, Collection[str]] = field(default_factory=dict)
    back: set[Link] = field(default_factory=set)


def rounds_of(nodes: Mapping[str, ForeignNode], links: Sequence[Link]) -> Rounds:
    """A router that decides after its round becomes a loop before it: what led into the round
    leads to the router then. Where that makes no whole round, nothing is changed.
    """
    rounds = Rounds(list(dict.fromkeys(links)))
    for key, one in nodes.items():
        if one.type == "ConditionalRouter":
            for handle in HANDLES:
                if key not in rounds.by:
                    _turn(nodes, rounds, key, handle)
    return rounds


def _turn(nodes: Collection[str], rounds: Rounds, key: str, handle: str) -> None:
    ways = Ways(nodes, rounds.links, ())
    first = [one.target for one in rounds.links if (one.source, one.handle) == (key, handle)]
    leading = Ways(nodes, [Link(one.target, "", one.source) for one in rounds.links], ())
    body = ways.reached(first, without=key) & leading.reached([key])
    into = {one for one in rounds.links if one.target in body and one.source not in {key, *body}}
    if not body or any(ways.leads(key, one.source) for one in into):
        return
    turned = (Link(one.source, one.handle, key) if one in into else one for one in rounds.links)
    links = list(dict.fromkeys(turned))
    edges = [Edge(source=one.source, source_port=one.handle, target=one.target) for one in links]
    led_to = {one.target for one in links}
    loop = loops_of(edges, [one for one in nodes if one not in led_to], {key: handle}).get(key)
    if loop is None or [*ways_out(loop, edges)]:
        return
    rounds.links, rounds.by[key], rounds.body[key] = links, handle, loop.body
    rounds.back |= {Link(one.source, one.source_port, one.target) for one in loop.back}
