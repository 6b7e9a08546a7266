"""JSON schemas of others: what is one, and what of a value does not fit (pure).

One policy for all of them: nothing is fetched, and no regular expression is tried, for one can take
a lifetime and stops the whole process meanwhile. Patterns are content: shown, told to models, kept.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_SHOWN = 300
_UNTRIED = ("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems")


class NoSchema(ValueError):
    """It is no JSON schema; the text says why."""


class NotFollowed(ValueError):
    """A schema that refers to what is not there, or has no end."""


def check_schema(schema: Any) -> None:
    """Raises NoSchema, and RecursionError for what nests too deep."""
    library = _library()
    try:
        library.Draft202012Validator.check_schema(schema)
    except library.SchemaError as error:
        raise NoSchema(error.message[:_SHOWN]) from error


def flaws(value: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    """What does not fit, as errors of the library, found as they are asked for.

    Raises NotFollowed.
    """
    try:
        yield from validator(schema).iter_errors(value)
    except (RecursionError, _referencing().exceptions.Unresolvable) as error:
        raise NotFollowed("The schema cannot be followed.") from error


def validator(schema: Mapping[str, Any]) -> Any:
    """What `flaws` asks, to be kept for more values of one schema."""
    return _kind()(schema, registry=_referencing().Registry())


@cache
def _kind() -> Any:
    library = _library()
    own = {**dict.fromkeys(_UNTRIED, _untried), "additionalProperties": _additional}
    kind = library.validators.extend(library.Draft202012Validator, own)
    kind.evolve = _evolve
    return kind


def _evolve(self: Any, **changes: Any) -> Any:
    """Parts are checked as the whole is; the library lets `$schema` choose other rules for one."""
    import attrs  # noqa: PLC0415 - comes with jsonschema

    return attrs.evolve(self, **changes)


def _untried(*_: Any) -> None:
    """Whatever it says, it is content."""


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
