"""The page of the exposures behind the figures of an experiment."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.authentication import user_of
from experiments.api.exposures import ExposureFilter, exposure_row
from experiments.metrics import EVENT, metric
from experiments.models import Experiment
from experiments.rows import UnknownMetric, exposure_rows
from experiments.services.experiments import ExperimentNotFound, experiment_for
from workflows.chips import without
from workflows.list_page import ListPage, list_page
from workflows.models import ExecutionStatus

_COUNTED = {"true": "counted", "false": "not counted"}
_LEFT_OUT = {
    "diverted": "no: the control answered",
    "after_window": "no: after the window",
    "window_open": "not yet: the window is open",
    "under_way": "not yet: a turn is under way",
}


@never_cache
@login_required
@require_GET
def exposures(request: HttpRequest, pk: str) -> HttpResponse:
    """Those that the address asks for, as the API's list does, newest first."""
    user = user_of(request)
    try:
        experiment = experiment_for(user, pk)
    except ExperimentNotFound as error:
        raise Http404 from error
    found = _listed(request, experiment)
    shown = {
        **found.context,
        "experiment": experiment,
        "rows": [_row(request, one) for one in found.rows],
        "event": request.GET.get("metric", "").partition(EVENT)[2],
        "counts": _counts(request.GET),
    }
    return render(request, "experiments/exposures.html", shown, status=found.status)


def _listed(request: HttpRequest, experiment: Experiment) -> ListPage:
    user, key = user_of(request), request.GET.get("metric", "")
    names = {str(one.pk): one.name for one in experiment.variants.all()}
    said: dict[str, Any] = {"statuses": ExecutionStatus.values, "names": names}
    try:
        rows = exposure_rows(experiment, user, request.GET)
    except UnknownMetric:
        nothing = exposure_rows(experiment, user, {}).none()
        found = list_page(request, nothing, ExposureFilter, **said)
        return replace(found, context={**found.context, "problem": True}, status=400)
    if key:
        names[key] = metric(key).label
    return list_page(request, rows, ExposureFilter, **said)


def _counts(asked: QueryDict) -> list[tuple[str, str, bool]]:
    """How to ask for what counts and what does not; behind a figure all of it does."""
    if asked.get("metric"):
        return []
    return [
        (label, without(asked, "counted", counted=key), asked.get("counted") == key)
        for key, label in _COUNTED.items()
    ]


def _row(request: HttpRequest, exposure: Any) -> dict[str, Any]:
    unit, asked = exposure.unit, request.GET
    return {
        **exposure_row(exposure, user_of(request)).to_json(),
        "why": _LEFT_OUT.get(exposure.left_out, ""),
        "dealt": unit.variant.name,
        "answered": exposure.variant.name,
        "whose": unit.user,
        "of_unit": without(asked, "unit", unit=str(unit.pk)),
        "of_variant": without(asked, "variant", variant=str(unit.variant_id)),
    }
