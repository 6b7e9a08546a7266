"""The figures of the pages: what each says of numbers, and which of the rows it counts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analytics.reports.rows import narrowed
from workflows.templatetags.figures import cost, milliseconds, share, tokens

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """`of` narrows the list of all that was counted to what this one is reckoned from."""

    label: str
    value: Callable[[Numbers], Any]
    of: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as it is shown; `address` lists its rows, `before` is of the period before."""

    label: str
    shown: Any
    address: str
    before: "Cell | None" = None


def cells(figures: Iterable[Figure], numbers: Numbers, page: str) -> list[Cell]:
    """Figures of the numbers whose rows `page` lists."""
    return [Cell(one.label, one.value(numbers), narrowed(page, one.of)) for one in figures]


def with_previous(now: list[Cell], before: list[Cell]) -> list[Cell]:
    """The same figures, with those of the period before."""
    return [replace(one, before=other) for one, other in zip(now, before, strict=True)]


def number(name: str) -> Callable[[Numbers], Any]:
    return lambda numbers: "–" if numbers[name] is None else numbers[name]


def part(name: str, unknown: str = "–") -> Callable[[Numbers], Any]:
    return lambda numbers: share(numbers[name], unknown)


def took(spread: str, name: str) -> Callable[[Numbers], Any]:
    return lambda numbers: milliseconds(numbers[spread][f"{name}_ms"])


def used(name: str) -> Callable[[Numbers], Any]:
    return lambda numbers: tokens(numbers["totals"], name)


def used_of(category: str) -> Callable[[Numbers], Any]:
    return lambda numbers: tokens({**numbers["totals"], **numbers["totals"]["usage"]}, category)


def dollars(numbers: Numbers) -> Any:
    return cost(numbers["totals"])
