"""The pages of schedules: one's list, the form of one with its next times, and its history."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.authentication import user_of
from accounts.models import User
from core import clock
from core.errors import ChatterError, Invalid
from core.models import new_id
from core.pagination import shown_page
from triggers.forms import BLANK, ScheduleForm, written
from triggers.models import Schedule, ScheduleFiring
from triggers.services.firing import run_now
from triggers.services.schedules import (
    ScheduleNotFound,
    change_schedule,
    create_schedule,
    delete_schedule,
    pause_schedule,
    preview,
    resume_schedule,
    schedule_for,
)
from triggers.services.times import InvalidSchedule
from workflows.api.revisions import revision_in
from workflows.api.starting import keyed
from workflows.selectors import name_unseen
from workflows.services.idempotency import NO_KEY, Idempotency


class UnknownAct(Invalid):
    code = "unknown_act"
    message = "Pause, resume, run or delete it."


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedules(request: HttpRequest) -> HttpResponse:
    """One's schedules. A POST acts on one: `schedule` (an id) and `act`."""
    user = user_of(request)
    error = None
    if request.method == "POST":
        try:
            _act(request, user, _found(user, request.POST.get("schedule", "")))
            return redirect("schedules")
        except ChatterError as refused:
            error = refused
    mine, ways = shown_page(Schedule.objects.filter(owner=user).for_list(), request)
    name_unseen([one.target for one in mine], user)
    shown = {"schedules": mine, **ways, "key": new_id(), "problem": error}
    return render(request, "triggers/schedules.html", shown, status=error.status if error else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_schedule(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    form = ScheduleForm(user, request.POST or None, initial=dict(BLANK))
    if not form.is_valid():
        return _form_page(request, form)
    try:
        made = create_schedule(owner=user, once=form.once(), **form.given())
    except ChatterError as error:
        return _form_page(request, form, error=error)
    return redirect("schedule", made.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def schedule(request: HttpRequest, pk: str) -> HttpResponse:
    """One schedule. A POST with `act` acts, another saves the form."""
    user = user_of(request)
    found = _found(user, pk)
    sent = request.POST if "act" not in request.POST else None
    form = ScheduleForm(found.owner, sent or None, initial=written(found))
    try:
        if "act" in request.POST:
            return redirect(_act(request, user, found))
        if not form.is_valid():
            return _form_page(request, form, found)
        revision = request.POST.get("revision", "")
        seen = revision_in(revision) if revision else None
        change_schedule(found, by=user, revision=seen, **form.given())
    except ChatterError as error:
        return _form_page(request, form, found, error)
    return redirect("schedule", found.pk)


@login_required
@require_POST
def schedule_times(request: HttpRequest) -> HttpResponse:
    """The next times of what the form says now, or why there are none, for its page's script."""
    form = ScheduleForm(user_of(request), request.POST)
    form.is_valid()
    times = []
    problem = " ".join(str(told) for name in _ALONE for told in form.errors.get(name, ()))
    if "kind" in form.cleaned_data and not form.errors.keys() & _OF_TIME:
        try:
            times = preview(form.times())
        except InvalidSchedule as error:
            problem = " ".join(one["message"] for one in error.detail["errors"])
    return JsonResponse({"times": [at.isoformat() for at in times], "problem": problem})


_ALONE = ("time_zone", "cron")  # wrong whatever else is still to be written
_OF_TIME = frozenset({"cron", "every", "unit", "run_at", "time_zone", "starts_at", "ends_at"})


def _found(user: User, pk: str) -> Schedule:
    try:
        return schedule_for(user, pk)
    except ScheduleNotFound as error:
        raise Http404 from error


def _act(request: HttpRequest, user: User, found: Schedule) -> Any:
    """Do it, and say where to go then."""
    act = request.POST.get("act")
    if act == "delete":
        delete_schedule(found, by=user)
        return "schedules"
    if act == "pause":
        pause_schedule(found, by=user)
    elif act == "resume":
        resume_schedule(found, by=user)
    elif act == "run":
        request_id = getattr(request, "request_id", "")
        async_to_sync(run_now)(found, by=user, request_id=request_id, **_once(request, found))
    else:
        raise UnknownAct
    return request.path


def _once(request: HttpRequest, found: Schedule) -> Idempotency:
    """A form as it was shown runs a schedule once, however often it is sent."""
    key = request.POST.get("key", "")
    return keyed(f"{key}.{found.pk}", request.path.encode()) if key else NO_KEY


def _form_page(
    request: HttpRequest,
    form: ScheduleForm,
    found: Schedule | None = None,
    error: ChatterError | None = None,
) -> HttpResponse:
    history = found.firings.all() if found else ScheduleFiring.objects.none()
    firings, ways = shown_page(history, request)
    shown = {
        "form": form,
        "key": new_id(),
        "problem": error,
        "schedule": found,
        "times": found.timing.upcoming(clock.now()) if found else [],
        "firings": firings,
        **ways,
    }
    status = error.status if error else 400 if form.errors else 200
    return render(request, "triggers/schedule.html", shown, status=status)
