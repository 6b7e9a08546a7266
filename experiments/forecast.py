"""Before the start: how many units an effect takes to be seen, and how long they take to come."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from accounts.models import User
from analytics.models import ReplyRating
from core import clock
from core.errors import Conflict, Invalid
from experiments.comparing import variance_of
from experiments.metrics import EVENT, metric
from experiments.models import Audience, Experiment, UnitKind, Variant
from experiments.moments import Moments
from workflows.models import ExecutionStatus, WorkflowExecution, WorkflowTemplate
from workflows.totals import TOKENS

SEEN_DAYS = 28
_LEAST_SEEN = 10
_MOST_TURNS = 200_000
_MOST_DEVIATIONS = 1_000_000  # in one effect: trillions of units
_COLUMNS = (
    "id", "user_id", "serial_key", "created_at", "status", "duration_ms", "open_calls",
    "unpriced_calls", "cost_nano_usd", *TOKENS, "template_id", "parameters",
    "exposure__variant__parameters",
)  # fmt: skip


class TooLittleSeen(Conflict):
    code = "too_little_seen"
    message = (
        f"Of this metric {{seen}} units were seen in the last {SEEN_DAYS} days; {_LEAST_SEEN} are "
        "needed to tell how they differ. Give mean and deviation to reckon with those."
    )


class OnlyZeroSeen(Conflict):
    code = "only_zero_seen"
    message = (
        f"In the last {SEEN_DAYS} days this metric was 0 for each of {{seen}} units, and no part "
        "of 0 is a difference. Give mean and deviation to reckon with those."
    )


class MeanIsNoShare(Invalid):
    code = "mean_is_no_share"
    message = "The mean of a share lies between 0 and 1: of 5 per cent it is 0.05."


class EffectTooSmall(Invalid):
    code = "effect_too_small"
    message = (
        "A difference of {effect:g} is too small to be seen where units differ by {deviation:g}."
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """How many units came in the days looked at, and what their turns were like.

    `counting` are those that count for the metric: who rates nothing does not, and of events
    everybody does.
    """

    units: int
    counting: int
    days: float
    values: Moments


@dataclass(frozen=True, slots=True)
class Forecast:
    """`effect` is in the metric's own unit. Units a day are those that count for the metric; days
    are until the last of them has been watched, None where none came in the days seen.
    """

    seen_units: int
    units_a_day: float
    mean: float
    deviation: float
    effect: float
    units_once: int
    units_anytime: int
    days_once: float | None
    days_anytime: float | None


def forecast(
    experiment: Experiment,
    seen: Seen,
    effect: float,
    mean: float | None = None,
    deviation: float | None = None,
) -> Forecast:
    """`effect` is the part of the mean by which an arm is to differ: 0.1 for ten per cent.

    `mean` and `deviation` of one unit stand in place of what was seen. Raises TooLittleSeen,
    OnlyZeroSeen, MeanIsNoShare, EffectTooSmall.
    """
    kind = metric(experiment.primary)
    if mean is None or deviation is None:
        if seen.values.count < _LEAST_SEEN:
            raise TooLittleSeen(seen=seen.values.count)
        if not seen.values.mean:
            raise OnlyZeroSeen(seen=seen.values.count)
        mean = seen.values.mean
        deviation = variance_of(kind, seen.values) ** 0.5
    if kind.share and not 0 <= mean <= 1:
        raise MeanIsNoShare
    difference = effect * mean
    if not difference or abs(difference) * _MOST_DEVIATIONS < deviation:
        raise EffectTooSmall(effect=difference, deviation=deviation)
    variants = list(experiment.variants.all())
    whole = sum(one.weight for one in variants)
    control = next(one.weight for one in variants if one.control) / whole
    arm = min(one.weight for one in variants if not one.control) / whole
    of_arm = _of_arm(mean, deviation, difference) if kind.share else deviation
    needed = import_string("experiments.fixed.units_needed")(
        (deviation, of_arm), abs(difference), (control, arm), len(variants) - 1
    )
    a_day = seen.counting * experiment.traffic_percent / 100 / seen.days
    watched = timedelta(minutes=experiment.window_min) / timedelta(days=1)
    return Forecast(
        seen_units=seen.units,
        units_a_day=a_day,
        mean=mean,
        deviation=deviation,
        effect=difference,
        units_once=needed.once,
        units_anytime=needed.anytime,
        days_once=needed.once / a_day + watched if a_day else None,
        days_anytime=needed.anytime / a_day + watched if a_day else None,
    )


def _of_arm(mean: float, deviation: float, difference: float) -> float:
    """How much units of an arm differ whose share is another by so much, whichever way it is wider:
    the nearer it is to a half, the more.
    """
    shares = (mean, mean - difference, mean + difference)
    widest = max(share * (1 - share) for share in shares if 0 <= share <= 1)
    now = mean * (1 - mean)
    return float(deviation * (widest / now) ** 0.5 if now else max(widest**0.5, deviation))


def seen_of(experiment: Experiment) -> Seen:
    """The traffic of the last 28 days, of turns that ask for the same, those of its audience that
    set nothing that its variants set.

    Of each unit the turns in its first window, as they would have been counted. Fewer days where
    there were more turns than are read, or what it is about is younger, but for a day.
    """
    by_user = experiment.unit == UnitKind.USER
    window = timedelta(minutes=experiment.window_min)
    now, day = clock.now(), timedelta(days=1)
    since = now - SEEN_DAYS * day
    begun = max(since, min(experiment.target.created_at, now - day)) if experiment.target else since
    days = (now - begun) / day
    units: dict[Any, list[dict[str, Any]]] = {}
    set_by_variants = {name for one in experiment.variants.all() for name in one.parameters}
    defaults = _defaults(experiment)
    ratings = _ratings(experiment, since) if experiment.primary == "rating" else {}
    rows = _turns(experiment, since).values(*_COLUMNS)[:_MOST_TURNS]
    for number, row in enumerate(rows.iterator(), start=1):
        if number == _MOST_TURNS:
            days = (row["created_at"] - begun) / day
        given, dealt = row.pop("parameters"), row.pop("exposure__variant__parameters") or {}
        unset = defaults.get(row["template_id"], {})
        if _chose(set_by_variants - dealt.keys(), unset, given):
            continue
        turns = units.setdefault(row["user_id"] if by_user else row["serial_key"], [])
        if not turns or row["created_at"] <= turns[0]["created_at"] + window:
            turns.append(row)
            until = turns[0]["created_at"] + window
            row["helped"] = [helped for at, helped in ratings.get(row["id"], ()) if at <= until]
    values = _values(experiment.primary, units)
    counting = len(units) if experiment.primary.startswith(EVENT) else values.count
    return Seen(len(units), counting, days, values)


def _turns(experiment: Experiment, since: datetime) -> QuerySet[Any]:
    """What another experiment had answered by another template asked for what that was about.

    None of others for an owner who may no longer reach them.
    """
    if experiment.audience != Audience.OWN and not experiment.may_reach_others():
        return WorkflowExecution.objects.none()
    about = _about(experiment, exposure=None) | _about(experiment, "exposure__experiment__")
    if experiment.audience == Audience.OWN:
        about &= Q(user=experiment.owner_id)
    elif experiment.audience == Audience.CHOSEN:
        members = User.objects.filter(groups__in=experiment.groups.all())
        about &= Q(user__in=experiment.users.all()) | Q(user__in=members)
    turns = WorkflowExecution.objects.filter(
        about, serial_key__startswith="conversation:", created_at__gte=since, retry_of=None
    )
    return turns.filter(finished_at__isnull=False).order_by("created_at")


def _about(experiment: Experiment, of: str = "", **more: Any) -> Q:
    target = {"template": experiment.template_id, "definition": experiment.definition_id}
    return Q(**{f"{of}{name}": pk for name, pk in target.items()}, **more)


def _defaults(experiment: Experiment) -> dict[UUID, dict[str, Any]]:
    """What parameters are where nobody sets them, by the template that answered: what was asked
    for, or what an experiment about it put in its place.
    """
    about = experiment.template_id
    others = Variant.objects.filter(experiment__template=about).values("template")
    answered = WorkflowTemplate.objects.filter(Q(pk=about) | Q(pk__in=others))
    return {
        one.pk: {
            name: part.get("default") for name, part in one.parameters.get("properties", {}).items()
        }
        for one in answered
    }


def _chose(names: Collection[str], unset: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether a turn set one of these itself; `unset` are the defaults of what answered it.

    Executions of a template hold its defaults, too, so one that was set to its default is not seen.
    """
    return any(given.get(name, unset.get(name)) != unset.get(name) for name in names)


def _ratings(experiment: Experiment, since: datetime) -> dict[UUID, list[tuple[datetime, bool]]]:
    """When replies of these turns were rated, and whether they helped, by execution."""
    found: dict[UUID, list[tuple[datetime, bool]]] = defaultdict(list)
    turns = _turns(experiment, since).order_by().values("pk")
    rows = ReplyRating.objects.filter(message__execution__in=turns).order_by()
    for turn, at, helped in rows.values_list("message__execution_id", "created_at", "helpful"):
        found[turn].append((at, helped))
    return found


def _values(key: str, units: dict[Any, list[dict[str, Any]]]) -> Moments:
    """Events are told of an experiment that runs, so before it there are none."""
    found, reckon = Moments(), _OF_TURNS.get(key)
    for turns in units.values():
        value = reckon(turns) if reckon else None
        if value is not None:
            found.add(value)
    return found


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _cost(turns: list[dict[str, Any]]) -> float | None:
    if any(row["open_calls"] or row["unpriced_calls"] for row in turns):
        return None
    return _mean([row["cost_nano_usd"] / 1e9 for row in turns])


def _latency(turns: list[dict[str, Any]]) -> float | None:
    whole = [row for row in turns if row["status"] == ExecutionStatus.COMPLETED]
    return _mean([float(row["duration_ms"]) for row in whole])


_OF_TURNS: dict[str, Any] = {
    "cost": _cost,
    "latency": _latency,
    "errors": lambda turns: _mean([row["status"] == ExecutionStatus.FAILED for row in turns]),
    "rating": lambda turns: _mean([float(one) for row in turns for one in row["helped"]]),
    "tokens": lambda turns: _mean([sum(row[name] for name in TOKENS) for row in turns]),
}
