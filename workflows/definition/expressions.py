"""The one expression language, of branches, variables and `{{ … }}`: CEL, bounded.

CEL is a standard and has no side effects. What is bounded here is how much an expression may cost:
loops nest without limit and copy their lists (a `map` of 1,000 items to lists took a minute), so
its work is estimated before it runs, and all expressions that are put in at once share what is
allowed. Whole and decimal numbers, which CEL does not add, may meet:
then all numbers of the expression are decimal. An unknown name is an error, never null or false.
"""

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import CoreSchema, core_schema

from workflows.definition.reading import MAX_CHARACTERS, Reading, Unreadable, braces_close, read
from workflows.definition.values import NotJson, Weight, as_decimals, as_json, as_text

NAMES = ("input", "params", "text", "variables", "nodes")
_MAX_UNITS = 30_000  # of values read or made; a unit is a number, a key or 64 characters
_MAX_WORK = 1_200_000  # units touched, at the worst; 30 to 40 ns each
_MAX_SHARED = 200_000  # units read and made by all that is put in at once; 2 us each
_WORK_PER_UNIT = 50  # as much is touched in the time in which a unit is read
_MAX_PATTERN = 150  # a pattern of \w{60} over 20,000 characters takes 50 ms
_MAX_MATCHED = 20_000
_SHOWN = 120
_OF_BRACES = (
    f"}}}} has to follow within {MAX_CHARACTERS:,} characters. Braces that are no expression are "
    "written {{ '{{' }}."
)
_COUNT = re.compile(r"(?<=[{,])\s*(\d{1,9})")
_TRICKY = re.compile(r"[)}+*?]\s*\{|\(\?[a-zA-Z]*x|\d{10}")
_REFERENCE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_NOISE = re.compile(
    r"Failed to parse expression .*?ERROR: <input>:|Function '\w*' error: |in CEL expression"
    r"|Python function call failed: \w+: ",
    re.DOTALL,
)
_UNFIT = re.compile(r"Undefined variable or function: '(\w+)'")
_CONSTANTS = ("true", "false", "null")
_OPERATORS = "_+_ _-_ _*_ _/_ _%_ -_ !_ _==_ _!=_ _<_ _<=_ _>_ _>=_ _&&_ _||_ _?_:_ _[_] @in"
_CALLS = "size_ string_ in_order_ int double contains startsWith endsWith matches"
_FUNCTIONS = frozenset([*_OPERATORS.split(), *_CALLS.split(), "@not_strictly_false"])


class BadExpression(ValueError):
    """It does not parse, asks for too much, or names something unknown; the text says which."""

    code = "bad_expression"


@dataclass(slots=True)
class Allowance:
    """What is left for expressions that are put in at once."""

    units: int = _MAX_SHARED

    def spend(self, units: int) -> None:
        """Raises NotJson."""
        self.units -= units
        if self.units < 0:
            raise NotJson("the expressions that stand here together are too much work")


class Expression(str):
    """A setting that is an expression as a whole, without braces."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


@lru_cache(maxsize=1024)
def parse(text: str, known: tuple[str, ...] = NAMES) -> Reading:
    """What an expression over `known` names and does, once it is one. Raises BadExpression."""
    if text.startswith("{{") and braces_close(text, len("{{")) is None:
        raise BadExpression(f"'{_shown(text)}' is never closed: {_OF_BRACES}")
    if len(text) > MAX_CHARACTERS:
        raise BadExpression(f"An expression has at most {MAX_CHARACTERS} characters.")
    reading = Reading(names=[text.strip()]) if is_reference(text) else _read(text)
    _check_names(reading, known)
    return reading


def evaluate(text: str, names: Mapping[str, Any], allowance: Allowance | None = None) -> Any:
    """The value of an expression over `names`, as JSON has it. Raises BadExpression."""
    if is_reference(text):
        return look_up(names, text.strip())
    reading = parse(text, _known(names))
    allowance = allowance or Allowance()
    try:
        inputs = _inputs(names, reading, allowance)
        value = _run(reading, inputs)
        weight = Weight(_MAX_UNITS)
        weight.add(value)
        allowance.spend(weight.units)
        return as_json(value)
    except BadExpression:
        raise
    except Exception as error:  # the library raises its own kinds for missing keys and types
        raise BadExpression(f"'{_shown(text)}': {_told(error, reading)}.") from error


def is_true(text: str, names: Mapping[str, Any]) -> bool:
    """Whether a condition holds; a value that is not a boolean is an error, never true."""
    value = evaluate(text, names)
    if not isinstance(value, bool):
        shown = _shown(as_text(value))
        raise BadExpression(f"'{_shown(text)}' is {shown!r}, which is neither true nor false.")
    return value


@lru_cache(maxsize=1024)
def is_reference(text: str) -> bool:
    """Whether it is but a dotted name, which needs no library and keeps its value as it is."""
    return bool(_REFERENCE.fullmatch(text.strip())) and text.strip() not in _CONSTANTS


def look_up(names: Mapping[str, Any], name: str) -> Any:
    """The value at a dotted name. Raises BadExpression."""
    value: Any = names
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            raise BadExpression(f"'{_shown(name)}' refers to nothing known here.")
        value = value[step]
    return value


def _read(text: str) -> Reading:
    try:
        reading = read(text)
        _compiled(text)
        _check_patterns(reading)
        missing = set(_compiled(reading.source).functions()) - _FUNCTIONS
    except Exception as error:  # the library raises its own kinds for what it does not understand
        raise BadExpression(
            f"'{_shown(text)}' is not an expression: {_first_line(error)}."
        ) from error
    if missing:
        raise BadExpression(f"There is no function '{min(missing)}'.")
    return reading


def _run(reading: Reading, inputs: dict[str, Any]) -> Any:
    try:
        return _compiled(reading.source).execute(inputs | _CALLED)
    except TypeError:
        try:
            return _compiled(reading.in_decimals).execute(as_decimals(inputs) | _CALLED_IN_DECIMALS)
        except TypeError:
            pass
        raise


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Any:
    import cel  # noqa: PLC0415 - it loads a command line of its own: 10 MB that few processes need

    logging.getLogger("cel").disabled = True  # an error of `size` is the expression's, and told
    return cel.compile(source)


def _known(names: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a run, of which a step may have some only; or those of another place, all."""
    return NAMES if names.keys() <= {*NAMES} else tuple(names)


def _check_names(reading: Reading, known: tuple[str, ...]) -> None:
    taken = {loop.variable for loop in reading.loops} & {*known}
    if taken:
        raise BadExpression(f"'{min(taken)}' is a name of the run: call the loop's item otherwise.")
    unknown = {name.partition(".")[0] for name in reading.names} - {*known}
    if unknown:
        raise BadExpression(f"'{min(unknown)}' is not a known name; use one of {', '.join(known)}.")


def _check_patterns(reading: Reading) -> None:
    """The library's matcher is linear, but a pattern may be made to cost a lot per character."""
    patterns = [_compiled(literal).execute({}) for literal in reading.patterns]
    counts = [int(number) for pattern in patterns for number in _COUNT.findall(pattern)]
    if sum(map(len, patterns)) + 3 * sum(counts) > _MAX_PATTERN:
        raise Unreadable("its patterns ask for too much")
    if any(_TRICKY.search(pattern) for pattern in patterns):
        raise Unreadable("a pattern counts no groups, and sets no x flag")
    for literal in reading.patterns:
        _compiled(f"''.matches({literal})").execute({})


def _inputs(names: Mapping[str, Any], reading: Reading, allowance: Allowance) -> dict[str, Any]:
    """The values an expression names, and no others. Raises BadExpression, NotJson."""
    weight = Weight(_MAX_UNITS, units=reading.atoms, longest_list=reading.atoms)
    inputs: dict[str, Any] = {}
    for name in sorted(reading.names, key=len, reverse=True):  # the whole comes after its parts
        weight.add(_put(inputs, names, name.split(".")))
    longest = weight.longest_list * (1 + reading.pluses)
    growth = math.prod(loop.growth(longest) for loop in reading.loops)
    work = weight.units * growth * (1 + reading.pluses)
    if work > _MAX_WORK:
        raise NotJson("that is too much work for one expression")
    allowance.spend(weight.units + work // _WORK_PER_UNIT)
    if reading.patterns and weight.longest_text * (1 + reading.pluses) > _MAX_MATCHED:
        raise NotJson(f"matches reads at most {_MAX_MATCHED} characters")
    return as_json(inputs)  # type: ignore[no-any-return]


def _put(inputs: dict[str, Any], names: Mapping[str, Any], steps: list[str]) -> Any:
    """Copy the value at these steps, or as far as there is one, and return it."""
    value: Any = names
    for at, step in enumerate(steps):
        if step not in value:
            return None
        value = value[step]
        if at + 1 == len(steps) or not isinstance(value, Mapping):
            inputs[step] = value
            break
        inputs = inputs.setdefault(step, {})
    return value


def _size(value: Any) -> int:
    """Of a text in characters: the library counts bytes."""
    if isinstance(value, str | list | Mapping):
        return len(value)
    raise TypeError("only a text, a list or an object has a size")


def _in_order(value: Any) -> Any:
    """What a loop goes over: the keys of a map are sorted, or they come as chance will have it."""
    return sorted(value) if isinstance(value, Mapping) else value


def _index(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_CALLED = {"size_": _size, "string_": as_text, "in_order_": _in_order}
_CALLED_IN_DECIMALS = _CALLED | {
    "size_": lambda value: float(_size(value)),
    "int_": lambda value: float(_compiled("int(value)").execute({"value": value})),
    "index_": _index,
}


def _told(error: Exception, reading: Reading) -> str:
    """What went wrong; the library knows no function that is given what it does not take."""
    told = _first_line(error)
    if "@in" in _compiled(reading.source).functions() and told.startswith("No such overload"):
        return "in looks into lists and objects; of a text, write text.contains(…)"
    if (unfit := _UNFIT.match(told)) is None:
        return told
    if unfit[1] in ("int", "double"):
        return f"{unfit[1]} takes a number or a text"
    return f"{unfit[1]} takes texts" + "; of a list, write … in …" * (unfit[1] == "contains")


def _first_line(error: Exception) -> str:
    """One line of it, without the library's advice."""
    if isinstance(error, KeyError):
        return f"there is no '{_shown(str(error.args[0]))}'"
    told = (_NOISE.sub("", str(error)).strip() or type(error).__name__).splitlines()[0]
    return _shown(told.partition(". ")[0].partition(" expecting ")[0].strip(" .:"))


def _shown(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
