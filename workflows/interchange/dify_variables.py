"""Variables of a conversation or a loop in Dify as those of the run, and what sets them."""

from collections.abc import Iterator
from typing import Any

from workflows.definition.reading import MAX_CHARACTERS
from workflows.interchange.assembly import make_node, row
from workflows.interchange.dify_texts import LONGEST_VALUE, value_of
from workflows.interchange.foreign import NAME, Conversion
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import Unsayable, literal, where, whole
from workflows.interchange.requests import is_secret

_EMPTY: dict[str, Any] = {"string": "", "number": 0, "object": {}, "boolean": False}
_LONGEST_NAME = 64
_ADDING = {"append": "{} + [{}]", "extend": "{} + {}", "+=": "{} + {}", "-=": "{} - {}"}
_ADDING |= {"*=": "{} * {}", "/=": "double({}) / double({})"}


def variables_of(document: Loose) -> dict[str, tuple[str, str]]:
    """The variables of a conversation: what each is, set or not, and what it is when cleared."""
    return {
        name: (
            where([f"has(variables.{name})"], f"variables.{name}", _first(one)),
            empty_of(one.text("value_type")),
        )
        for one in document.each("workflow", "conversation_variables")
        if NAME.fullmatch(name := one.text("name")) and len(name) <= _LONGEST_NAME
    }


def _first(one: Loose) -> str:
    """What a variable is before it is set."""
    value = one.at("value").value
    said = literal(value)
    kept = value is not None and len(said) <= LONGEST_VALUE and not is_secret(said)
    return said if kept else empty_of(one.text("value_type"))


def empty_of(kind: str) -> str:
    return literal([] if kind.startswith("array") else _EMPTY.get(kind, ""))


def assigner(conversion: Conversion, key: str, data: Loose) -> None:
    report, title = conversion.reports[key], conversion.nodes[key].title
    nodes: list[dict[str, Any]] = []
    for one in _items(data):
        name = (one.texts("variable_selector") + ["", ""])[1]
        try:
            set_here, said = _value(conversion, key, one)
        except Unsayable as error:
            report.note(f"'{name[:80]}' is not set, for {error}.")
            continue
        config = {"name": set_here, "expression": said}
        first = conversion.id_of(key, "variable")
        own = conversion.names.new(f"{first}_{name}", "variable") if nodes else first
        nodes.append(make_node(own, "variable", title, config))
    if not nodes:
        conversion.leave_out(key, "Nothing of it can be said here.")
        return
    conversion.take(key, row(*nodes))
    if any(one["config"]["name"] in conversion.variables for one in nodes):
        report.note("What it sets lasts for the run, not for the conversation.")
    around = conversion.inner.get(key)
    if around and conversion.nodes[around].type == "iteration":
        report.note("What it sets for an item is seen by that item only.")


def sets_something(conversion: Conversion, key: str) -> bool:
    """Whether anything that an assigner sets can be set here."""
    for one in _items(conversion.nodes[key].data.at("data")):
        try:
            _value(conversion, key, one)
        except Unsayable:
            continue
        return True
    return False


def _items(data: Loose) -> Iterator[Loose]:
    """Those of a file of today; an old one has a single one, in other words."""
    if not data.keys() or data.at("items").value is not None:
        yield from data.each("items")
        return
    yield Loose(
        {
            "variable_selector": data.texts("assigned_variable_selector"),
            "value": data.texts("input_variable_selector"),
            "input_type": "variable",
            "operation": data.text("write_mode") or "over-write",
        }
    )


def _value(conversion: Conversion, key: str, one: Loose) -> tuple[str, str]:
    """A variable of the run, and an expression for what it is set to. Raises Unsayable."""
    selector, operation = one.texts("variable_selector"), one.text("operation")
    around = conversion.inner.get(key, "conversation")
    settable = selector[:1] in (["conversation"], [around])
    now = value_of(conversion, selector, key) if settable else ""
    told = ".".join(selector[1:2] if selector[:1] == ["conversation"] else selector)
    if not now or told not in conversion.variables:
        raise Unsayable("only variables of the conversation or of the loop around it are set here")
    is_kept, cleared = conversion.variables[told]
    name = told if selector[0] == "conversation" else is_kept.removeprefix("variables.")
    if operation == "clear":
        said = cleared
    elif operation in ("over-write", "set"):
        said = _given(conversion, key, one)
    elif operation in _ADDING:
        said = _ADDING[operation].format(whole(now), whole(_given(conversion, key, one)))
    else:
        raise Unsayable(f"nothing here does '{operation[:40]}'")
    if len(said) > MAX_CHARACTERS:
        raise Unsayable("its value is too long")
    return name, said


def _given(conversion: Conversion, key: str, one: Loose) -> str:
    if one.text("input_type") == "constant" or one.text("operation") == "set":
        said = literal(one.at("value").value)
        if is_secret(said):
            raise Unsayable("its value is a secret, which stays behind")
        return said
    selector = one.texts("value")
    if said := value_of(conversion, selector, key):
        return said
    raise Unsayable(f"nothing here is '{'.'.join(selector)[:80]}'")
