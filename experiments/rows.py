"""The exposures behind the figures: where they are listed, and what is read of them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, CharField, FloatField, OuterRef, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from accounts.models import User
from core.errors import Invalid
from core.list_addresses import list_address
from experiments.counting import counted_for, events, left_out, ratings
from experiments.metrics import EVENT, metric
from experiments.models import Experiment, Exposure, Variant
from experiments.results import Cell, MetricResult
from workflows.models import WorkflowExecution
from workflows.totals import COUNTED

_TAKEN = ("status", "duration_ms", *COUNTED)


class UnknownMetric(Invalid):
    code = "unknown_metric"
    message = "'{metric}' is no metric: name one of the results."


def dealt_rows(variant: Variant) -> str:
    """All exposures of the units that were dealt it."""
    return _list(variant)


def cell_rows(result: MetricResult, cell: Cell) -> str:
    """What a figure is made of, as of when they are listed: units go on being counted."""
    return _list(cell.variant, metric=result.metric.key)


def exposure_rows(experiment: Experiment, reader: User, query: Mapping[str, str]) -> Any:
    """All of an experiment; with a `metric`, those that its figures are made of.

    Annotated are why one is `left_out`, if it is, the `helpful` of its reply, its `run`, if the
    reader may see that, and the `event_sum` of its unit, of the event that is asked for. Raises
    UnknownMetric.
    """
    rows, key = Exposure.objects.filter(experiment=experiment), query.get("metric", "")
    if key:
        _refuse_unknown(key)
        rows = counted_for(experiment, key)
    runs = WorkflowExecution.objects.visible_to(reader).filter(pk=OuterRef("execution"))
    said = ratings(experiment).filter(message__execution=OuterRef("execution"))
    why = [When(one, then=Value(reason)) for reason, one in left_out(experiment).items()]
    return (
        rows.select_related("unit__variant", "unit__user", "variant", "execution")
        .only(
            *("created_at", "diverted", "experiment", "unit__key", "unit__user__username"),
            *("unit__variant__name", "variant__name"),
            *(f"execution__{name}" for name in _TAKEN),
        )
        .annotate(
            left_out=Case(*why, default=Value(""), output_field=CharField()),
            helpful=Subquery(said.values("helpful")[:1]),
            run=Subquery(runs.values("pk")),
            event_sum=_event_sum(experiment, key),
        )
    )


def _refuse_unknown(key: str) -> None:
    try:
        metric(key)
    except KeyError as error:
        raise UnknownMetric(metric=key) from error
    if "\0" in key:  # PostgreSQL has no such texts
        raise UnknownMetric(metric=key)


def _event_sum(experiment: Experiment, key: str) -> Any:
    if not key.startswith(EVENT):
        return Value(None, output_field=FloatField())
    name = key.removeprefix(EVENT)
    of_unit = events(experiment).filter(unit=OuterRef("unit"), name=name).values("unit")
    return Coalesce(Subquery(of_unit.annotate(sum=Sum("value")).values("sum")), 0.0)


def _list(variant: Variant, **asked: str) -> str:
    name = f"experiments/{variant.experiment_id}/exposures"
    return list_address(name, {**asked, "variant": variant.pk})
