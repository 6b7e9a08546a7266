"""The pages of experiments: one's list, what is known of one, and the form of a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.authentication import user_of
from accounts.models import User
from core.errors import ChatterError, Invalid
from core.list_addresses import page_at
from experiments.forecast import Forecast, forecast, seen_of
from experiments.forms import ExperimentForm
from experiments.models import Experiment, ExperimentStatus
from experiments.plan_form import PlanForm
from experiments.plots import Plot, plot_of, verdict_of
from experiments.results import Cell, MetricResult, results_of
from experiments.rows import cell_rows, dealt_rows
from experiments.sentences import rules_of, sentence_of, sentences
from experiments.services.acts import (
    complete_experiment,
    pause_experiment,
    resume_experiment,
    start_experiment,
    stop_variant,
)
from experiments.services.experiments import (
    ExperimentNotFound,
    change_experiment,
    create_experiment,
    experiment_for,
)
from experiments.services.promoting import promote_variant
from workflows.selectors import name_unseen

_SHOWN = 100
_EFFECTS = (0.05, 0.1, 0.2)
_ACTS: Mapping[str, Any] = {
    "start": start_experiment,
    "pause": pause_experiment,
    "resume": resume_experiment,
    "complete": complete_experiment,
}


class UnknownExperimentAct(Invalid):
    code = "unknown_act"
    message = "Start, pause, resume or complete it, stop a variant or promote one."


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of one metric, as the table shows it; `rows` is the page of what it is of."""

    name: str
    rows: str
    units: int
    mean: str
    difference: str
    between: str
    once: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Block:
    """One metric on the page."""

    title: str
    better: str
    primary: bool
    rows: list[Row]
    plot: Plot | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What seeing effects takes, before the start: each in %, and in a sentence what was asked."""

    form: PlanForm
    rows: Sequence[tuple[float, Forecast]] = ()
    says: str = ""
    problem: ChatterError | None = None


@never_cache
@login_required
@require_safe
def experiments(request: HttpRequest) -> HttpResponse:
    """One's experiments."""
    user = user_of(request)
    mine = Experiment.objects.filter(owner=user).for_list()[:_SHOWN]
    name_unseen([one.target for one in mine], user)
    return render(request, "experiments/experiments.html", {"experiments": mine})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def experiment(request: HttpRequest, pk: str) -> HttpResponse:
    """One experiment and what is known of it. A POST with `act` acts, `variant` says on which."""
    user = user_of(request)
    found, error = _found(user, pk), None
    if request.method == "POST":
        try:
            _act(request, user, found)
            return redirect("experiment", found.pk)
        except ChatterError as refused:
            error, found = refused, _found(user, pk)
    results = results_of(found)
    name_unseen(_named_by(found), user)
    shown = {
        "experiment": found,
        "plan": _plan(request, found),
        "results": results,
        "dealt": [(*one, page_at(dealt_rows(one[0]))) for one in results.split.dealt],
        "says": sentences(results),
        "rules": rules_of(found),
        "blocks": [_block(one) for one in results.metrics],
        "problem": error,
    }
    page = "experiments/experiment.html"
    return render(request, page, shown, status=error.status if error else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_experiment(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = ExperimentForm(user, _sent(request))
    if not form.is_valid():
        return _form_page(request, form)
    try:
        made = create_experiment(owner=user, once=form.once(), **form.given())
    except ChatterError as error:
        return _form_page(request, form, error)
    return redirect("experiment", made.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit_experiment(request: HttpRequest, pk: str) -> HttpResponse:
    """A draft of one's own; who asks for the form of one that has begun is sent to its page."""
    user = user_of(request)
    found = _found(user, pk)
    if found.owner_id != user.pk:
        raise Http404
    if request.method != "POST" and found.status != ExperimentStatus.DRAFT:
        return redirect("experiment", found.pk)
    name_unseen(_named_by(found), user)
    form = ExperimentForm(user, _sent(request), found)
    if not form.is_valid():
        return _form_page(request, form)
    try:
        if changed := form.changed(found):
            change_experiment(found, by=user, **changed)
    except ChatterError as error:
        return _form_page(request, form, error)
    return redirect("experiment", found.pk)


def _named_by(found: Experiment) -> list[Any]:
    return [found.target, *(one.template for one in found.variants.all())]


def _sent(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _form_page(
    request: HttpRequest, form: ExperimentForm, error: ChatterError | None = None
) -> HttpResponse:
    """The form as it is to be filled in, or as it was sent, with what is wrong."""
    shown = {"form": form, "experiment": form.experiment, "problem": error}
    status = 400 if form.is_bound else 200
    page = "experiments/form.html"
    return render(request, page, shown, status=error.status if error else status)


def _plan(request: HttpRequest, found: Experiment) -> Plan | None:
    """None once it has begun. What was asked is in the address."""
    if found.status != ExperimentStatus.DRAFT:
        return None
    form = PlanForm(request.GET if "effect" in request.GET else None)
    asked = [{"effect": effect} for effect in _EFFECTS]
    if form.is_valid():
        asked = [form.asked()]
    elif form.is_bound:
        return Plan(form)
    seen = seen_of(found)
    try:
        plans = [forecast(found, seen, **one) for one in asked]
    except ChatterError as error:  # too little was seen
        return Plan(form, problem=error)
    rows = [(100 * one["effect"], plan) for one, plan in zip(asked, plans, strict=True)]
    return Plan(form, rows, sentence_of(found, plans[0]) if form.is_bound else "")


def _found(user: User, pk: str) -> Experiment:
    try:
        return experiment_for(user, pk)
    except ExperimentNotFound as error:
        raise Http404 from error


def _act(request: HttpRequest, user: User, found: Experiment) -> None:
    act, variant = request.POST.get("act", ""), request.POST.get("variant", "")
    if act in _ACTS:
        _ACTS[act](found, by=user)
    elif act == "stop":
        stop_variant(found, variant, by=user)
    elif act == "promote":
        promote_variant(found, variant, by=user)
    else:
        raise UnknownExperimentAct


def _block(result: MetricResult) -> Block:
    return Block(
        title=result.metric.label,
        better=result.metric.better,
        primary=result.primary,
        rows=[_row(result, cell) for cell in result.cells],
        plot=plot_of(result),
    )


def _row(result: MetricResult, cell: Cell) -> Row:
    shown, found = result.metric.shown, cell.comparison
    anytime = found.anytime if found else None
    once = found.once if found else None
    p_once = found.once_corrected if found else None
    return Row(
        name=cell.variant.name,
        rows=page_at(cell_rows(result, cell)),
        units=cell.units,
        mean="no data" if cell.mean is None else shown(cell.mean),
        difference=shown(found.difference) if found else "–",
        between=f"{shown(anytime.low)} to {shown(anytime.high)}" if anytime else "–",
        once=f"{shown(once.low)} to {shown(once.high)}, p = {p_once:.2g}" if once else "–",
        verdict="control" if cell.variant.control else verdict_of(result, cell),
    )
