"""Dify's export (its DSL, `kind: app`) as one of our workflows."""

from collections.abc import Iterator
from dataclasses import replace

from workflows.interchange.assembly import Link
from workflows.interchange.collisions import without_collisions
from workflows.interchange.dify_bodies import (
    FAILS,
    OUT,
    handles,
    links_after,
    links_back,
    links_within,
    offered,
    stands_in,
)
from workflows.interchange.dify_carried import is_carried
from workflows.interchange.dify_iterations import settle_bodies
from workflows.interchange.dify_nodes import KNOWN
from workflows.interchange.dify_variables import variables_of
from workflows.interchange.foreign import (
    AGGREGATORS,
    TIMES,
    Conversion,
    ForeignNode,
    Known,
    distinguished,
)
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import not_carried
from workflows.interchange.report import Imported, Unreadable

_NOTES = {"custom-note", "note"}
# What an app does beside its graph; where sources come from goes with the nodes that find them.
_SAID = ("opening_statement", "suggested_questions")
_SWITCHED = (
    "file_upload",
    "sensitive_word_avoidance",
    "speech_to_text",
    "suggested_questions_after_answer",
    "text_to_speech",
)
_INSIDE = "It stands inside a loop or an iteration, which was left out."


def is_dify(document: Loose) -> bool:
    return document.text("kind") == "app" and bool(document.keys("app"))


def read_dify(document: Loose, known: Known) -> Imported:
    """Raises Unreadable for an app without a workflow (a plain chat or agent of Dify's)."""
    mode = document.text("app", "mode")
    if mode not in ("workflow", "advanced-chat"):
        raise Unreadable(f"Only workflows and chatflows of Dify have a graph; this is '{mode}'.")
    graph = document.at("workflow", "graph")
    nodes, twins = distinguished(_node(one) for one in graph.each("nodes"))
    drawn = [
        Link(one.text("source"), one.text("sourceHandle") or OUT, one.text("target"))
        for one in graph.each("edges")
    ]
    known.check_size(len(nodes), len(drawn), TIMES)
    kept = offered(nodes, drawn)
    within = list(links_within(nodes, kept))
    back = list(links_back(nodes, within))
    conversion = Conversion(
        source="dify",
        name=document.text("app", "name"),
        description=document.text("app", "description"),
        nodes=nodes,
        links=[*links_after(nodes, within), *back],
        known=known,
        twins=twins,
        fails={key for key, one in nodes.items() if FAILS in handles(one.data.at("data"))},
        back=back,
        variables=variables_of(document),
    )
    settle_bodies(conversion)
    for key in nodes:
        _convert(conversion, key)
    _in_their_order(conversion, [key for key in nodes if nodes[key].type == "answer"])
    for link in sorted({*drawn} - {*kept}, key=drawn.index):
        told = f"Its way by '{link.handle[:80]}' is lost: it offers none of that name."
        conversion.reports[link.source].note(told)
    for link in {*kept} - {*within}:
        if link.source in nodes and link.target in nodes:
            conversion.reports[link.source].note(
                "A way out of a loop or an iteration, or into one, is lost."
            )
        elif link.source in nodes:
            conversion.reports[link.source].note("A way to a node that is not in the file is lost.")
    done = replace(
        conversion.done(), notes=tuple(_lost_beside(document.at("workflow", "features")))
    )
    return without_collisions(done, known)


def _lost_beside(features: Loose) -> Iterator[str]:
    lost = [name for name in _SAID if features.at(name).value]
    lost += [name for name in _SWITCHED if features.true(name, "enabled")]
    if lost:
        yield f"What the app does beside its graph was dropped: {', '.join(lost)}."


def _node(one: Loose) -> ForeignNode:
    kind = one.text("data", "type") or one.text("type")
    drawn = "positionAbsolute" if one.keys("positionAbsolute") else "position"
    place = (one.number(drawn, "x") or 0.0, one.number(drawn, "y") or 0.0)
    return ForeignNode(one.text("id"), kind, one.text("data", "title") or kind, one, place)


def _convert(conversion: Conversion, key: str) -> None:
    one = conversion.nodes[key]
    if one.type in _NOTES:
        conversion.leave_out(key, "A note on the canvas; it changes nothing.")
    elif one.type == "iteration-start":
        conversion.leave_out(key, "What it leads to follows the iteration itself.")
    elif stands_in(one) and key not in conversion.inner:
        conversion.leave_out(key, _INSIDE)
    elif one.type in AGGREGATORS:
        conversion.leave_out(key, "Its value stands where it was used.")
    elif one.type in KNOWN and (one.type != "human-input" or is_carried(conversion, key)):
        KNOWN[one.type](conversion, key, one.data.at("data"))
    else:
        conversion.leave_out(key, not_carried(one.type, "node"))
        ways = {link.handle for link in conversion.links if link.source == key} - {FAILS}
        if len(ways) > 1:
            conversion.reports[key].note("It chose one of its ways; now all of them are taken.")
    _failing(conversion, key)


def _in_their_order(conversion: Conversion, answers: list[str]) -> None:
    """What a run says at several ends is joined in the order in which these stand in the graph."""
    leads = conversion.ways.leads
    for key in sorted(answers, key=lambda key: sum(leads(one, key) for one in answers)):
        conversion.steps[key] = conversion.steps.pop(key)


def _failing(conversion: Conversion, key: str) -> None:
    """Its branch of failures leaves by our `error`; what else it does about one is told."""
    data, step = conversion.nodes[key].data.at("data"), conversion.steps[key]
    report = conversion.reports[key]
    if data.true("retry_config", "retry_enabled") and data.text("type") != "llm":
        report.note("How often it is tried again was dropped.")
    match data.text("error_strategy"):
        case "default-value":
            report.note("What it gives when it fails was dropped; that is an error here.")
        case "fail-branch" if step.nodes:
            exits = {**step.exits, FAILS: (step.nodes[-1]["id"], "error")}
            conversion.steps[key] = replace(step, exits=exits)
        case "fail-branch":
            report.note("What followed when it failed follows what led to it.")
