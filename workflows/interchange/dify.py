"""Dify's export (its DSL, `kind: app`) as one of our workflows."""

import re

from workflows.interchange import dify_nodes
from workflows.interchange.assembly import Link
from workflows.interchange.dify_http import http_request
from workflows.interchange.dify_texts import is_inside
from workflows.interchange.foreign import Conversion, ForeignNode, Known
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import not_carried
from workflows.interchange.report import Imported, Unreadable

_NOTES = {"custom-note", "note"}
_REQUEST = "http-request"
_LATE = {*dify_nodes.KNOWN, _REQUEST}
_INSIDE = "It stands inside a loop or an iteration, which was left out."


def is_dify(document: Loose) -> bool:
    return document.text("kind") == "app" and bool(document.keys("app"))


def read_dify(document: Loose, known: Known) -> Imported:
    """Raises Unreadable for an app without a workflow (a plain chat or agent of Dify's)."""
    mode = document.text("app", "mode")
    if mode not in ("workflow", "advanced-chat"):
        raise Unreadable(f"Only workflows and chatflows of Dify have a graph; this is '{mode}'.")
    graph = document.at("workflow", "graph")
    nodes = [_node(one) for one in graph.each("nodes")]
    links = [
        Link(one.text("source"), one.text("sourceHandle") or "source", one.text("target"))
        for one in graph.each("edges")
    ]
    conversion = Conversion(
        source="dify",
        name=document.text("app", "name"),
        description=document.text("app", "description"),
        nodes={one.id: one for one in nodes},
        links=links,
        known=known,
    )
    for key in _in_order(conversion):
        _convert(conversion, key)
    return conversion.done()


def _node(one: Loose) -> ForeignNode:
    kind = one.text("data", "type") or one.text("type")
    place = (one.number("position", "x") or 0.0, one.number("position", "y") or 0.0)
    return ForeignNode(one.text("id"), kind, one.text("data", "title") or kind, one, place)


def _in_order(conversion: Conversion) -> list[str]:
    """What is folded into others or left out comes first: the others ask what became of it."""
    nodes = conversion.nodes
    return sorted(nodes, key=lambda key: (nodes[key].type in _LATE, nodes[key].type != _REQUEST))


def _convert(conversion: Conversion, key: str) -> None:
    one = conversion.nodes[key]
    if one.type in _NOTES:
        conversion.leave_out(key, "A note on the canvas; it changes nothing.")
    elif is_inside(one):
        conversion.leave_out(key, _INSIDE)
    elif one.type == "template-transform":
        _fold(conversion, key)
    elif one.type == "variable-aggregator":
        conversion.leave_out(key, "The text of the branch that was taken arrives without it.")
    elif one.type == _REQUEST and "http_request" in conversion.known.kinds:
        http_request(conversion, key, one.data.at("data"))
    elif one.type in dify_nodes.KNOWN:
        dify_nodes.KNOWN[one.type](conversion, key, one.data.at("data"))
    else:
        conversion.leave_out(key, not_carried(one.type, "node"))


def _fold(conversion: Conversion, key: str) -> None:
    template = conversion.nodes[key].data.text("data", "template")
    if re.search(r"\{%|\{\{[^{}]*[|(\[]", template):
        conversion.leave_out(key, "Its template does more than fill in values.")
        return
    conversion.leave_out(key, "")
    report = conversion.reports[key]
    report.notes = ["Its text stands where it was used."]
    report.outcome = "approximated"
