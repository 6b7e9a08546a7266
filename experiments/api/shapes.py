"""What the API says of experiments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core.shapes import Shape
from experiments.forecast import Forecast
from experiments.models import Experiment, UnitEvent, Variant
from experiments.results import Cell, Comparison, MetricResult, Results
from experiments.rows import cell_rows, dealt_rows
from experiments.sentences import sentence_of, sentences
from experiments.sequential import Interval


class VariantOut(Shape):
    """`number` is a version of the definition, `template` the id of another template."""

    id: UUID
    name: str
    weight: int
    control: bool
    number: int | None
    template: UUID | None
    parameters: dict[str, Any]
    stopped_at: datetime | None
    stopped_because: str


class ExperimentOut(Shape):
    id: UUID
    owner: UUID
    name: str
    hypothesis: str
    definition: UUID | None
    template: UUID | None
    unit: str
    audience: str
    users: list[str]
    groups: list[str]
    traffic_percent: int
    primary: str
    better: str
    events: dict[str, str]
    guards: list[dict[str, Any]]
    window_min: int
    planned_units: int
    status: str
    started_at: datetime | None
    completed_at: datetime | None
    winner: UUID | None
    variants: list[VariantOut]
    created_at: datetime
    updated_at: datetime


class IntervalOut(Shape):
    """`p` is the p-value against there being no difference."""

    low: float
    high: float
    p: float


class ComparisonOut(Shape):
    """Compared with the control. `anytime` is valid at any time, `once` only at the end, once.

    `p_corrected` is the anytime p-value, corrected for the number of arms by Holm's method.
    """

    difference: float
    relative: float | None
    anytime: IntervalOut | None
    once: IntervalOut | None
    p_corrected: float | None


class CellOut(Shape):
    """The values of `units` units, null if nothing is known; `rows` is where the API lists the
    exposures that they are made of.
    """

    variant: UUID
    name: str
    units: int
    rows: str
    mean: float | None
    deviation: float | None
    comparison: ComparisonOut | None


class MetricOut(Shape):
    metric: str
    better: str
    primary: bool
    variants: list[CellOut]


class SplitOut(Shape):
    """How many units each variant was assigned, and in `rows`, where the API lists all exposures of
    them; `skewed`: not as planned, so do not trust the results.
    """

    units: dict[str, int]
    rows: dict[str, str]
    p_anytime: float
    p_once: float
    skewed: bool


class ResultsOut(Shape):
    """`counted` units are those whose window is over; for `unknown_cost` units, some call has no
    price, or its process died.
    """

    says: list[str]
    split: SplitOut
    counted: dict[str, int]
    unknown_cost: dict[str, int]
    metrics: list[MetricOut]


class PlanOut(Shape):
    """Units in all arms together, to detect the effect four times out of five: looking once at the
    end, and at the latest if one stops as soon as it is detected. Days are at the observed traffic
    of units that count for the metric (users who rate nothing do not), with the window of the last.
    """

    says: str
    seen_units: int
    units_a_day: float
    mean: float
    deviation: float
    effect: float
    units_once: int
    units_anytime: int
    days_once: float | None
    days_anytime: float | None


class UnitEventOut(Shape):
    id: UUID
    unit: str
    name: str
    value: float
    key: str
    created_at: datetime


class PromotedOut(Shape):
    """What now runs as the winner did: the definition's version, or the template or its copy."""

    definition: UUID | None = None
    number: int | None = None
    template: UUID | None = None
    copied: bool = False


def experiment_out(experiment: Experiment) -> ExperimentOut:
    """From a row of `for_list()`."""
    return ExperimentOut(
        id=experiment.id,
        owner=experiment.owner_id,
        name=experiment.name,
        hypothesis=experiment.hypothesis,
        definition=experiment.definition_id,
        template=experiment.template_id,
        unit=experiment.unit,
        audience=experiment.audience,
        users=[one.username for one in experiment.users.all()],
        groups=[one.name for one in experiment.groups.all()],
        traffic_percent=experiment.traffic_percent,
        primary=experiment.primary,
        better=experiment.better,
        events=experiment.events,
        guards=experiment.guards,
        window_min=experiment.window_min,
        planned_units=experiment.planned_units,
        status=experiment.status,
        started_at=experiment.started_at,
        completed_at=experiment.completed_at,
        winner=experiment.winner_id,
        variants=[_variant_out(one) for one in experiment.variants.all()],
        created_at=experiment.created_at,
        updated_at=experiment.updated_at,
    )


def _variant_out(variant: Variant) -> VariantOut:
    return VariantOut(
        id=variant.id,
        name=variant.name,
        weight=variant.weight,
        control=variant.control,
        number=variant.number,
        template=variant.template_id,
        parameters=variant.parameters,
        stopped_at=variant.stopped_at,
        stopped_because=variant.stopped_because,
    )


def results_out(results: Results) -> ResultsOut:
    split = results.split
    return ResultsOut(
        says=sentences(results),
        split=SplitOut(
            units={one.name: count for one, count in split.dealt},
            rows={one.name: dealt_rows(one) for one in results.variants},
            p_anytime=split.p_anytime,
            p_once=split.p_once,
            skewed=split.skewed,
        ),
        counted=_named(results.variants, results.counted),
        unknown_cost=_named(results.variants, results.unknown),
        metrics=[_metric_out(one) for one in results.metrics],
    )


def _named(variants: Sequence[Variant], numbers: dict[Any, int]) -> dict[str, int]:
    return {one.name: numbers[one.id] for one in variants}


def _metric_out(result: MetricResult) -> MetricOut:
    return MetricOut(
        metric=result.metric.key,
        better=result.metric.better,
        primary=result.primary,
        variants=[_cell_out(result, cell) for cell in result.cells],
    )


def _cell_out(result: MetricResult, cell: Cell) -> CellOut:
    return CellOut(
        variant=cell.variant.id,
        name=cell.variant.name,
        units=cell.units,
        rows=cell_rows(result, cell),
        mean=cell.mean,
        deviation=cell.deviation,
        comparison=_comparison_out(cell.comparison) if cell.comparison else None,
    )


def _comparison_out(found: Comparison) -> ComparisonOut:
    return ComparisonOut(
        difference=found.difference,
        relative=found.relative,
        anytime=_interval_out(found.anytime),
        once=_interval_out(found.once),
        p_corrected=found.corrected,
    )


def _interval_out(interval: Interval | None) -> IntervalOut | None:
    if interval is None:
        return None
    return IntervalOut(low=interval.low, high=interval.high, p=interval.p)


def forecast_out(experiment: Experiment, found: Forecast) -> PlanOut:
    return PlanOut(
        says=sentence_of(experiment, found),
        seen_units=found.seen_units,
        units_a_day=found.units_a_day,
        mean=found.mean,
        deviation=found.deviation,
        effect=found.effect,
        units_once=found.units_once,
        units_anytime=found.units_anytime,
        days_once=found.days_once,
        days_anytime=found.days_anytime,
    )


def event_out(event: UnitEvent) -> UnitEventOut:
    """From a row with its unit."""
    return UnitEventOut(
        id=event.id,
        unit=event.unit.key.partition(":")[2],
        name=event.name,
        value=event.value,
        key=event.key,
        created_at=event.created_at,
    )
