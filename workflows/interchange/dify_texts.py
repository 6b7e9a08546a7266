"""References of Dify (`{{#node.variable#}}`) as ours."""

import re

from workflows.interchange.foreign import (
    ARRIVING,
    Conversion,
    ForeignNode,
    input_name,
    parted,
)
from workflows.interchange.report import NodeReport
from workflows.interchange.requests import why_not

_REFERENCE = re.compile(r"\{\{#([^#{}]+)#\}\}")
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_DEEPEST = 8
_LEFT_BY_REQUESTS = {"body": "text", "status_code": "status", "headers": "headers"}


def rendered(conversion: Conversion, report: NodeReport, text: str) -> str:
    """The text with every reference turned into one of ours, or into the text it stands for."""
    text = parted(report, text, keep=r"#[^#{}]+#\}\}")
    return conversion.filled(
        report, text, _REFERENCE, lambda match: referred(conversion, report, match[1].split("."))
    ).strip()


def referred(
    conversion: Conversion, report: NodeReport, selector: list[str], depth: int = 0
) -> str:
    """What stands in a text for a selector: `{{a.name}}`, or the text of a folded template."""
    owner = conversion.nodes.get(selector[0]) if selector else None
    if owner is not None and owner.type == "template-transform":
        folded = _folded(conversion, selector[0], depth + 1)
        if folded is not None:
            return folded
    name = name_of(conversion, selector)
    if not name:
        report.note(f"Nothing stands where it refers to '{'.'.join(selector)}'.")
        return ""
    return f"{{{{{name}}}}}"


def name_of(conversion: Conversion, selector: list[str]) -> str:
    """How expressions call what a selector selects; empty if there is nothing like it."""
    if len(selector) < 2:  # noqa: PLR2004 - a node and a variable
        return ""
    owner, variable = selector[0], selector[1]
    if selector[:2] == ["sys", "query"]:
        return "input.message"
    node = conversion.nodes.get(owner)
    if node is None:
        return ""
    if node.type == "start":
        return input_name(variable)
    return ARRIVING if node.type == "variable-aggregator" else _left(conversion, owner, variable)


def _left(conversion: Conversion, key: str, variable: str) -> str:
    """What one of our nodes leaves in the place of this one."""
    node = conversion.nodes[key]
    if node.type == "llm" and variable == "text" and not node.data.text("parentId"):
        return f"nodes.{conversion.id_of(key, 'model')}.text"
    left = _LEFT_BY_REQUESTS.get(variable) if carries_requests(conversion, key) else None
    return f"nodes.{conversion.id_of(key, 'request')}.{left}" if left else ""


def carries_requests(conversion: Conversion, key: str) -> bool:
    """Whether this HTTP node becomes one of ours; asked before, in whatever order they come."""
    if key not in conversion.requests:
        conversion.requests[key] = _is_carried(conversion, key)
    return conversion.requests[key]


def _is_carried(conversion: Conversion, key: str) -> bool:
    one = conversion.nodes[key]
    if one.type != "http-request" or is_inside(one):
        return False
    if "http_request" not in conversion.known.kinds:
        return False
    return not why_not(one.data.text("data", "method"), one.data.text("data", "url"))


def is_inside(one: ForeignNode) -> bool:
    """Whether it stands in a loop or an iteration, which are left out."""
    return bool(one.data.text("parentId")) or one.data.true("data", "isInIteration")


def _folded(conversion: Conversion, key: str, depth: int) -> str | None:
    """The text of a template with its variables in their places.

    None if it was left out, stands in itself, or is too deep in others.
    """
    if conversion.reports[key].outcome == "left_out" or depth > _DEEPEST:
        return None
    if key not in conversion.texts:
        conversion.texts[key] = None
        conversion.texts[key] = _put_together(conversion, key, depth)
    return conversion.texts[key]


def _put_together(conversion: Conversion, key: str, depth: int) -> str:
    report, data = conversion.reports[key], conversion.nodes[key].data.at("data")
    values = {
        one.text("variable"): referred(conversion, report, one.texts("value_selector"), depth)
        for one in data.each("variables")
    }
    return conversion.filled(
        report, data.text("template"), _PLACE, lambda match: values.get(match[1], "")
    )
