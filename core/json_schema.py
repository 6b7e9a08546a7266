"""JSON schemas of others: what is one, and what of a value does not fit (pure).

One policy for all of them: nothing is fetched, and no regular expression is tried, for one can take
a lifetime and stops the whole process meanwhile. Patterns are content: shown, told to models, kept.
A value is checked in 100,000 steps, about a word of the schema for a value each, or not at all:
alternatives multiply, and parts that refer to one another double at every level.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from importlib import import_module
from itertools import islice
from typing import Any
from urllib.parse import urljoin

MOST_PARTS = 5_000
_SHOWN = 300
_MOST_STEPS = 100_000
_WORDS_PER_STEP, _VALUES_PER_STEP, _CHARACTERS_PER_VALUE = 16, 64, 16
_AS_PYTHON = ("None", "True", "False", "[", "{")  # how a message begins that names such a value
_NO_EXPRESSION = (re.error, OverflowError, RecursionError, ValueError)  # as of a number too long
_UNTRIED = ("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems", "format")


class NoSchema(ValueError):
    """It is no JSON schema; the text says why."""


class NotFollowed(ValueError):
    """A schema that refers to what is not there, has no end, or asks for too many steps."""


def check_schema(schema: Any, most_parts: int = MOST_PARTS) -> None:
    """Raises NoSchema, and RecursionError for what nests too deep.

    Takes 0.1 ms for each part, which is any object, true or false.
    """
    if sum(islice(_parts(schema), most_parts + 1)) > most_parts:
        raise NoSchema(f"It has more than {most_parts:,} parts.")
    for error in _of_schemas().iter_errors(schema):
        raise NoSchema(error.message[:_SHOWN])


def _parts(value: Any) -> Iterator[int]:
    """1 for each part."""
    if isinstance(value, bool | dict):
        yield 1
    if isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _parts(inner)


def flaws(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """What does not fit, as errors of the library, found as they are asked for.

    Raises NotFollowed.
    """
    yield from validator(schema).iter_errors(value)


def validator(schema: Mapping[str, Any]) -> "Validator":
    """What `flaws` asks, to be kept for more values of one schema."""
    return Validator(_kind()(schema, registry=_referencing().Registry()))


@dataclass(frozen=True, slots=True)
class Validator:
    """A schema that is ready to be asked."""

    root: Any

    def iter_errors(self, value: Any) -> Iterator[Any]:
        """As `flaws`."""
        try:
            for flaw in self.root.evolve(format_checker=_Work(value)).iter_errors(value):
                flaw.message = _in_json(flaw)
                yield flaw
        except (RecursionError, _referencing().exceptions.Unresolvable) as error:
            raise NotFollowed("The schema cannot be followed.") from error


def _in_json(flaw: Any) -> str:
    """What is wrong, with values as JSON has them: the library writes them as Python does."""
    message: str = flaw.message
    if message.startswith(_AS_PYTHON):
        value = flaw.validator_value if flaw.validator == "const" else flaw.instance
        if message.startswith(written := repr(value)):
            message = _written(value) + message.removeprefix(written)
    if flaw.validator == "enum":
        message = message.removesuffix(repr(flaw.validator_value)) + _written(flaw.validator_value)
    return message


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(slots=True)
class _Work:
    """The steps left for one value; what is large takes longer to compare, and to tell of."""

    value: Any
    left: int = _MOST_STEPS
    _sizes: dict[int, int] = field(default_factory=dict)  # of the lists and objects in the value

    def __post_init__(self) -> None:
        self._size(self.value)

    def step(self, words: Any, value: Any) -> None:
        """Raises NotFollowed."""
        told = len(words) if isinstance(words, list | dict) else 0
        self.left -= (1 + told // _WORDS_PER_STEP) * (1 + self._size(value) // _VALUES_PER_STEP)
        if self.left < 0:
            raise NotFollowed("The schema asks for too much work on this value.")

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value) // _CHARACTERS_PER_VALUE
        if not isinstance(value, list | dict):
            return 1
        if id(value) not in self._sizes:
            inner = value if isinstance(value, list) else [*value, *value.values()]
            self._sizes[id(value)] = 1 + sum(map(self._size, inner))
        return self._sizes[id(value)]


@cache
def _kind() -> Any:
    library = _library()
    own = {
        **library.Draft202012Validator.VALIDATORS,
        "additionalProperties": _additional,
        "multipleOf": _multiple,
        "uniqueItems": _unique,
    }
    counted = {word: partial(_counted, check) for word, check in own.items()}
    untried = dict.fromkeys(_UNTRIED, _untried)
    kind = library.validators.extend(library.Draft202012Validator, counted | untried)
    kind.evolve = _evolve
    return kind


@cache
def _of_schemas() -> Any:
    """What schemas are checked by."""
    library = _library()
    kind = library.validators.extend(library.Draft202012Validator, {"uniqueItems": _unique})
    kind.evolve = _evolve
    formats = library.FormatChecker(formats=())
    formats.checks("regex", raises=_NO_EXPRESSION)(_is_expression)
    return kind(_in_one(kind.META_SCHEMA), format_checker=formats)


def _in_one(meta: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of schemas in one piece: to look each part up in seven takes 15 times as long."""
    registry = import_module("jsonschema_specifications").REGISTRY
    found = [registry.contents(urljoin(meta["$id"], one["$ref"])) for one in meta["allOf"]]
    parts = [*found, meta]
    whole = {
        name: {key: value for part in parts for key, value in part.get(name, {}).items()}
        for name in ("$defs", "properties")
    }
    own: dict[str, Any] = _referring_to_itself({"type": meta["type"], **whole})
    return own


def _referring_to_itself(value: Any) -> Any:
    if isinstance(value, list):
        return [_referring_to_itself(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$dynamicRef" in value and isinstance(value["$dynamicRef"], str):
        return {"$ref": "#"}
    here = {name: _referring_to_itself(item) for name, item in value.items()}
    if isinstance(there := here.get("$ref"), str):
        here["$ref"] = "#" + there.partition("#")[2]
    return here


def _is_expression(text: Any) -> bool:
    """Read, but not compiled: the sets of a hundred thousand characters take two minutes."""
    if isinstance(text, str):
        import_module("re._parser").parse(text)
    return True


def _evolve(self: Any, **changes: Any) -> Any:
    """Parts are checked as the whole is; the library lets `$schema` choose other rules for one."""
    import attrs  # noqa: PLC0415 - comes with jsonschema

    return attrs.evolve(self, **changes)


def _untried(*_: Any) -> None:
    """Whatever it says, it is content."""


def _counted(
    check: Callable[..., Any], validator: Any, words: Any, instance: Any, schema: Any
) -> Any:
    """No format is tried, so what the parts of a validator share of formats are the steps left."""
    validator.format_checker.step(words, instance)
    return check(validator, words, instance, schema)


def _unique(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """The library compares each item with each other."""
    if not wanted or not isinstance(instance, list):
        return
    if len({_canonical(item) for item in instance}) < len(instance):
        yield _library().ValidationError(f"{instance!r} has non-unique elements")


def _multiple(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """In decimals, as numbers are written: divided as floats, 19.99 is no multiple of 0.01."""
    if not validator.is_type(instance, "number"):
        return
    finite = _is_finite(instance) and _is_finite(step)
    if not finite or (_exact(instance) / _exact(step)).denominator > 1:
        yield _library().ValidationError(f"{instance!r} is not a multiple of {step}")


def _is_finite(number: float) -> bool:
    """1e999 is read as infinite."""
    return isinstance(number, int) or math.isfinite(number)


def _exact(number: float) -> Fraction:
    return Fraction(number if isinstance(number, int) else repr(number))


def _canonical(value: Any) -> str:
    """One text for all that is equal in JSON, where 1.0 is 1, and true is not."""
    return json.dumps(_whole(value), sort_keys=True)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value


def _additional(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """As the library has it, unless which names are additional hangs on an expression."""
    if "patternProperties" in schema:
        return
    checked = _library().Draft202012Validator.VALIDATORS["additionalProperties"]
    yield from checked(validator, allowed, instance, schema)


def _referencing() -> Any:
    """An empty registry of it knows nothing and fetches nothing."""
    import referencing.exceptions  # noqa: PLC0415 - comes with jsonschema

    return referencing


def _library() -> Any:
    import jsonschema  # noqa: PLC0415 - few processes need it, and it brings much with it

    return jsonschema
