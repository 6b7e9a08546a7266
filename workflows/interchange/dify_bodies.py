"""What stands in an iteration or a loop of Dify: what leads into it and back, and is seen."""

from collections.abc import Iterator, Mapping, Sequence

from workflows.interchange.assembly import EACH, Link
from workflows.interchange.dify_forms import TIMEOUT, actions_of
from workflows.interchange.foreign import Conversion, ForeignNode
from workflows.interchange.loose import Loose

OUT, FAILS = "source", "fail-branch"
DONE = "done"
_ITEM = ("item", "index")
_AROUND = {"iteration": "iteration-start", "loop": "loop-start"}

Nodes = Mapping[str, ForeignNode]


def stands_in(one: ForeignNode) -> str:
    """The loop or iteration around a node; empty: none."""
    data = one.data.at("data")
    around = one.data.text("parentId") or data.text("iteration_id") or data.text("loop_id")
    return around or ("?" if data.true("isInIteration") or data.true("isInLoop") else "")


def handles(data: Loose) -> list[str]:
    """By what a node may be left."""
    if data.text("type") == "if-else":
        return [*(handle_of(one) for one in cases_of(data)), "false"]
    if data.text("type") == "human-input":
        return [*actions_of(data), TIMEOUT]
    return [OUT, FAILS] if data.text("error_strategy") == FAILS else [OUT]


def offered(nodes: Nodes, links: Sequence[Link]) -> list[Link]:
    """Those by a way that there is; what does not choose goes on by all of them."""
    told = {key: one.data.at("data") for key, one in nodes.items()}
    ways = {key: {*handles(data)} for key, data in told.items() if _chooses(data)}
    return [link for link in links if link.handle in ways.get(link.source, {link.handle})]


def _chooses(data: Loose) -> bool:
    kind = data.text("type")
    return kind == "if-else" or (kind == "human-input" and bool(actions_of(data)))


def cases_of(data: Loose) -> list[Loose]:
    """Old files have one, which is the node itself."""
    return list(data.each("cases")) or [data]


def handle_of(case: Loose) -> str:
    return case.text("case_id") or case.text("id") or "true"


def links_within(nodes: Nodes, links: Sequence[Link]) -> Iterator[Link]:
    """Those that do not cross the border of an iteration or a loop, and those into each."""
    around = {key: stands_in(one) for key, one in nodes.items()}
    for link in links:
        if around.get(link.source) == around.get(link.target):
            yield link
    for key, one in nodes.items():
        if one.type in _AROUND and (first := _first(nodes, key)):
            yield Link(key, EACH, first)


def links_back(nodes: Nodes, links: Sequence[Link]) -> Iterator[Link]:
    """From all that nothing follows in an iteration or a loop."""
    followed = {(link.source, link.handle) for link in links}
    starts = starts_of(nodes, links)
    for key, one in nodes.items():
        around = nodes.get(stands_in(one))
        if around is not None and around.type in _AROUND:
            for handle in handles(one.data.at("data")):
                if (key, handle) not in followed:
                    yield Link(key, handle, starts.get(around.id, around.id))


def starts_of(nodes: Nodes, links: Sequence[Link]) -> dict[str, str]:
    """The loops, and with what the rounds of each begin."""
    into = {link.source: link.target for link in links if link.handle == EACH}
    loops = {key: to for key, to in into.items() if key in nodes and nodes[key].type == "loop"}
    return {key: to for key, to in loops.items() if nodes[to].type == "loop-start"}


def links_after(nodes: Nodes, links: Sequence[Link]) -> Iterator[Link]:
    """What follows a loop follows what begins its rounds, which is our loop."""
    starts = starts_of(nodes, links)
    for link in links:
        follows = link.source in starts and link.handle not in (EACH, FAILS)
        yield Link(starts[link.source], DONE, link.target) if follows else link


def _first(nodes: Nodes, key: str) -> str:
    named = nodes[key].data.text("data", "start_node_id")
    inside = [one for one in nodes.values() if stands_in(one) == key]
    first = [one.id for one in inside if one.id == named or one.type == _AROUND[nodes[key].type]]
    return first[0] if first else ""


def is_seen(conversion: Conversion, key: str, at: str, variable: str) -> bool:
    """Whether node `at` may name what node `key` leaves."""
    around = conversion.inner.get(at, "")
    if conversion.nodes[key].type == "loop":
        return at == key or conversion.ways.leads(key, at)
    if variable in _ITEM and conversion.nodes[key].type == "iteration":
        return around == key
    if key in conversion.inner and at == conversion.inner[key]:
        return True  # what an item or a round gives
    inside = conversion.inner.get(key, around)
    return inside == around != key and conversion.ways.leads(key, at)
