"""Conditions of Dify as expressions of ours."""

from typing import Any

from workflows.definition.reading import MAX_CHARACTERS
from workflows.interchange.dify_texts import value_of
from workflows.interchange.foreign import Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import (
    Unsayable,
    compare_lists,
    compare_numbers,
    compare_texts,
    literal,
    whole,
)

_TEXT_OPERATORS = {
    "contains": "contains",
    "not contains": "not contains",
    "start with": "starts with",
    "end with": "ends with",
    "is": "equals",
    "is not": "not equals",
}
_EMPTY = '["", [], {}, null, 0, false]'  # whatever Python takes for false
_NUMBER_OPERATORS = {"=": "==", "≠": "!=", ">": ">", "<": "<", "≥": ">=", "≤": "<="}
_SAME = {"is": "==", "is not": "!="}


def condition_of(conversion: Conversion, key: str, case: Loose) -> str:
    """A case as one expression; what cannot be said is false, so that no branch is taken by it."""
    report, said = conversion.reports[key], []
    joint = " || " if case.text("logical_operator") == "or" else " && "
    for condition in case.each("conditions"):
        try:
            said.append(f"({comparison_of(conversion, key, condition)})")
        except Unsayable as error:
            report.note(f"A condition is never true, for {error}.")
            said.append("false")
    if len(joint.join(said)) > MAX_CHARACTERS:
        report.note("A case is never true, for it is too long to be said.")
        return "false"
    return joint.join(said) or "false"


def comparison_of(conversion: Conversion, key: str, condition: Loose) -> str:
    """One of its comparisons. Raises Unsayable."""
    operator, value = condition.text("comparison_operator"), condition.at("value").value
    selector = condition.texts("variable_selector")
    name = value_of(conversion, selector, key)
    if not name:
        raise Unsayable(f"nothing here is '{'.'.join(selector)}'")
    if condition.keys("sub_variable_condition"):
        raise Unsayable("it looks into files")
    if operator in ("empty", "not empty"):
        found = f"{whole(name)} in {_EMPTY}"
        return found if operator == "empty" else f"!({found})"
    return _with_constant(condition, operator, name, value)


def _with_constant(condition: Loose, operator: str, name: str, value: Any) -> str:
    """Raises Unsayable."""
    if condition.text("varType") == "boolean" and operator in _SAME:
        return f"{whole(name)} {_SAME[operator]} {_boolean(value)}"
    if not isinstance(value, str) or "{{#" in value:
        raise Unsayable(f"'{operator}' is compared with more than a constant text")
    if condition.text("varType").startswith("array"):
        return compare_lists(operator, name, literal(value))
    if operator in _NUMBER_OPERATORS:
        return compare_numbers(_NUMBER_OPERATORS[operator], name, value)
    return compare_texts(_TEXT_OPERATORS.get(operator, operator), name, literal(value))


def _boolean(value: Any) -> str:
    said = value.strip().lower() if isinstance(value, str) else literal(value)
    if said not in ("true", "false"):
        raise Unsayable("whether something is true is compared with neither true nor false")
    return said
