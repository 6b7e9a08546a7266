"""What leads where in a foreign workflow, and what a run has surely come by (pure)."""

from collections.abc import Collection, Iterable, Sequence

from workflows.interchange.assembly import Link


class Ways:
    """`choosing` are the nodes that do not go on by all their links."""

    def __init__(
        self, nodes: Iterable[str], links: Sequence[Link], choosing: Collection[str]
    ) -> None:
        self._targets: dict[str, list[str]] = {}
        for link in links:
            self._targets.setdefault(link.source, []).append(link.target)
        led_to = {link.target for link in links}
        self._roots = [key for key in nodes if key not in led_to]
        self._always = self.reached(self._roots, ends=choosing)
        self._without: dict[str, set[str]] = {}
        self._after: dict[str, set[str]] = {}

    def is_sure(self, one: str, at: str = "") -> bool:
        """Whether who comes to `at` has come by `one`, which is before it; without `at`: always."""
        if one in self._always:
            return True
        if one not in self._without:
            self._without[one] = self.reached(self._roots, without=one)
        return bool(at) and at not in self._without[one]

    def leads(self, one: str, other: str) -> bool:
        if one not in self._after:
            self._after[one] = self.reached(self._targets.get(one, ()))
        return other in self._after[one]

    def reached(
        self, first: Iterable[str], *, ends: Collection[str] = (), without: str = ""
    ) -> set[str]:
        """`first` and all that follows, but for what only follows `ends`, and never `without`."""
        found = set(first) - {without}
        waiting = list(found)
        while waiting:
            at = waiting.pop()
            new = set() if at in ends else {*self._targets.get(at, ())} - found - {without}
            found |= new
            waiting += new
        return found
