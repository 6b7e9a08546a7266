"""Intervals as pictures: positions in an SVG, computed here and drawn by the template."""

from dataclasses import dataclass

from experiments.results import Cell, MetricResult
from experiments.sequential import ALPHA

ROW = 34
_LEFT, _RIGHT = 14, 406  # of 420, so that its texts can be read on a phone


@dataclass(frozen=True, slots=True)
class Bar:
    """The interval of one arm; `verdict` is better, worse or unknown."""

    name: str
    y: int
    low: int
    high: int
    middle: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Differences from the control, which is the line at `zero`."""

    height: int
    zero: int
    bars: list[Bar]
    left: str
    right: str


def plot_of(result: MetricResult) -> Plot | None:
    """None where no interval is known yet."""
    known = [cell for cell in result.cells if cell.comparison and cell.comparison.anytime]
    if not known:
        return None
    ends = [abs(end) for cell in known for end in _ends(cell)]
    reach = max(ends) * 1.08 or 1.0
    bars = [_bar(result, cell, place, reach) for place, cell in enumerate(known)]
    kind = result.metric
    return Plot(
        height=len(known) * ROW + 30,
        zero=_x(0.0, reach),
        bars=bars,
        left=kind.shown(-reach),
        right=kind.shown(reach),
    )


def verdict_of(result: MetricResult, cell: Cell) -> str:
    """What the test that may be looked at always says of an arm, corrected for their number."""
    found = cell.comparison
    if found is None or found.corrected is None or found.corrected >= ALPHA:
        return "unknown"
    lower = found.difference < 0
    return "better" if lower == (result.metric.better == "lower") else "worse"


def _ends(cell: Cell) -> tuple[float, float]:
    found = cell.comparison
    assert found is not None and found.anytime is not None  # noqa: S101 - `plot_of` chose these
    return found.anytime.low, found.anytime.high


def _bar(result: MetricResult, cell: Cell, place: int, reach: float) -> Bar:
    low, high = _ends(cell)
    return Bar(
        name=cell.variant.name,
        y=place * ROW + ROW // 2,
        low=_x(low, reach),
        high=_x(high, reach),
        middle=_x((low + high) / 2, reach),
        verdict=verdict_of(result, cell),
    )


def _x(value: float, reach: float) -> int:
    return round(_LEFT + (value + reach) / (2 * reach) * (_RIGHT - _LEFT))
