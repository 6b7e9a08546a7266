"""Reading what nobody promised: any JSON value, asked for what it should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class Loose:
    """A JSON value of unknown shape; what is not there, or of another type, is empty."""

    value: Any = None

    def at(self, *path: str) -> "Loose":
        """What lies at a path of keys."""
        found = self.value
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return Loose(found)

    def text(self, *path: str) -> str:
        found = self.at(*path).value
        return found if isinstance(found, str) else ""

    def number(self, *path: str) -> float | None:
        found = self.at(*path).value
        if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found):
            return None
        return found

    def true(self, *path: str) -> bool:
        return self.at(*path).value is True

    def each(self, *path: str) -> Iterator["Loose"]:
        """The items of a list."""
        found = self.at(*path).value
        if isinstance(found, list):
            yield from map(Loose, found)

    def texts(self, *path: str) -> list[str]:
        return [item.value for item in self.each(*path) if isinstance(item.value, str)]

    def keys(self, *path: str) -> list[str]:
        found = self.at(*path).value
        return [str(key) for key in found] if isinstance(found, Mapping) else []
