"""What goes round in Langflow: routers that lead back to what came before them, and its loops."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.definition.graph import Edge
from workflows.definition.loops import loops_of, ways_out
from workflows.interchange.assembly import CONTINUE, EACH, START, Link
from workflows.interchange.foreign import Conversion, ForeignNode
from workflows.interchange.langflow_wires import ITEM, OUTPUTS
from workflows.interchange.ways import Ways

ROUTER, LOOP = "ConditionalRouter", "LoopComponent"
HANDLES = ("true_result", "false_result")
_BEGINNING = {LOOP: (ITEM,), ROUTER: HANDLES}  # a router within a loop leads back by that alone
_PORTS = {ROUTER: CONTINUE, LOOP: EACH}


@dataclass(slots=True)
class Rounds:
    """The links with every round begun by its router or loop: `by` which handle, and its `body`.

    `back` are the links that end a round; `unheard` the outputs that would be told in one.
    """

    links: list[Link]
    by: dict[str, str] = field(default_factory=dict)
    body: dict[str, Collection[str]] = field(default_factory=dict)
    back: set[Link] = field(default_factory=set)
    unheard: set[str] = field(default_factory=set)


def rounds_of(
    nodes: Mapping[str, ForeignNode], links: Iterable[Link], without: Collection[str]
) -> Rounds:
    """A router that decides after its round becomes a loop before it: what led into the round
    leads to the router then. Where that makes no whole round, nothing is changed.
    """
    rounds = Rounds(list(dict.fromkeys(links)))
    for kind, handles in _BEGINNING.items():
        for key, one in nodes.items():
            for handle in handles if one.type == kind and key not in without else ():
                if key not in rounds.by:
                    _turn(nodes, rounds, key, handle)
    return rounds


def _turn(nodes: Mapping[str, ForeignNode], rounds: Rounds, key: str, handle: str) -> None:
    onwards = [one for one in rounds.links if one not in rounds.back]
    ways = Ways(nodes, onwards, ())
    first = [one.target for one in onwards if (one.source, one.handle) == (key, handle)]
    leading = Ways(nodes, [Link(one.target, "", one.source) for one in onwards], ())
    body = ways.reached(first, without=key) & leading.reached([key])
    into = {one for one in rounds.links if one.target in body and one.source not in {key, *body}}
    if not body or any(ways.leads(key, one.source) for one in into):
        return
    turned = [Link(one.source, one.handle, key) if one in into else one for one in rounds.links]
    unheard = _said_in(nodes, turned, key, handle, body)
    links = list(dict.fromkeys(one for one in turned if one.target not in unheard))
    edges = [Edge(source=one.source, source_port=one.handle, target=one.target) for one in links]
    led_to = {one.target for one in links}
    loop = loops_of(edges, [one for one in nodes if one not in led_to], {key: handle}).get(key)
    if loop is None or [*ways_out(loop, edges)]:
        return
    rounds.links, rounds.by[key], rounds.body[key] = links, handle, loop.body
    rounds.back |= {Link(one.source, one.source_port, one.target) for one in loop.back}
    rounds.unheard |= unheard


def _said_in(
    nodes: Mapping[str, ForeignNode],
    links: Sequence[Link],
    key: str,
    handle: str,
    body: Collection[str],
) -> set[str]:
    """The outputs that only a round leads to."""
    begun = (key, handle)
    inside = {link for link in links if link.source in body or (link.source, link.handle) == begun}
    outside = {link.target for link in links if link not in inside}
    told = {link.target for link in inside if link.target in nodes}
    return {one for one in told - outside if nodes[one].type in OUTPUTS}


def broken(conversion: Conversion, rounds: Rounds, edges: Sequence[Mapping[str, str]]) -> set[str]:
    """What begins rounds that are none in our graph, for nothing of theirs came in."""
    heads = {key: conversion.ids.get(key, "") for key in rounds.by}
    ports = {name: _PORTS[conversion.nodes[key].type] for key, name in heads.items()}
    ours = [Edge.model_validate(one) for one in edges]
    whole = loops_of(ours, [START], ports)
    return {
        key for key, name in heads.items() if name not in whole or [*ways_out(whole[name], ours)]
    }
