"""The edges of a Langflow export: from which output of a component to which field of another."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.interchange.assembly import Link
from workflows.interchange.foreign import ForeignNode
from workflows.interchange.loose import Loose

ITEM = "item"
TOOLS = "tools"
LENDERS = ("agent_llm", "model")  # the fields of an agent that another's model may be wired to
CONVERTERS = {
    "MessagetoData": "message",
    "TypeConverterComponent": "input_data",
    "DataToDataFrame": "data_list",
}
OUTPUTS = {"ChatOutput", "TextOutput"}
_GIVING_ON = CONVERTERS | dict.fromkeys(("TextInput", *OUTPUTS), "input_value")
_LENT = "model_output"


@dataclass(frozen=True, slots=True)
class Wire:
    source: str
    output: str
    target: str
    field: str

    @property
    def link(self) -> Link:
        return Link(self.source, self.output, self.target)


def wire(one: Loose) -> Wire:
    """Old exports have the handles as text only. What goes back into a loop names no field."""
    handles = {
        side: one.at("data", side) if one.keys("data", side) else _handle(one.text(side))
        for side in ("sourceHandle", "targetHandle")
    }
    output, into = handles["sourceHandle"].text("name"), handles["targetHandle"].text("fieldName")
    return Wire(one.text("source"), output, one.text("target"), into)


def _handle(text: str) -> Loose:
    try:
        return Loose(json.loads(text.replace("œ", '"')))
    except (ValueError, RecursionError):
        return Loose()


def drawn_through(nodes: Mapping[str, ForeignNode], wires: Sequence[Wire]) -> list[Wire]:
    """The wires with those from what gives on what it is given begun where that comes from."""
    into: dict[str, list[Wire]] = {}
    for one in wires:
        kind = nodes[one.target].type if one.target in nodes else ""
        if one.field == _GIVING_ON.get(kind):
            into.setdefault(one.target, []).append(one)
    begun = {key: [*_begun(key, into)] for key in into}
    drawn = (
        Wire(source, output, one.target, one.field)
        for one in wires
        for source, output in begun.get(one.source, [(one.source, one.output)])
    )
    return list(dict.fromkeys(drawn))


def _begun(key: str, into: Mapping[str, Sequence[Wire]]) -> Iterator[tuple[str, str]]:
    """The outputs from which what a component gives on comes."""
    seen, waiting = {key}, [*reversed(into[key])]
    while waiting:
        one = waiting.pop()
        if one.source not in into:
            yield one.source, one.output
        elif one.source not in seen:
            seen.add(one.source)
            waiting += reversed(into[one.source])


def links_of(nodes: Mapping[str, ForeignNode], wires: Iterable[Wire]) -> Iterator[Link]:
    """Those of the wires that give texts to what does something with them."""
    for one in wires:
        kind = nodes[one.target].type if one.target in nodes else ""
        gives_on = one.field == _GIVING_ON.get(kind) and kind not in OUTPUTS
        if not gives_on and kind != "ChatInput" and not is_given(nodes, one):
            yield one.link


def is_given(nodes: Mapping[str, ForeignNode], one: Wire) -> bool:
    """Whether it gives an agent a tool, or any component a model, not a text."""
    target = nodes.get(one.target)
    to_agent = target is not None and target.type == "Agent"
    return one.output == _LENT or (to_agent and one.field in (TOOLS, *LENDERS))
