"""Routers of Langflow as conditions, and as loops where they lead back."""

from workflows.definition.expressions import BadExpression, parse
from workflows.interchange.assembly import Step, make_node
from workflows.interchange.langflow_loops import HANDLES
from workflows.interchange.langflow_texts import Wiring
from workflows.interchange.phrases import (
    Unsayable,
    compare_any_case,
    compare_numbers,
    compare_texts,
    literal,
    whole,
)

_NUMBERS = {
    "less than": "<",
    "less than or equal": "<=",
    "greater than": ">",
    "greater than or equal": ">=",
}
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_ROUNDS, _MOST_ROUNDS = 10, 1_000


def router(wiring: Wiring, key: str) -> None:
    conversion = wiring.conversion
    one, report = conversion.nodes[key], conversion.reports[key]
    for name in ("true_case_message", "false_case_message"):
        if one.data.text(name, "value"):
            report.note(f"The text that arrives goes on in place of '{name}'.")
    if key in wiring.rounds.by:
        _loop(wiring, key)
        return
    try:
        condition = _condition(wiring, key, "{}")
    except Unsayable as error:
        report.note(f"Its condition is never true, for {error}.")
        condition = "false"
    name = conversion.id_of(key, "condition")
    exits = {"true_result": (name, "true"), "false_result": (name, "false")}
    node = make_node(name, "conditional", one.title, {"condition": condition})
    conversion.take(key, Step((node,), exits=exits))


def _loop(wiring: Wiring, key: str) -> None:
    conversion, again = wiring.conversion, wiring.rounds.by[key]
    one, report, name = (
        conversion.nodes[key],
        conversion.reports[key],
        conversion.id_of(key, "loop"),
    )
    first = f"nodes.{name}.iteration == 0 || " if wiring.decides_after(key) else ""
    try:
        condition = _condition(wiring, key, first + ("({})" if again == HANDLES[0] else "!({})"))
    except Unsayable as error:
        report.note(f"No further round begins, for {error}.")
        condition = f"{first}false"
    asked = one.data.number("max_iterations", "value")
    most = int(min(max(_ROUNDS if asked is None else asked, 1), _MOST_ROUNDS))
    report.note(f"It became a loop, of at most {most:,} rounds; what follows comes after the last.")
    done = HANDLES[1 - HANDLES.index(again)]
    config = {"condition": condition, "max_iterations": most}
    exits = {again: (name, "continue"), done: (name, "done")}
    conversion.take(key, Step((make_node(name, "loop", one.title, config),), exits=exits))


def _condition(wiring: Wiring, key: str, form: str) -> str:
    """What it compares, in an expression of this form. Raises Unsayable."""
    condition = form.format(_comparison(wiring, key))
    try:
        parse(condition)
    except BadExpression as refused:
        raise Unsayable(str(refused).removesuffix(".")) from refused
    return condition


def _comparison(wiring: Wiring, key: str) -> str:
    data = wiring.conversion.nodes[key].data
    operator, text = data.text("operator", "value") or "equals", data.text("match_text", "value")
    name = wiring.name(key, "input_text")
    if not name:
        raise Unsayable("nothing is known of what it compares")
    if wiring.is_linked(key, "match_text"):
        raise Unsayable("it compares with a text that is not a constant")
    if operator in _NUMBERS:
        compared = compare_numbers(_NUMBERS[operator], name, text)
        wiring.conversion.reports[key].note("With spaces around it, a number is none here.")
        return f"string({name}).matches({literal(_NUMBER)}) && {compared}"
    if operator == "regex":
        return f"{whole(name)}.matches({literal(f'^(?:{text})')})"
    if data.true("case_sensitive", "value"):
        return compare_texts(operator, name, literal(text))
    return compare_any_case(operator, name, text)
