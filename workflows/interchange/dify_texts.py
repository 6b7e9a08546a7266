"""References of Dify (`{{#node.variable#}}`) as ours.

Where Dify gives an empty text, for a node that was not visited or a value nobody gave, so do these.
"""

import re
from collections.abc import Mapping

from workflows.definition.reading import MAX_CHARACTERS
from workflows.interchange.dify_bodies import is_seen
from workflows.interchange.dify_carried import is_carried, schema_of
from workflows.interchange.dify_forms import RENDERED, answered
from workflows.interchange.foreign import NAME, Conversion, ForeignNode, input_name, parted
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import literal, where
from workflows.interchange.requests import is_secret

_REFERENCE = re.compile(r"\{\{#([^#{}]+)#\}\}")
_FIELD = re.compile(r"\{\{#\$output\.([^#{}]+)#\}\}")
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_DEEPEST = 8
LONGEST_VALUE = 300
_TOO_LARGE = 2**63  # for a number of an expression
_LEFT_BY = {
    "llm": {"text": "text"},
    "template-transform": {"output": "text"},
    "http-request": {"body": "text", "status_code": "status", "headers": "headers"},
    "iteration": {"output": "results"},
}
_LEFT_BY_ERRORS = {"error_message": "text", "error_type": "code"}
_BY_TYPE = {"llm": "model", "http-request": "request", "template-transform": "prompt"}
_NO_NULLS = "remove-abnormal-output"


def rendered(
    conversion: Conversion,
    key: str,
    text: str,
    given: Mapping[str, str] | None = None,
    depth: int = 0,
) -> str:
    """A text of this node with every reference turned into one of ours, or into what is `given`."""
    report, told = conversion.reports[key], given or {}
    text = parted(report, text, keep=r"#[^#{}]+#\}\}")

    def put(match: re.Match[str]) -> str:
        name = match[1]
        return told[name] if name in told else _referred(conversion, key, name.split("."), depth)

    return conversion.filled(report, text, _REFERENCE, put).strip()


def templated(conversion: Conversion, key: str, data: Loose) -> str:
    """The text of a template, its variables turned into references of ours."""
    values = {
        one.text("variable"): _referred(conversion, key, one.texts("value_selector"))
        for one in data.each("variables")
    }
    report, text = conversion.reports[key], data.text("template")
    return conversion.filled(report, text, _PLACE, lambda match: values.get(match[1], ""))


def _referred(conversion: Conversion, key: str, selector: list[str], depth: int = 0) -> str:
    if selector[1:] == [RENDERED] and (form := _form(conversion, selector[0], key, depth + 1)):
        return form
    found = value_of(conversion, selector, key)
    if not found:
        conversion.reports[key].note(f"Nothing stands where it refers to '{'.'.join(selector)}'.")
        return ""
    return f"{{{{{found}}}}}"


def _form(conversion: Conversion, key: str, at: str, depth: int) -> str:
    """The text of a form with what was filled in, put together once for each place.

    Nothing stands for it within itself or too many others, or where nobody may have been asked.
    """
    if key not in conversion.nodes or not is_carried(conversion, key) or depth > _DEEPEST:
        return ""
    if not is_seen(conversion, key, at, RENDERED) or not conversion.ways.is_sure(key, at):
        return ""
    place = "\n".join((key, RENDERED, at))
    if place not in conversion.texts:
        conversion.texts[place] = ""
        text = conversion.nodes[key].data.text("data", "form_content")
        conversion.characters += len(text)  # it is read anew at each place, whatever comes of it
        names = {match[1] for match in _FIELD.finditer(text)}
        filled = {
            f"$output.{one}": _referred(conversion, at, [key, *one.split(".")]) for one in names
        }
        conversion.texts[place] = rendered(conversion, at, text, filled, depth)
    return conversion.texts[place] or ""


def value_of(conversion: Conversion, selector: list[str], at: str, depth: int = 0) -> str:
    """An expression for what a selector selects in node `at`; empty if there is nothing like it."""
    if len(selector) < 2 or depth > _DEEPEST:  # noqa: PLR2004 - a node and a variable
        return ""
    owner, variable = selector[0], selector[1]
    if owner not in conversion.nodes:
        if owner == "sys":
            return "input.message" if variable == "query" else ""
        return conversion.variables.get(variable, ("", ""))[0] if owner == "conversation" else ""
    match conversion.nodes[owner].type:
        case "start":
            return _input(conversion.nodes[owner], variable)
        case "variable-aggregator" | "variable-assigner":
            return _brought(conversion, owner, variable, at, depth)
    return _left(conversion, owner, selector[1:], at)


def _input(node: ForeignNode, variable: str) -> str:
    name = input_name(variable)
    told = [one for one in node.data.each("data", "variables") if one.text("variable") == variable]
    by_itself = next(filter(None, map(default_of, told)), "")
    if not name or (any(one.true("required") for one in told) and not by_itself):
        return name
    return where([f"has({name})"], name, by_itself or "''")


def default_of(variable: Loose) -> str:
    """An expression for what an input is when nobody gives it; empty if that is not kept."""
    value = variable.at("default").value
    said = literal(value)
    is_number = isinstance(value, int | float) and abs(value) < _TOO_LARGE
    kept = (is_number or isinstance(value, str)) and len(said) <= LONGEST_VALUE
    return said if kept and value != "" and not is_secret(said) else ""


def _brought(conversion: Conversion, key: str, variable: str, at: str, depth: int) -> str:
    """What an aggregator gives, put together once for each place; nothing within itself."""
    place = "\n".join((key, variable, at))
    if place not in conversion.texts:
        conversion.texts[place] = ""
        node = conversion.nodes[key]
        conversion.texts[place] = _first(conversion, node, variable, at, depth)
    return conversion.texts[place] or ""


def _first(conversion: Conversion, node: ForeignNode, variable: str, at: str, depth: int) -> str:
    """Of what an aggregator brings together, the first that is there.

    Each stands behind the question whether it is there, for what is sure needs no other.
    """
    data, found, lost = node.data.at("data"), "''", []
    groups = {one.text("group_name"): one for one in data.each("advanced_settings", "groups")}
    if data.true("advanced_settings", "group_enabled"):
        data = groups.get(variable, Loose())
    for one in reversed([one.texts() for one in data.each("variables")]):
        value = value_of(conversion, one, at, depth + 1)
        if value.endswith(" : ''"):
            found = value.removesuffix("''") + found
        elif value:
            found = value
        else:
            lost.append(".".join(one))
        if len(found) > MAX_CHARACTERS:
            return ""
    if found == "''":
        return ""
    for name in lost:
        conversion.reports[at].note(f"Nothing stands where it refers to '{name}'.")
    return found


def _left(conversion: Conversion, key: str, path: list[str], at: str) -> str:
    """What one of our nodes leaves in the place of this one."""
    node, variable = conversion.nodes[key], path[0]
    if not is_carried(conversion, key) or not is_seen(conversion, key, at, variable):
        return ""
    if node.type in _TOLD_BY:
        return _TOLD_BY[node.type](conversion, key, path, at)
    name = conversion.id_of(key, _BY_TYPE.get(node.type, "node"))
    if key in conversion.fails and variable in _LEFT_BY_ERRORS:
        asked = (f"has(nodes.{name})", f"has(nodes.{name}.code)")
        return where(asked, f"nodes.{name}.{_LEFT_BY_ERRORS[variable]}")
    if node.type == "iteration" and variable in ("item", "index"):
        return f"nodes.{name}.{variable}"
    if node.type == "llm" and variable == "structured_output":
        return _answered(conversion, key, name, path[1:], at)
    field = _LEFT_BY.get(node.type, {}).get(variable, "")
    if field == "results" and node.data.text("data", "error_handle_mode") == _NO_NULLS:
        field = "results.filter(one, one != null)"
    return conversion.left(key, name, field, at) if field else ""


def _of_loop(conversion: Conversion, key: str, path: list[str], at: str) -> str:
    """A variable of a loop, or after it how many rounds it made."""
    if path == ["loop_round"] and at != key != conversion.inner.get(at):
        return conversion.left(key, conversion.id_of(key, "loop"), "iteration", at)
    name = conversion.variables.get(f"{key}.{path[0]}", ("", ""))[0] if len(path) == 1 else ""
    sure = not name or conversion.ways.is_sure(key, at)
    return where([] if sure else [f"has({name})"], name)


_TOLD_BY = {"loop": _of_loop, "human-input": answered}


def _answered(conversion: Conversion, key: str, name: str, path: list[str], at: str) -> str:
    """What stands in an answer that is JSON, should it be there."""
    if schema_of(conversion, key) is None or not all(map(NAME.fullmatch, path)):
        return ""
    steps = [".".join(("data", *path[: end + 1])) for end in range(len(path))]
    asked = [f"has(nodes.{name}.{step})" for step in steps]
    return conversion.left(key, name, ".".join(("data", *path)), at, *asked)
