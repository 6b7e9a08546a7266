"""What a tally says, as people read it; means and shares are null where nothing was counted."""

from collections.abc import Mapping
from typing import Any

from analytics.models import ExecutionRollup, ModelRollup, Rollup, ToolRollup
from analytics.rollups.histogram import percentiles
from analytics.rollups.tallies import Spread, Tally
from core.shapes import Shape
from workflows.api.shapes import TotalsOut
from workflows.totals import mean_cost, totals_json


class SpreadOut(Shape):
    """Milliseconds. Count, mean, least and greatest are exact, percentiles at most 1.6 % off."""

    count: int
    mean_ms: float | None
    min_ms: int | None
    max_ms: int | None
    p50_ms: int | None
    p95_ms: int | None
    p99_ms: int | None


class ExecutionNumbers(Shape):
    """Executions that ended; replays, which did nothing, are not among them.

    `per_hour` is of the hours that have passed, null before any has. `mean_cost` is that of the
    `totals` by each of them, in dollars and as exact; null when nothing of it is known.
    """

    executions: int
    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    error_rate: float | None
    per_hour: float | None
    mean_cost: str | None
    duration: SpreadOut
    totals: TotalsOut


class ModelNumbers(Shape):
    """Model calls that began; `unasked` a cache or a recording answered, at no cost. How a lost one
    ended nobody knows: `error_rate` is of those that failed.
    """

    calls: int
    unasked: int
    failed: int
    cancelled: int
    lost: int
    error_rate: float | None
    latency: SpreadOut
    first_token: SpreadOut
    totals: TotalsOut


class ToolNumbers(Shape):
    """Tool calls that began; `unasked` a recording answered. How a lost one ended nobody knows:
    `error_rate` is of those that failed or took too long.
    """

    calls: int
    unasked: int
    failed: int
    refused: int
    timed_out: int
    cancelled: int
    lost: int
    error_rate: float | None
    latency: SpreadOut


def spread_out(spread: Spread) -> SpreadOut:
    found: list[int | None] = [
        min(max(one, spread.least or 0), one if spread.most is None else spread.most)
        for one in percentiles(spread.histogram, _SHARES, spread.count)
    ]
    p50, p95, p99 = found or [None] * len(_SHARES)
    return SpreadOut(
        count=spread.count,
        mean_ms=round(spread.total / spread.count, 1) if spread.count else None,
        min_ms=spread.least,
        max_ms=spread.most,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


_SHARES = (0.5, 0.95, 0.99)


def numbers_of(rollup: type[Rollup], tally: Tally, hours: float) -> Shape:
    """What was counted in so many hours."""
    return _TOLD[rollup](dict(zip(rollup.SUMS, tally.sums, strict=True)), tally.spreads, hours)


def _executions(sums: Mapping[str, int], spreads: list[Spread], hours: float) -> ExecutionNumbers:
    ends = {name: sums[f"{name}_count"] for name in ("completed", "failed", "cancelled")}
    count = sum(ends.values())
    return ExecutionNumbers(
        executions=count,
        **ends,
        success_rate=_share(ends["completed"], count),
        error_rate=_share(ends["failed"], count),
        per_hour=round(count / hours, 3) if hours > 0 else None,
        mean_cost=mean_cost(sums, count),
        duration=spread_out(spreads[0]),
        totals=_totals(sums),
    )


def _model_calls(sums: Mapping[str, int], spreads: list[Spread], hours: float) -> ModelNumbers:
    asked = sums["call_count"] - sums["unasked_count"]
    return ModelNumbers(
        calls=sums["call_count"],
        unasked=sums["unasked_count"],
        failed=sums["failed_count"],
        cancelled=sums["cancelled_count"],
        lost=sums["lost_count"],
        error_rate=_share(sums["failed_count"], asked),
        latency=spread_out(spreads[0]),
        first_token=spread_out(spreads[1]),
        totals=_totals(sums),
    )


def _tool_calls(sums: Mapping[str, int], spreads: list[Spread], hours: float) -> ToolNumbers:
    made = sums["call_count"] - sums["unasked_count"]
    failed = sums["failed_count"] + sums["timed_out_count"]
    return ToolNumbers(
        calls=sums["call_count"],
        unasked=sums["unasked_count"],
        failed=sums["failed_count"],
        refused=sums["refused_count"],
        timed_out=sums["timed_out_count"],
        cancelled=sums["cancelled_count"],
        lost=sums["lost_count"],
        error_rate=_share(failed, made),
        latency=spread_out(spreads[0]),
    )


def _totals(sums: Mapping[str, Any]) -> TotalsOut:
    return TotalsOut.model_validate(totals_json(sums))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


NUMBERS: dict[type[Rollup], type[Shape]] = {
    ExecutionRollup: ExecutionNumbers,
    ModelRollup: ModelNumbers,
    ToolRollup: ToolNumbers,
}
_TOLD: dict[type[Rollup], Any] = {
    ExecutionRollup: _executions,
    ModelRollup: _model_calls,
    ToolRollup: _tool_calls,
}
