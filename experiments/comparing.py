"""An arm held against the control: what is known at any time, and whether a guard rail is hit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.metrics import Metric, crossing, metric
from experiments.models import Experiment, Variant
from experiments.moments import Moments
from experiments.outcomes import Outcomes
from experiments.sequential import ALPHA, LEAST, Interval, anytime, tuned


@dataclass(frozen=True, slots=True)
class Breach:
    """A variant that a guard rail stops, and what is told of it."""

    variant: Variant
    because: str


def enough(*sides: Moments) -> bool:
    return all(side.count >= LEAST for side in sides)


def variance_of(kind: Metric, side: Moments) -> float:
    return side.variance_of_share if kind.share else side.variance


def planned_for(experiment: Experiment, variants: Sequence[Variant], arm: Variant) -> int:
    """How many of the planned units are the control's and this arm's, by their weights."""
    both = sum(one.weight for one in variants if one.control or one.id == arm.id)
    return round(experiment.planned_units * both / sum(one.weight for one in variants))


def at_any_time(
    kind: Metric, control: Moments, arm: Moments, *, planned: int, alpha: float = ALPHA
) -> Interval | None:
    """Of arm minus control; None while too few units are known. `planned` are of these two."""
    if not enough(control, arm):
        return None
    variance = variance_of(kind, control) / control.count + variance_of(kind, arm) / arm.count
    difference = arm.mean - control.mean
    units = control.count + arm.count
    return anytime(difference, variance, units, tuned(planned, alpha), alpha)


def breaches(
    experiment: Experiment, variants: Sequence[Variant], outcomes: Outcomes, first: Outcomes
) -> list[Breach]:
    """The arms that are worse than a guard rail allows, by the test that may be looked at always:
    of all that counts, and of the first turns alone, which a window does not keep waiting.

    Alpha is shared by all arms, guard rails and both, so that of an experiment without harm one in
    twenty at most ever has an arm stopped.
    """
    control = next(one for one in variants if one.control)
    arms = [one for one in variants if not one.control]
    looks = ((outcomes, ""), (first, ", by first turns alone"))
    alpha = ALPHA / max(len(arms) * len(experiment.guards) * len(looks), 1)
    return [
        Breach(arm, because)
        for arm in arms
        if arm.stopped_at is None
        for test in [(planned_for(experiment, variants, arm), alpha)]
        for because in [
            crossing(guard) + how
            for guard in experiment.guards
            for found, how in looks
            if _worse(guard, found, control, arm, test)
        ][:1]
    ]


def _worse(
    guard: Mapping[str, Any],
    found: Outcomes,
    of_control: Variant,
    of_arm: Variant,
    test: tuple[int, float],
) -> bool:
    """Of a share the margin is added to the control's mean, of others it is a part of it."""
    kind, margin = metric(guard["metric"]), float(guard["margin"])
    control, arm = (found.of(kind.key, one.id) for one in (of_control, of_arm))
    if not enough(control, arm):
        return False
    way = 1.0 if kind.better == "lower" else -1.0
    times = 1.0 if kind.share else 1.0 + way * margin
    allowed = control.mean * times + (way * margin if kind.share else 0.0)
    variance = (
        times**2 * variance_of(kind, control) / control.count + variance_of(kind, arm) / arm.count
    )
    planned, alpha = test
    units = control.count + arm.count
    harm = anytime(way * (arm.mean - allowed), variance, units, tuned(planned, alpha), alpha)
    return harm.low > 0
