"""The pages of webhooks: both kinds, and what came and went through each; they need no script."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.authentication import user_of
from accounts.models import User
from core.errors import ChatterError, NotFound
from core.models import new_id
from core.pagination import shown_page
from webhooks.models import IncomingWebhook, MessageStatus, WebhookEndpoint
from webhooks.models.outgoing import EVENTS
from webhooks.models.signed import Signed
from webhooks.page_forms import make_endpoint, make_incoming
from webhooks.services.endpoints import change_endpoint, events_for, ping
from webhooks.services.incoming import change_incoming
from webhooks.services.messages import message_for, resend
from webhooks.services.signed import delete_signed, rotate_secret, signed_for
from workflows.choices import workflows_to_run
from workflows.selectors import name_unseen

_OVERLAP_S = 86_400
_page = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@login_required
@_page
def webhooks(request: HttpRequest) -> HttpResponse:
    """A POST makes one: of the `kind` incoming or endpoint.

    Its secret is in the answer to the POST itself, not behind a redirect, since it is shown once.
    """
    user = user_of(request)
    made, error = None, None
    if request.method == "POST":
        make = make_incoming if request.POST.get("kind") == "incoming" else make_endpoint
        try:
            made = make(user, request.POST)
        except ChatterError as refused:
            error = refused
    hooks = IncomingWebhook.objects.visible_to(user).for_list()
    endpoints = WebhookEndpoint.objects.visible_to(user).for_list()
    name_unseen([one.definition or one.template for one in (*hooks, *endpoints)], user)
    shown = {
        "incoming": hooks,
        "endpoints": endpoints,
        "workflows": workflows_to_run(user),
        "events": events_for(user),
        "sent": request.POST if error else {},
        "key": request.POST.get("key", "") if error else new_id(),
        "chosen_events": request.POST.getlist("events") if error else EVENTS,
        "site": request.build_absolute_uri("/").rstrip("/"),
        "made": made,
        "problem": error,
    }
    status = error.status if error else 200
    return render(request, "webhooks/webhooks.html", shown, status=status)


@never_cache
@login_required
@_page
def incoming(request: HttpRequest, pk: str) -> HttpResponse:
    """One that comes in; a POST does an `act` of those below."""
    hook = _found(IncomingWebhook, request, pk)
    user = user_of(request)
    acts = {
        **_acts(hook, request),
        "on": lambda: _switch(change_incoming, hook, user, on=True),
        "off": lambda: _switch(change_incoming, hook, user, on=False),
    }
    done = _act(request, acts)
    if done is not None:
        return done
    deliveries, ways = shown_page(hook.deliveries.all(), request)
    return _shown(request, hook, "webhooks/incoming.html", deliveries=deliveries, **ways)


@never_cache
@login_required
@_page
def endpoint(request: HttpRequest, pk: str) -> HttpResponse:
    """One that goes out; `status` chooses which messages are shown."""
    found = _found(WebhookEndpoint, request, pk)
    user = user_of(request)
    acts = {
        **_acts(found, request),
        "on": lambda: _switch(change_endpoint, found, user, on=True),
        "off": lambda: _switch(change_endpoint, found, user, on=False),
        "ping": lambda: ping(found, by=user),
        "resend": lambda: resend(message_for(user, request.POST.get("message", "")), by=user),
    }
    done = _act(request, acts)
    if done is not None:
        return done
    messages = found.messages.defer("body").prefetch_related("tries")
    status = request.GET.get("status", "")
    if status in MessageStatus.values:
        messages = messages.filter(status=status)
    page, ways = shown_page(messages, request)
    shown = {
        "messages": page,
        **ways,
        "status": status,
        "statuses": MessageStatus.values,
    }
    return _shown(request, found, "webhooks/endpoint.html", **shown)


def _found(kind: type[Any], request: HttpRequest, pk: str) -> Any:
    try:
        return signed_for(kind, user_of(request), pk)
    except NotFound as error:
        raise Http404 from error


def _acts(signed: Signed, request: HttpRequest) -> dict[str, Callable[[], Any]]:
    """What can be done to both kinds."""
    user, seen = user_of(request), request.POST.get("seen", "")
    return {
        "rotate": lambda: rotate_secret(signed, by=user, overlap_s=_OVERLAP_S, seen=seen),
        "delete": lambda: delete_signed(signed, by=user),
    }


def _switch(change: Callable[..., Any], signed: Signed, user: User, *, on: bool) -> None:
    """Safe to repeat, and where somebody else was first."""
    if signed.enabled != on:
        change(signed, by=user, enabled=on)


def _act(request: HttpRequest, acts: Mapping[str, Callable[[], Any]]) -> HttpResponse | None:
    """Do what a POST asks for, and say where to go then; None: the page itself is the answer."""
    act = request.POST.get("act", "")
    if request.method != "POST":
        return None
    if act not in acts:
        raise Http404
    try:
        acts[act]()
    except NotFound as error:
        raise Http404 from error
    except ChatterError as error:
        request.problem = error  # type: ignore[attr-defined]
        return None
    if act == "rotate":
        return None
    return redirect("webhooks" if act == "delete" else request.get_full_path())


def _shown(request: HttpRequest, signed: Signed, template: str, **more: Any) -> HttpResponse:
    problem = getattr(request, "problem", None)
    name_unseen([signed.definition or signed.template], user_of(request))
    fresh = request.POST.get("act") == "rotate" and problem is None
    shown = {
        "webhook": signed,
        "secret": signed.secret if fresh else "",
        "site": request.build_absolute_uri("/").rstrip("/"),
        "problem": problem,
        **more,
    }
    return render(request, template, shown, status=problem.status if problem else 200)
