"""The page of approvals: what waits for one's decision, and what one's own runs wait for."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.authentication import user_of
from accounts.models import User
from core.errors import ChatterError, Conflict, Invalid, Refused
from core.json_values import plain_text
from workflows.answer_form import Unreadable, answer_of, fields_of
from workflows.models import Approval
from workflows.services.approvals import ApprovalNotFound, BadAnswer, approval_for, decide

_SHOWN = 50
_COMMENT_CHARACTERS = 5_000


class UnknownDecision(Invalid):
    code = "unknown_decision"
    message = "Approve or reject."


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
        _decide(request.POST.dict(), user)
    except ApprovalNotFound as error:
        raise Http404 from error
    except (Conflict, Invalid, Refused) as error:
        return _page(request, user, error)
    return redirect("approvals")


def _decide(sent: Mapping[str, str], user: User) -> None:
    if sent.get("decision") not in ("approve", "reject"):
        raise UnknownDecision
    approval = approval_for(user, sent.get("approval", ""))
    approve = sent["decision"] == "approve"
    answer = _answer(approval, sent) if approve else None
    comment = plain_text(sent.get("comment", ""))[:_COMMENT_CHARACTERS]
    decide(approval, by=user, approve=approve, comment=comment, answer=answer)


def _answer(approval: Approval, sent: Mapping[str, str]) -> Any:
    if approval.form is None:
        return None
    try:
        return answer_of(approval.form, sent)
    except Unreadable as error:
        raise BadAnswer(errors=error.errors) from error


def _page(request: HttpRequest, user: User, error: ChatterError | None = None) -> HttpResponse:
    put_to_me = Approval.objects.put_to(user).pending().select_related("execution")
    mine = put_to_me.order_by("id")[:_SHOWN]
    others = Approval.objects.filter(execution__user=user).pending().order_by("id")
    shown = {
        "approvals": [_shown(one, request, error) for one in mine],
        "others": others.exclude(pk__in=[one.pk for one in mine])[:_SHOWN],
        "problem": error,
    }
    return render(request, "workflows/approvals.html", shown, status=error.status if error else 200)


def _shown(approval: Approval, request: HttpRequest, error: ChatterError | None) -> dict[str, Any]:
    """An approval with its form, filled as it was sent if that was refused."""
    sent = request.POST.dict() if request.POST.get("approval") == str(approval.pk) else None
    return {
        "approval": approval,
        "own": approval.execution_id if approval.execution.user_id == user_of(request).pk else None,
        "fields": fields_of(approval.form, sent) if approval.form is not None else [],
        "comment": (sent or {}).get("comment", ""),
        "errors": error.detail.get("errors", []) if sent and error else [],
    }
