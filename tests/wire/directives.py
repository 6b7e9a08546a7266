"""`[[words=30]] [[fault=429 times=1]]` in a text → what the server is told to do (pure)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

STATUS_FAULTS = frozenset(
    {"400", "401", "403", "404", "408", "413", "429", "500", "502", "503", "504", "529"}
)
REFUSING_FAULTS = STATUS_FAULTS | {"quota", "context"}
BREAKING_FAULTS = frozenset({"cut", "hang", "malformed", "stream_error"})
OTHER_FAULTS = frozenset(
    {"content_filter", "slow", "empty", "no_usage", "bare_usage", "null_usage", "garbled_call"}
    | {"unstreamed", "unoffered"}
)
SLOW_FIRST_MS = 3000

_NUMBERS = frozenset(
    {"words", "chop", "delay_ms", "first_ms", "cached", "cache_write", "reasoning", "rounds"}
)
_FAULT_OPTIONS = frozenset({"after", "times", "retry_after", "first_ms"})
_FIRST_WORDS = _NUMBERS | {"say", "tool", "ttl", "unicode", "fault"}
_BRACKET = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_OPENING = re.compile(r"\[\[(\w+)")
_JSON = json.JSONDecoder()


class BadDirective(ValueError):
    """A known directive that makes no sense; it is answered with 400."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the answer shall call."""

    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What shall go wrong; `times` None means every time."""

    kind: str
    after: int = 0
    times: int | None = None
    retry_after_s: float | None = None
    first_ms: int = SLOW_FIRST_MS


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All that directives can ask for; None means that they did not say."""

    words: int | None = None
    say: str | None = None
    unicode: bool | None = None
    chop: int | None = None
    delay_ms: int | None = None
    first_ms: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    ttl: str | None = None
    reasoning: int | None = None
    rounds: int | None = None
    tools: tuple[ToolCall, ...] | None = None
    faults: tuple[Fault, ...] | None = None

    def over(self, other: "Behaviour") -> "Behaviour":
        """Take from `other` what is not said here."""
        unsaid = [name for name in Behaviour.__slots__ if getattr(self, name) is None]
        return replace(self, **{name: getattr(other, name) for name in unsaid})

    def fault(self, attempt: int) -> Fault | None:
        """Find the first fault in force at this attempt; attempts count from 1."""
        for fault in self.faults or ():
            if fault.times is None or attempt <= fault.times:
                return fault
        return None


def read_directives(text: str) -> tuple[str, Behaviour]:
    """Split a text into its words without directives and the behaviour they ask for.

    Raises BadDirective for a known directive with an unknown or wrong value.
    """
    behaviour, rest, end = Behaviour(), [], 0
    for start, stop, inside in _brackets(text):
        rest.append(text[end:start])
        behaviour = _read(inside, behaviour)
        end = stop
    rest.append(text[end:])
    return " ".join("".join(rest).split()), behaviour


def _brackets(text: str) -> Iterator[tuple[int, int, str]]:
    """Find the directives; the JSON of a tool may itself hold double brackets."""
    position = 0
    while opening := _OPENING.search(text, position):
        position = opening.end()
        if opening[1] not in _FIRST_WORDS:
            continue
        stop = _end_of_tool(text, position) if opening[1] == "tool" else None
        whole = _BRACKET.match(text, opening.start())
        stop = stop or (whole.end() if whole else None)
        if stop:
            yield opening.start(), stop, text[opening.start() + 2 : stop - 2].strip()
            position = stop


def _end_of_tool(text: str, position: int) -> int | None:
    name = re.compile(r"=\S+?\s+(?=\{)").match(text, position)
    if not name:
        return None
    try:
        _, end = _JSON.raw_decode(text, name.end())
    except ValueError:
        return None
    closing = re.compile(r"\s*\]\]").match(text, end)
    return closing.end() if closing else None


def _read(inside: str, so_far: Behaviour) -> Behaviour:
    if inside.startswith("say="):
        return replace(so_far, say=inside.removeprefix("say="))
    if inside.startswith("tool="):
        return replace(so_far, tools=(*(so_far.tools or ()), _read_tool(inside)))
    options = dict(word.partition("=")[::2] for word in inside.split())
    if "fault" in options:
        so_far = replace(so_far, faults=(*(so_far.faults or ()), _read_fault(options)))
    return replace(so_far, **{key: _value(key, value) for key, value in options.items()})


def _read_tool(inside: str) -> ToolCall:
    name, _, arguments = inside.removeprefix("tool=").partition(" ")
    try:
        _JSON.decode(arguments or "{}")
    except ValueError as error:
        raise BadDirective(f"arguments of tool={name} are not JSON: {error}") from error
    return ToolCall(name, arguments.strip() or "{}")


def _read_fault(options: dict[str, str]) -> Fault:
    """Take the fault and its own options out of `options`."""
    kind = options.pop("fault")
    if kind not in REFUSING_FAULTS | BREAKING_FAULTS | OTHER_FAULTS:
        raise BadDirective(f"unknown fault {kind!r}")
    own = {key: options.pop(key) for key in _FAULT_OPTIONS & options.keys()}
    fault = Fault(kind, **{key: _number(key, own[key]) for key in own if key != "retry_after"})
    if "retry_after" not in own:
        return fault
    try:
        return replace(fault, retry_after_s=float(own["retry_after"]))
    except ValueError as error:
        raise BadDirective(f"retry_after={own['retry_after']} is not a number") from error


def _value(key: str, value: str) -> Any:
    if key in _NUMBERS:
        return _number(key, value)
    if key == "unicode" and value in ("", "1"):
        return True
    if key == "ttl" and value in ("5m", "1h"):
        return value
    raise BadDirective(f"unknown directive {key}={value}")


def _number(key: str, value: str) -> int:
    if not value.isdecimal():
        raise BadDirective(f"{key}={value} is not a whole number")
    return int(value)
