"""What came of units: one value of each, for every metric; reckoned from ledger and ratings.

A unit counts once, whatever it did: its value is the mean over its turns. Turns of one unit are not
independent, units are, and only those are dealt out at random; so what is spread over units is what
errors are reckoned from. (The delta method would weigh a unit by its turns, and its value would go
on changing after it was looked at.) A unit is counted once its window is over and none of the turns
it began in it is under way; after that its value stays, so the units come in one after the other,
as sequential inference needs it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Avg, Case, Count, F, FloatField, QuerySet, Sum, Value, When
from django.db.models.functions import Cast

from experiments.counting import (
    FAILED,
    LOST,
    TIMED,
    UNKNOWN_COST,
    counted,
    cut_short,
    events,
    first_turns,
    ratings,
)
from experiments.metrics import EVENT, directions
from experiments.models import Experiment, Exposure, Unit
from experiments.moments import Moments
from workflows.totals import TOKENS

_NANO = 1e9


@dataclass(slots=True)
class Outcomes:
    """By variant: units dealt, and those counted; by metric and variant: the values of units.

    `unknown` counts the units whose cost is not known to the last call: they have no value of it.
    """

    dealt: dict[UUID, int] = field(default_factory=dict)
    counted: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    unknown: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    values: dict[str, dict[UUID, Moments]] = field(default_factory=dict)

    def of(self, metric: str, variant: UUID) -> Moments:
        return self.values.setdefault(metric, {}).setdefault(variant, Moments())


def outcomes_of(experiment: Experiment) -> Outcomes:
    """Four reads: exposures, ratings of these replies, units cut short, and events."""
    found = Outcomes(dealt=_dealt(experiment))
    variants: dict[UUID, UUID] = {}
    for row in _by_unit(counted(experiment)):
        variant = row["unit__variant_id"]
        variants[row["unit_id"]] = variant
        found.counted[variant] += 1
        _add_turns(found, variant, row)
    for unit, helpful in _rated(experiment):
        if unit in variants:
            found.of("rating", variants[unit]).add(helpful)
    cut = _cut_short(experiment)
    _add_events(found, experiment, {unit: of for unit, of in variants.items() if unit not in cut})
    return found


def first_outcomes_of(experiment: Experiment) -> Outcomes:
    """The same of first turns alone, without ratings and events: what is known within minutes."""
    found = Outcomes()
    for row in _by_unit(first_turns(experiment)):
        _add_turns(found, row["unit__variant_id"], row)
    return found


def _dealt(experiment: Experiment) -> dict[UUID, int]:
    units = Unit.objects.filter(experiment=experiment).order_by()
    return dict(units.values_list("variant_id").annotate(Count("id")))


def _by_unit(exposures: QuerySet[Exposure]) -> Iterator[Any]:
    rows = exposures.values("unit_id", "unit__variant_id").annotate(**SUMS)
    return iter(rows.iterator())


SUMS: Mapping[str, Any] = {
    "turns": Count("id"),
    "failed": Count("id", filter=FAILED),
    "latency": Avg("execution__duration_ms", filter=TIMED),
    "unknown": Count("id", filter=UNKNOWN_COST),
    "uncounted": Count("id", filter=LOST),
    "cost": Sum(Cast("execution__cost_nano_usd", FloatField())),
    "tokens": Sum(
        sum((F(f"execution__{name}") for name in TOKENS[1:]), F(f"execution__{TOKENS[0]}"))
    ),
}


def _add_turns(found: Outcomes, variant: UUID, row: Mapping[str, Any]) -> None:
    turns = row["turns"]
    found.of("errors", variant).add(row["failed"] / turns)
    if row["latency"] is not None:
        found.of("latency", variant).add(float(row["latency"]))
    if not row["uncounted"]:
        found.of("tokens", variant).add(row["tokens"] / turns)
    if row["unknown"]:
        found.unknown[variant] += 1
    else:
        found.of("cost", variant).add(row["cost"] / _NANO / turns)


def _rated(experiment: Experiment) -> Iterator[tuple[UUID, float]]:
    """Units that rated a reply, and the share of these that helped."""
    helpful = Case(When(helpful=True, then=Value(1.0)), default=Value(0.0))
    rows = ratings(experiment).values_list("message__execution__exposure__unit_id")
    return iter(rows.annotate(share=Avg(helpful, output_field=FloatField())).iterator())


def _cut_short(experiment: Experiment) -> set[UUID]:
    cut = Unit.objects.filter(cut_short(experiment), experiment=experiment)
    return set(cut.order_by().values_list("id", flat=True))


def _add_events(found: Outcomes, experiment: Experiment, whole: Mapping[UUID, UUID]) -> None:
    """The sum of each unit that its own variant answered all along; one that did nothing counts
    with 0: of what the experiment names, and of what any unit did.
    """
    rows = events(experiment).values_list("name", "unit_id").annotate(total=Sum("value"))
    sums: dict[str, dict[UUID, float]] = defaultdict(dict)
    for name, unit, total in rows.iterator():
        sums[EVENT + name][unit] = total
    for key in directions(experiment.primary, experiment.better, experiment.events):
        sums.setdefault(key, {})
    for key, of_units in sums.items():
        for unit, variant in whole.items():
            found.of(key, variant).add(of_units.get(unit, 0.0))
