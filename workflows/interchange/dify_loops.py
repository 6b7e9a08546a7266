"""Loops of Dify as loops of ours, with their variables.

Whether one ends is asked before its first round and after each; one ends, too, after a round that
came by its `loop-end`.
"""

import json
from collections.abc import Iterator
from typing import Any

from workflows.definition.expressions import BadExpression, parse
from workflows.interchange.assembly import CONTINUE, EACH, PASSES, Link, Step, make_node, row
from workflows.interchange.dify_bodies import DONE, OUT, stands_in
from workflows.interchange.dify_conditions import comparison_of
from workflows.interchange.dify_texts import value_of
from workflows.interchange.dify_variables import empty_of
from workflows.interchange.foreign import AGGREGATORS, Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import Unsayable, literal, not_carried
from workflows.interchange.requests import is_secret

_MOST_ROUNDS = 1_000
_ENDED = "*ended"  # no variable of a loop is called so
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "object": dict,
    "boolean": bool,
}


def declare(conversion: Conversion, key: str) -> None:
    """Find the variables of the run that are those of a loop, and that tell who ended it."""
    data = conversion.nodes[key].data.at("data")
    found = {f"{key}.{label}": one.text("var_type") for label, one in _variables(data).items()}
    ends = [one for one in conversion.nodes.values() if one.type == "loop-end"]
    found |= {f"{one.id}.{_ENDED}": "boolean" for one in ends if stands_in(one) == key}
    conversion.known.check_size(len(found), edges=0)
    loop_id = conversion.id_of(key, "loop")
    for place, kind in found.items():
        name = _new_name(conversion, f"{loop_id}_{place.removeprefix(f'{key}.')}")
        said = (f"variables.{name}", empty_of(kind))
        conversion.variables = {**conversion.variables, place: said}


def _variables(data: Loose) -> dict[str, Loose]:
    return {label: one for one in data.each("loop_variables") if (label := one.text("label"))}


def _new_name(conversion: Conversion, title: str) -> str:
    """Of a variable, and of the node that sets it first."""
    name = conversion.names.new(title, "variable")
    return _new_name(conversion, title) if name in conversion.variables else name


def is_sayable(conversion: Conversion, key: str, *, works: bool) -> bool:
    """Whether a loop can be carried over; if not, its report tells why. `works`: its rounds do."""
    try:
        _check(conversion, key, works=works)
    except Unsayable as error:
        reason = f"It is not carried over, for {error}: draw a loop node in its place."
        conversion.leave_out(key, reason)
        return False
    return True


def _check(conversion: Conversion, key: str, *, works: bool) -> None:
    """Raises Unsayable."""
    data = conversion.nodes[key].data.at("data")
    if not all(kind in conversion.known.kinds for kind in ("loop", "variable")):
        raise Unsayable("loops or variables may not be used here")
    if data.text("error_strategy"):
        raise Unsayable("what it does when it fails cannot be said of a whole loop")
    if (data.number("loop_count") or 0) < 1:
        raise Unsayable("it does not tell how many rounds it may make")
    for label, one in _variables(data).items():
        _first(conversion, key, label, one)
    if not works:
        raise Unsayable("nothing that is done in its rounds is carried over")
    _condition(conversion, key)


def loop(conversion: Conversion, key: str, data: Loose) -> None:
    """Its variables as they are before the first round."""
    if key not in conversion.bodies:
        if key not in conversion.steps:
            inside = stands_in(conversion.nodes[key])
            why = "it stands in another or in an iteration" if inside else "no start leads into it"
            reason = f"A loop is not carried over where {why}: draw a loop node in its place."
            conversion.leave_out(key, reason)
        return
    report, title = conversion.reports[key], conversion.nodes[key].title
    said = {
        f"{key}.{label}": (label, _first(conversion, key, label, one))
        for label, one in _variables(data).items()
    }
    said |= {f"{one}.{_ENDED}": ("ended", "false") for one in _ends(conversion, key)}
    nodes = [
        make_node(name, "variable", f"{title}: {label}", {"name": name, "expression": first})
        for place, (label, first) in said.items()
        for name in [_name(conversion, place)]
    ]
    conversion.take(key, row(*nodes) if nodes else PASSES)
    report.became.append(conversion.id_of(key, "loop"))
    if (data.number("loop_count") or 0) > _MOST_ROUNDS:
        report.note(f"It makes at most {_MOST_ROUNDS:,} rounds here.")


def loop_start(conversion: Conversion, key: str, data: Loose) -> None:
    """With it begin the rounds, and so it is our loop."""
    around = conversion.inner.get(key)
    if around is None or Link(around, EACH, key) not in conversion.links:
        conversion.leave_out(key, "Its rounds begin with another node.")
        return
    name, one = conversion.id_of(around, "loop"), conversion.nodes[around]
    rounds = one.data.number("data", "loop_count") or 1
    config = {
        "condition": _condition(conversion, around) or None,
        "max_iterations": int(min(rounds, _MOST_ROUNDS)),
    }
    exits = {OUT: (name, CONTINUE), DONE: (name, DONE)}
    conversion.take(key, Step((make_node(name, "loop", one.title, config),), exits=exits))


def loop_end(conversion: Conversion, key: str, data: Loose) -> None:
    """It ends the loop after the round, in which the other branches go on as they do there."""
    if key not in _ends(conversion, conversion.inner.get(key, "")):
        conversion.leave_out(key, not_carried("loop-end", "node"))
        return
    config = {"name": _name(conversion, f"{key}.{_ENDED}"), "expression": "true"}
    name = conversion.id_of(key, "ends")
    conversion.take(key, row(make_node(name, "variable", conversion.nodes[key].title, config)))


def _ends(conversion: Conversion, key: str) -> list[str]:
    inner = conversion.inner.items()
    return [
        one for one, around in inner if around == key and f"{one}.{_ENDED}" in conversion.variables
    ]


def _name(conversion: Conversion, place: str) -> str:
    return conversion.variables[place][0].removeprefix("variables.")


def _first(conversion: Conversion, key: str, label: str, one: Loose) -> str:
    """An expression for what a variable is before the first round. Raises Unsayable."""
    if one.text("value_type") == "constant":
        said = literal(_constant(label[:80], one))
        if is_secret(said):
            raise Unsayable(f"its variable '{label[:80]}' holds a secret, which stays behind")
        return _checked(said, f"its variable '{label[:80]}' cannot be said")
    selector = one.texts("value")
    said = "" if selector[:1] == [key] else value_of(conversion, selector, key)
    if not said:
        told = ".".join(selector)[:80]
        raise Unsayable(f"its variable '{label[:80]}' begins as '{told}', which nothing here is")
    return said


def _constant(label: str, one: Loose) -> Any:
    """What is not a text may be written as JSON. Raises Unsayable."""
    kind, value = one.text("var_type"), one.at("value").value
    is_list = kind.startswith("array")
    if is_list and kind != "array[boolean]" and not isinstance(value, str):
        return []
    if isinstance(value, str) and kind != "string":
        try:
            value = json.loads(value or "[]" if is_list else value)
        except (ValueError, RecursionError):
            raise Unsayable(f"its variable '{label}' is no {kind[:40]}") from None
    wanted = list if is_list else _TYPES.get(kind, ())
    if not isinstance(value, wanted) or (kind == "number" and isinstance(value, bool)):
        raise Unsayable(f"its variable '{label}' is no {kind[:40]}")
    return value


def _condition(conversion: Conversion, key: str) -> str:
    """While it holds there is another round; empty: always. Raises Unsayable."""
    data = conversion.nodes[key].data.at("data")
    wanted = [f"!{conversion.variables[f'{one}.{_ENDED}'][0]}" for one in _ends(conversion, key)]
    joint = " || " if data.text("logical_operator") == "or" else " && "
    breaks = ""
    for test in reversed([*_tests(conversion, key, data)]):
        breaks = f"{test[0]}({test[1]}{joint}{breaks})" if breaks else "".join(test)
    said = " && ".join([*wanted, *([f"!({breaks})"] if breaks else [])])
    return _checked(said, "the condition that ends it cannot be said") if said else ""


def _tests(conversion: Conversion, key: str, data: Loose) -> Iterator[tuple[str, str]]:
    """Each comparison that breaks it, after what has to be there to be compared.

    What no round has left yet breaks nothing, whatever is compared after it. Raises Unsayable.
    """
    for one in data.each("break_conditions"):
        owner = (one.texts("variable_selector") or [""])[0]
        said = comparison_of(conversion, key, one)
        within = conversion.inner.get(owner) == key
        if within and conversion.nodes[owner].type in AGGREGATORS:
            raise Unsayable("it ends by what branches of its round bring together")
        yield (f"has(nodes.{conversion.ids[owner]}) && " if within else "", f"({said})")


def _checked(said: str, what: str) -> str:
    """Raises Unsayable for what is no expression, or too long for one."""
    try:
        parse(said)
    except BadExpression:
        raise Unsayable(what) from None
    return said
