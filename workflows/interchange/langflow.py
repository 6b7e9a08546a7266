"""Langflow's export (`data: {nodes, edges}` with handles) as one of our workflows.

A link says from which output of one component to which field of another it goes. Prompts become
part of the texts that use them; the code that every component carries along is not looked at.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from workflows.interchange.assembly import PASSES, Step, make_node
from workflows.interchange.foreign import TIMES, Conversion, ForeignNode, Known, distinguished
from workflows.interchange.langflow_http import http_request
from workflows.interchange.langflow_lists import converter, each, template, texts
from workflows.interchange.langflow_loops import LOOP, ROUTER, broken, rounds_of
from workflows.interchange.langflow_models import PROVIDERS, agent, model
from workflows.interchange.langflow_routers import router
from workflows.interchange.langflow_templates import PARSERS, PROMPTS
from workflows.interchange.langflow_texts import LIST, REQUEST, Wiring
from workflows.interchange.langflow_wires import (
    CONVERTERS,
    OUTPUTS,
    Wire,
    drawn_through,
    links_of,
    wire,
)
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import NOTHING, not_carried
from workflows.interchange.report import Imported

_MOST_TIMES = 10


def is_langflow(document: Loose) -> bool:
    first = next(document.each("data", "nodes"), Loose())
    return bool(first.keys("data"))


def read_langflow(document: Loose, known: Known) -> Imported:
    """A round of which nothing came in is none: all is read again without it, or without any."""
    whole, twins = distinguished(_node(one) for one in document.each("data", "nodes"))
    wires = [wire(one) for one in document.each("data", "edges")]
    known.check_size(len(whole), len(wires), TIMES)
    wires = drawn_through(whole, wires)
    known.check_size(len(whole), len(wires), TIMES)
    without: Collection[str] = ()
    for _ in range(_MOST_TIMES):
        wiring = _wiring(document, whole, twins, wires, known, without)
        found = _converted(wiring, whole)
        none = broken(wiring.conversion, wiring.rounds, found.graph["edges"])
        if not none:
            return found
        without = {*without, *none}
    return _converted(_wiring(document, whole, twins, wires, known, whole), whole)


def _wiring(
    document: Loose,
    whole: Mapping[str, ForeignNode],
    twins: Sequence[ForeignNode],
    wires: Sequence[Wire],
    known: Known,
    without: Collection[str],
) -> Wiring:
    nodes = {key: _without_variables(one) for key, one in whole.items()}
    rounds = rounds_of(nodes, links_of(nodes, wires), without)
    conversion = Conversion(
        source="langflow",
        name=document.text("name"),
        description=document.text("description"),
        nodes=nodes,
        links=rounds.links,
        known=known,
        twins=twins,
        back=rounds.back,
    )
    return Wiring.of(conversion, wires, rounds)


def _converted(wiring: Wiring, whole: Mapping[str, ForeignNode]) -> Imported:
    conversion = wiring.conversion
    for key, one in whole.items():
        for name in _variables(one.data):
            if not wiring.is_linked(key, name):
                variable = one.data.text(name, "value")[:80]
                note = f"Its '{name[:80]}' is the variable '{variable}', which is not in the file."
                conversion.reports[key].note(note)
    given = {one for tools in wiring.tools.values() for one in tools}
    conversion.steps |= dict.fromkeys(given, PASSES)
    for key in sorted(conversion.nodes, key=partial(_order, wiring)):
        if key not in given:  # the agent says what becomes of it
            _converter(conversion.nodes[key].type)[1](wiring, key)
    return conversion.done()


def _order(wiring: Wiring, key: str) -> tuple[int, int]:
    """Requests that others are made of come first: whether they are carried is asked there."""
    conversion = wiring.conversion
    kinds = {one: node.type for one, node in conversion.nodes.items()}
    before = 0
    if kinds[key] == REQUEST:
        requests = (one for one, kind in kinds.items() if kind == REQUEST)
        before = sum(conversion.ways.leads(one, key) for one in requests)
    return 4 if key in wiring.spoken else _converter(kinds[key])[0], before


def _node(one: Loose) -> ForeignNode:
    kind = one.text("data", "type") or one.text("type")
    title = one.text("data", "node", "display_name") or one.text("data", "display_name") or kind
    place = (one.number("position", "x") or 0.0, one.number("position", "y") or 0.0)
    template = one.at("data", "node", "template")
    return ForeignNode(one.text("id"), kind, title, template, place)


def _variables(fields: Loose) -> list[str]:
    """The fields that hold the name of a variable that Langflow keeps; keys stay behind anyway."""
    names = fields.keys()
    named = (name for name in names if fields.true(name, "load_from_db"))
    return [
        name for name in named if fields.text(name, "value") and not fields.true(name, "password")
    ]


def _without_variables(one: ForeignNode) -> ForeignNode:
    """The name of a variable is no text: nothing stands where its value would."""
    names, lost = one.data.keys(), _variables(one.data)
    kept = {name: one.data.at(name).value for name in names if name not in lost}
    return replace(one, data=Loose(kept)) if lost else one


def _input(wiring: Wiring, key: str) -> None:
    if wiring.is_constant(key) or wiring.is_linked(key, "input_value"):
        wiring.conversion.steps[key] = PASSES
        wiring.conversion.reports[key].note("Its text stands where it was used.")
    else:
        wiring.conversion.start(key)


def _output(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    if key in wiring.rounds.unheard:
        conversion.leave_out(key, "What a round says is not told here; what follows the last is.")
        return
    name, title = conversion.id_of(key, "end"), conversion.nodes[key].title
    put_in = wiring.is_put_in(key, "input_value")
    config = {"output": wiring.without_memories(key, "input_value") or NOTHING} if put_in else {}
    conversion.take(key, Step((make_node(name, "end", title, config),)))


def _memory(wiring: Wiring, key: str) -> None:
    wiring.conversion.steps[key] = PASSES
    note = "A memory node stands before each model that used it, which sees the messages."
    wiring.conversion.reports[key].note(note)


def _leave_out(kind: str, wiring: Wiring, key: str) -> None:
    reason = (
        "A note on the canvas; it changes nothing."
        if "note" in kind.lower()
        else not_carried(kind, "component")
    )
    wiring.conversion.leave_out(key, reason)
    if len({link.handle for link in wiring.conversion.links if link.source == key}) > 1:
        note = "If it chose one of its ways, now all of them are taken."
        wiring.conversion.reports[key].note(note)


# Their order: what others are made of is looked at first.
_KNOWN: dict[str, tuple[int, Callable[[Wiring, str], None]]] = {
    **dict.fromkeys((*PROMPTS, *PARSERS), (1, template)),
    **dict.fromkeys(CONVERTERS, (1, converter)),
    LIST: (1, texts),
    "Memory": (1, _memory),
    "MessageHistory": (1, _memory),
    "ChatInput": (2, _input),
    "TextInput": (2, _input),
    REQUEST: (3, http_request),
    ROUTER: (4, router),
    LOOP: (4, each),
    **dict.fromkeys(PROVIDERS, (4, model)),
    "Agent": (4, agent),
    **dict.fromkeys(OUTPUTS, (4, _output)),
}


def _converter(kind: str) -> tuple[int, Callable[[Wiring, str], None]]:
    return _KNOWN.get(kind) or (0, partial(_leave_out, kind))
