"""Dify's human-input nodes as approvals of ours.

There each button is a way out. Here there are two, approved and rejected: one button or two are
these. Where there are more, or there is something to fill in before either of two, the form asks
for the action, and a condition leads on by it. When nobody has decided in time, that is rejected.
"""

from typing import Any

from workflows.engine.pausing import APPROVED, EXPIRED, REJECTED
from workflows.interchange.assembly import Step, edge, make_node
from workflows.interchange.dify_forms import (
    TIMEOUT,
    actions_of,
    asked_of,
    begins_with,
    decided_by,
    field_of,
    form_of,
    is_chosen,
    is_decision,
    is_taken,
)
from workflows.interchange.dify_texts import rendered
from workflows.interchange.foreign import Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import NOTHING, plain
from workflows.interchange.report import NodeReport
from workflows.nodes.approval import MAX_DEADLINE_S
from workflows.nodes.conditional import ELSE

_LONGEST_TITLE = 1_000
_MOST_SHOWN = 50_000
_HOUR_S, _DAY_S = 3_600, 24 * 3_600
_HOURS = 36  # where a file does not tell
_REJECTING = "who rejects lets the run go on as when nobody has decided in time"


def human_input(conversion: Conversion, key: str, data: Loose) -> None:
    name, title = conversion.id_of(key, "approval"), conversion.nodes[key].title
    report = conversion.reports[key]
    config = {
        "question": plain(title[:_LONGEST_TITLE]),
        "shows": _shown(conversion, key, data),
        "form": form_of(data),
        "deadline_s": _deadline_s(report, data),
        "on_deadline": "reject",
    }
    _note_actions(report, data)
    _note_fields(report, data)
    _note_people(report, data)
    approval = make_node(name, "approval", title, config)
    conversion.take(key, _with_ways(conversion, approval, data))


def _with_ways(conversion: Conversion, approval: dict[str, Any], data: Loose) -> Step:
    """The approval, and the condition that tells its ways apart where its own two do not."""
    name, title, actions = approval["id"], approval["label"], actions_of(data)
    if not is_chosen(data) and len(actions) == 1:
        [action] = actions
        return Step((approval,), exits={action: (name, APPROVED), TIMEOUT: (name, REJECTED)})
    way = conversion.names.new(f"{name}_way", "way")
    if is_chosen(data):
        *others, last = actions
        branches = [{"port": f"on_{one}", "condition": is_taken(name, one)} for one in others]
        condition = make_node(way, "conditional", title, {"branches": branches})
        exits = {one: (way, f"on_{one}") for one in others}
        exits |= {last: (way, ELSE), TIMEOUT: (name, REJECTED)}
        return Step((approval, condition), (edge(name, APPROVED, way),), exits)
    by = decided_by(data)
    expired = {"condition": is_decision(name, EXPIRED)}
    condition = make_node(way, "conditional", title, expired)
    exits = {by[APPROVED]: (name, APPROVED), by[REJECTED]: (way, "false"), TIMEOUT: (way, "true")}
    return Step((approval, condition), (edge(name, REJECTED, way),), exits)


def _shown(conversion: Conversion, key: str, data: Loose) -> str:
    """Its text; where a field stood in it stand its name, and what a run would fill it with."""
    text = data.text("form_content")
    given: dict[str, str] = {}
    for name, one in asked_of(data).items():
        place, told = "{{#$output." + name + "#}}", name
        if selector := begins_with(one):
            text = text if place in text else f"{text}\n{place}"
            told += f": {rendered(conversion, key, '{{#' + '.'.join(selector) + '#}}')}"
        given[f"$output.{name}"] = f"[{told}]"
    shown = rendered(conversion, key, text, given) or NOTHING
    if len(shown) <= _MOST_SHOWN:
        return shown
    conversion.reports[key].note("Its text is too long to be shown here and was dropped.")
    return NOTHING


def _deadline_s(report: NodeReport, data: Loose) -> float:
    unit = _DAY_S if data.text("timeout_unit") == "day" else _HOUR_S
    told = data.number("timeout")
    there = _HOURS * _HOUR_S if told is None else told * unit
    here = min(max(there, 1), MAX_DEADLINE_S)
    if here != there:
        report.note(f"There are {here:,.0f} s to decide here.")
    return here


def _note_actions(report: NodeReport, data: Loose) -> None:
    actions, by = actions_of(data), decided_by(data)
    told = {said: f"'{(actions[one] or one)[:80]}'" for said, one in by.items()}
    if is_chosen(data):
        report.note(f"Its form asks for the action, and whichever it is approves; {_REJECTING}.")
    elif len(by) == 1:
        report.note(f"{told[APPROVED]} is to approve here; {_REJECTING}.")
    else:
        report.note(f"{told[APPROVED]} is to approve here, and {told[REJECTED]} to reject.")
    for one in data.each("user_actions"):
        if one.text("id") not in actions:
            report.note(f"Its action '{one.text('id')[:80]}' cannot be offered here.")


def _note_fields(report: NodeReport, data: Loose) -> None:
    asked = asked_of(data)
    for one in data.each("inputs"):
        name, kind = one.text("output_variable_name"), one.text("type")
        field, told = field_of(one), f"'{name[:80]}'"
        if name not in asked:
            report.note(f"Its field {told} ({kind[:30]}) cannot be asked for here.")
            continue
        if begins_with(one):
            report.note(f"What fills {told} is known in a run only: it is shown with the question.")
        if kind == "select" and "enum" not in field:
            report.note(f"Any text is taken for {told}, of which there only some may be chosen.")
        elif one.text("default", "value") and not begins_with(one) and "default" not in field:
            report.note(f"What {told} is filled with at first was dropped.")


def _note_people(report: NodeReport, data: Loose) -> None:
    """Its web app asks who began the run, and so does an approval."""
    ways = [one for one in data.each("delivery_methods") if one.at("enabled").value is not False]
    asked = {one.text("type") for one in (*ways, *data.each("recipients_spec"))}
    if lost := sorted(asked - {"webapp", "initiator", ""}):
        told = ", ".join(lost)[:200]
        report.note(f"Whom it asks, and how ({told}), was dropped: it asks the owner of the run.")
