"""Which exposures count, and for which metric: the figures and the rows behind them ask here."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from analytics.models import ReplyRating
from core import clock
from experiments.metrics import EVENT
from experiments.models import Experiment, Exposure, UnitEvent
from workflows.models import ExecutionStatus, WorkflowExecution

UNDER_WAY = Q(execution__in=WorkflowExecution.objects.under_way())
FAILED = Q(execution__status=ExecutionStatus.FAILED)
TIMED = Q(execution__status=ExecutionStatus.COMPLETED, execution__duration_ms__isnull=False)
LOST = Q(execution__open_calls__gt=0)
UNKNOWN_COST = LOST | Q(execution__unpriced_calls__gt=0)


def left_out(experiment: Experiment) -> dict[str, Q]:
    """Why exposures do not count, by reason; the first that applies is the one to tell."""
    why = {
        "diverted": Q(diverted=True),
        "after_window": ~_within(experiment, "unit__"),
        "window_open": ~_over(experiment, "unit__"),
    }
    waiting = _without(experiment, why).filter(UNDER_WAY)
    return {**why, "under_way": _of_units(waiting)}


def counted(experiment: Experiment) -> QuerySet[Exposure]:
    """Those that nothing leaves out: a unit is counted with all of them, or has none."""
    return _without(experiment, left_out(experiment))


def first_turns(experiment: Experiment) -> QuerySet[Exposure]:
    """The first of each unit, if it is over and not diverted; nothing that comes later changes it,
    so it counts at once.
    """
    earlier = Exposure.objects.filter(unit=OuterRef("unit"), id__lt=OuterRef("id"))
    ended = Exposure.objects.filter(~UNDER_WAY, experiment=experiment, diverted=False)
    return ended.exclude(Exists(earlier)).order_by()


def counted_for(experiment: Experiment, metric: str) -> QuerySet[Exposure]:
    """Those that the values of a metric are made of, of the units that have one. Of events, all of
    the units that have a sum of them.
    """
    if metric.startswith(EVENT):
        return counted(experiment).exclude(cut_short(experiment, "unit__"))
    return _FOR[metric](experiment, counted(experiment))


def cut_short(experiment: Experiment, of_unit: str = "") -> Q:
    """The units whose variant was stopped before their window was over."""
    over = F(f"{of_unit}created_at") + _window(experiment)
    return Q(
        **{
            f"{of_unit}variant__stopped_at__isnull": False,
            f"{of_unit}variant__stopped_at__lt": over,
        }
    )


def ratings(experiment: Experiment) -> QuerySet[ReplyRating]:
    """Of replies to what was not diverted, given in the window of a unit, where that is over."""
    exposure = "message__execution__exposure"
    return ReplyRating.objects.filter(
        _in_window(experiment, f"{exposure}__unit__"),
        **{f"{exposure}__experiment": experiment, f"{exposure}__diverted": False},
    ).order_by()


def events(experiment: Experiment) -> QuerySet[UnitEvent]:
    """What units did in their window, where that is over."""
    found = UnitEvent.objects.filter(_in_window(experiment, "unit__"), experiment=experiment)
    return found.order_by()


def _window(experiment: Experiment) -> timedelta:
    return timedelta(minutes=experiment.window_min)


def _within(experiment: Experiment, of_unit: str) -> Q:
    return Q(created_at__lte=F(f"{of_unit}created_at") + _window(experiment))


def _over(experiment: Experiment, of_unit: str) -> Q:
    return Q(**{f"{of_unit}created_at__lte": clock.now() - _window(experiment)})


def _in_window(experiment: Experiment, of_unit: str) -> Q:
    return _within(experiment, of_unit) & _over(experiment, of_unit)


def _without(experiment: Experiment, why: Mapping[str, Q]) -> QuerySet[Exposure]:
    rows = Exposure.objects.filter(*(~one for one in why.values()), experiment=experiment)
    return rows.order_by()


def _of_units(rows: QuerySet[Exposure]) -> Q:
    return Q(unit__in=rows.values("unit"))


def _rated(experiment: Experiment, rows: QuerySet[Exposure]) -> QuerySet[Exposure]:
    said = ratings(experiment).filter(message__execution=OuterRef("execution"))
    return rows.filter(Exists(said))


_FOR: Mapping[str, Callable[[Experiment, QuerySet[Any]], QuerySet[Any]]] = {
    "cost": lambda _, rows: rows.exclude(_of_units(rows.filter(UNKNOWN_COST))),
    "latency": lambda _, rows: rows.filter(TIMED),
    "errors": lambda _, rows: rows,
    "tokens": lambda _, rows: rows.exclude(_of_units(rows.filter(LOST))),
    "rating": _rated,
}
