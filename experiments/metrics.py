"""What can be measured of a unit, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Better = Literal["lower", "higher"]
EVENT = "event:"
_JOINED = "\u2060"  # no line breaks here


@dataclass(frozen=True, slots=True)
class Metric:
    """A `share` lies between 0 and 1, and margins of it are absolute; else they are relative.

    `label` is what one value says of a unit; `times` and `symbol` are how people read it.
    """

    key: str
    label: str
    better: Better
    share: bool = False
    times: float = 1.0
    symbol: str = ""
    digits: int = 1

    def shown(self, value: float) -> str:
        """A value for people: "$0.001200", "12.5 %"; nothing parts a sign from its dollars."""
        number = f"{abs(value) * self.times:,.{self.digits}f}"
        sign = "−" if value < 0 and float(number.replace(",", "")) else ""
        return (
            f"{sign and sign + _JOINED}${number}"
            if self.symbol == "$"
            else f"{sign}{number}{self.symbol}"
        )


LEDGER = {
    one.key: one
    for one in (
        Metric("cost", "cost of a turn", "lower", symbol="$", digits=6),
        Metric("latency", "time a turn takes", "lower", symbol=" ms", digits=0),
        Metric("errors", "share of turns that fail", "lower", True, 100, " %"),
        Metric("tokens", "number of tokens of a turn", "lower"),
        Metric("rating", "share of rated replies that helped", "higher", True, 100, " %"),
    )
}


def directions(primary: str, better: str, events: Mapping[str, str]) -> dict[str, str]:
    """Which way the events of an experiment are better, by metric: the one that decides too."""
    told = {EVENT + name: way for name, way in events.items()}
    return {**told, primary: better} if primary.startswith(EVENT) else told


def metric(key: str, better: str = "higher") -> Metric:
    """One of the ledger's or of the ratings, or the sum of a unit's events of that name.

    Which way an event is better is said by whoever asks (`directions`). Raises KeyError.
    """
    if key.startswith(EVENT) and len(key) > len(EVENT):
        way: Better = "lower" if better == "lower" else "higher"
        return Metric(key, f"'{key.removeprefix(EVENT)}' of a unit", way, digits=3)
    return LEDGER[key]


def crossing(guard: Mapping[str, Any]) -> str:
    """What a guard rail does not allow, in words."""
    kind = metric(guard["metric"])
    margin = f"{float(guard['margin']) * 100:g} {'points' if kind.share else 'per cent'}"
    return f"{kind.label} is worse than the control's by more than {margin}"
