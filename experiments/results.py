"""What is known of an experiment: every metric of every variant, and the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.module_loading import import_string

from experiments.comparing import at_any_time, enough, planned_for, variance_of
from experiments.metrics import LEDGER, Metric, directions, metric
from experiments.models import Experiment, Variant
from experiments.moments import Moments
from experiments.outcomes import Outcomes, outcomes_of
from experiments.sequential import ALPHA, Interval, holm, skew_p

SKEWED_BELOW = 0.01


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the control. `anytime` may be looked at always, `once` at the end, once.

    `corrected` and `once_corrected` are their p-values after Holm over the arms.
    """

    difference: float
    relative: float | None
    anytime: Interval | None
    once: Interval | None
    corrected: float | None = None
    once_corrected: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One metric of one variant; `comparison` is None for the control and where data is missing."""

    variant: Variant
    units: int
    mean: float | None
    deviation: float | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class MetricResult:
    metric: Metric
    primary: bool
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Split:
    """Whether units were dealt out as set. `skewed`: then nothing else here is to be believed."""

    dealt: Sequence[tuple[Variant, int]]
    p_anytime: float
    p_once: float

    @property
    def skewed(self) -> bool:
        return self.p_anytime < SKEWED_BELOW


@dataclass(frozen=True, slots=True)
class Results:
    """`counted` units are those whose window is over; of `unknown` the cost is not known."""

    experiment: Experiment
    variants: Sequence[Variant]
    split: Split
    counted: dict[Any, int]
    unknown: dict[Any, int]
    metrics: Sequence[MetricResult]

    @property
    def primary(self) -> MetricResult:
        return next(one for one in self.metrics if one.primary)


def results_of(experiment: Experiment) -> Results:
    """Reckoned when asked; loads SciPy."""
    variants = list(experiment.variants.all())
    outcomes = outcomes_of(experiment)
    ways = directions(experiment.primary, experiment.better, experiment.events)
    keys = dict.fromkeys([experiment.primary, *LEDGER, *sorted({*ways, *outcomes.values})])
    return Results(
        experiment=experiment,
        variants=variants,
        split=_split(variants, outcomes),
        counted={one.id: outcomes.counted[one.id] for one in variants},
        unknown={one.id: outcomes.unknown[one.id] for one in variants},
        metrics=[
            _metric(experiment, variants, outcomes, metric(key, ways.get(key, "higher")))
            for key in keys
        ],
    )


def _split(variants: Sequence[Variant], outcomes: Outcomes) -> Split:
    counts = [outcomes.dealt.get(one.id, 0) for one in variants]
    weights = [one.weight for one in variants]
    chi_square_p = import_string("experiments.fixed.chi_square_p")
    return Split(
        dealt=list(zip(variants, counts, strict=True)),
        p_anytime=skew_p(counts, weights),
        p_once=chi_square_p(counts, weights),
    )


def _metric(
    experiment: Experiment, variants: Sequence[Variant], outcomes: Outcomes, kind: Metric
) -> MetricResult:
    key = kind.key
    control = next(one for one in variants if one.control)
    base = outcomes.of(key, control.id)
    arms = [one for one in variants if not one.control]
    compared = {
        arm.id: _compared(
            kind, base, outcomes.of(key, arm.id), planned_for(experiment, variants, arm), len(arms)
        )
        for arm in arms
    }
    anytime = _corrected([one.anytime if one else None for one in compared.values()])
    once = _corrected([one.once if one else None for one in compared.values()])
    for (pk, one), p, p_once in zip(list(compared.items()), anytime, once, strict=True):
        if one is not None:
            compared[pk] = replace(one, corrected=p, once_corrected=p_once)
    cells = [_cell(one, outcomes.of(key, one.id), compared.get(one.id)) for one in variants]
    return MetricResult(kind, key == experiment.primary, cells)


def _corrected(found: Sequence[Interval | None]) -> list[float | None]:
    """An arm of which nothing is known yet is one of them: their number is not to change on the
    way.
    """
    values = holm([one.p if one else 1.0 for one in found])
    return [p if one else None for one, p in zip(found, values, strict=True)]


def _cell(variant: Variant, side: Moments, comparison: Comparison | None) -> Cell:
    mean = side.mean if side.count else None
    deviation = side.variance**0.5 if side.count > 1 else None
    return Cell(variant, side.count, mean, deviation, comparison)


def _compared(
    kind: Metric, base: Moments, arm: Moments, planned: int, arms: int
) -> Comparison | None:
    """Intervals of several arms are widened so that all hold together (Bonferroni)."""
    if base.count < 2 or arm.count < 2:  # noqa: PLR2004 - no spread is known
        return None
    alpha, once = ALPHA / arms, None
    if enough(base, arm):
        variances = variance_of(kind, base), variance_of(kind, arm)
        once = import_string("experiments.fixed.welch")(base, arm, variances, alpha)
    difference = arm.mean - base.mean
    return Comparison(
        difference=difference,
        relative=difference / base.mean if base.mean else None,
        anytime=at_any_time(kind, base, arm, planned=planned, alpha=alpha),
        once=once,
    )
