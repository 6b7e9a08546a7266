"""The page of approvals: what waits for one's decision, and what one's own runs wait for."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request

from accounts.authentication import user_of
from accounts.models import User
from core.errors import ChatterError, Conflict, Invalid, NotFound, Refused
from core.pagination import OldestFirst
from workflows.answering import answer_context, decide_as_sent
from workflows.models import Approval
from workflows.services.approvals import ApprovalNotFound, approval_for, closed

_QUESTION_CHARACTERS = 200


class _OfOthers(OldestFirst):
    cursor_query_param = "others"


def approvals_waiting(request: HttpRequest) -> Mapping[str, Callable[[], int]]:
    """For the navigation of every page: how many decisions wait for who looks at it."""

    def count() -> int:
        return Approval.objects.put_to(user_of(request)).pending().count()

    return {"approvals_waiting": count}


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def approvals(request: HttpRequest) -> HttpResponse:
    """A POST decides: `approval` (an id), `decision`, `comment`, and the fields of its form."""
    user = user_of(request)
    if request.method != "POST":
        return _page(request, user)
    try:
        decided = _decide(request.POST.dict(), user)
    except ApprovalNotFound as error:
        raise Http404 from error
    except (Conflict, Invalid, Refused) as error:
        return _page(request, user, error)
    messages.success(request, _told(decided, user))
    return redirect("approvals")


def _told(decided: Approval, user: User) -> str:
    """What was decided, and for whoever's run it is the way to it."""
    question = Truncator(decided.question).chars(_QUESTION_CHARACTERS)
    text = f"{decided.get_status_display()}: {question}"
    if decided.execution.user_id != user.pk:
        return text
    run = reverse("execution", args=[decided.execution_id])
    return format_html('{} · <a href="{}">the run</a>', text, run)


def _decide(sent: Mapping[str, str], user: User) -> Approval:
    return decide_as_sent(approval_for(user, sent.get("approval", "")), sent, by=user)


def _page(request: HttpRequest, user: User, error: ChatterError | None = None) -> HttpResponse:
    """What waits, oldest first; with `approval` in the address that one alone."""
    try:
        shown = (_one if "approval" in request.GET else _lists)(request, user, error)
    except NotFound as missing:
        raise Http404 from missing
    status = error.status if error else 200
    return render(request, "workflows/approvals.html", shown, status=status)


def _one(request: HttpRequest, user: User, error: ChatterError | None) -> dict[str, Any]:
    approval = approval_for(user, request.GET["approval"])
    over = closed(approval, user)
    item = _shown(approval, request, error) | {"closed": over is not None}
    return {"approvals": [item], "alone": True, "problem": error or over}


def _lists(request: HttpRequest, user: User, error: ChatterError | None) -> dict[str, Any]:
    waiting = Approval.objects.pending().select_related("execution")
    mine, others = waiting.put_to(user), waiting.filter(execution__user=user)
    my_pages, other_pages = OldestFirst(), _OfOthers()
    page = my_pages.paginate_queryset(mine, Request(request))
    theirs = others.exclude(pk__in=mine.values("pk"))
    return {
        "approvals": [_shown(one, request, error) for one in page],
        "newer": my_pages.get_next_link(),
        "older": my_pages.get_previous_link(),
        "others": other_pages.paginate_queryset(theirs, Request(request)),
        "newer_others": other_pages.get_next_link(),
        "older_others": other_pages.get_previous_link(),
        "problem": error,
    }


def _shown(approval: Approval, request: HttpRequest, error: ChatterError | None) -> dict[str, Any]:
    """An approval with its form; and where the run is, for who may look at it."""
    sent = request.POST.dict() if request.POST.get("approval") == str(approval.pk) else None
    own = approval.execution_id if approval.execution.user_id == user_of(request).pk else None
    return {**answer_context(approval, sent, error), "own": own}
