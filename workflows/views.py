"""The pages of executions."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from rest_framework.request import Request

from accounts.authentication import user_of
from accounts.models import User
from core.errors import NotFound
from core.pagination import NewestFirst
from llms.api.calls import ModelCallOut
from llms.models import ModelCall
from workflows.api.executions import ExecutionFilter, last_seq
from workflows.api.shapes import listed_execution
from workflows.list_page import list_page
from workflows.models import ExecutionStatus, WorkflowExecution
from workflows.selectors import execution_for


@never_cache
@login_required
@require_GET
def executions(request: HttpRequest) -> HttpResponse:
    """One's executions, newest first; those that the address asks for, as the API's list does.

    Staff see others' where the address names a user, or `of=all`.
    """
    user = user_of(request)
    rows = WorkflowExecution.objects.visible_to(user).for_list().with_workflow(user)
    statuses = ExecutionStatus.values
    found = list_page(request, rows, ExecutionFilter, own="user", statuses=statuses)
    shown = [{**listed_execution(one).to_json(), "workflow": one.workflow} for one in found.rows]
    context = {**found.context, "executions": shown}
    return render(request, "workflows/executions.html", context, status=found.status)


@never_cache
@login_required
@require_GET
def execution(request: HttpRequest, pk: str) -> HttpResponse:
    """One execution: its timeline, a page of its calls, its log.

    `seen` is the number of an event that everything on the page is as new as.
    """
    paginator, user = NewestFirst(), user_of(request)
    try:
        found = execution_for(user, pk)
        seen = last_seq(found)
        calls: Any = paginator.paginate_queryset(_calls(request, found), Request(request)) or []
    except NotFound as error:
        raise Http404 from error
    return render(
        request,
        "workflows/execution.html",
        {
            "execution": listed_execution(found).to_json(),
            "workflow": _named(found, user),
            "seen": seen,
            "calls": ModelCallOut(calls, many=True).data,
            "earlier_calls": paginator.get_next_link(),
            "later_calls": paginator.get_previous_link(),
        },
    )


def _named(found: WorkflowExecution, reader: User) -> str | None:
    """What it is of, by its name, if the reader sees that."""
    this = WorkflowExecution.objects.filter(pk=found.pk).with_workflow(reader)
    name: str | None = this.values_list("workflow", flat=True).first()
    return name


def _calls(request: HttpRequest, found: WorkflowExecution) -> Any:
    return ModelCall.objects.visible_to(user_of(request)).of_origin(found.origin).for_list()
