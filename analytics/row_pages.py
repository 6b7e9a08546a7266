"""The pages of the rows behind figures: model and tool calls, messages, ratings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models.functions import Left
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.authentication import user_of
from analytics.api.behind import (
    RatingFilter,
    SentFilter,
    TalkFilter,
    rating_row,
    sent_row,
    sent_rows,
    talk_out,
)
from analytics.api.definitions import BadWindow, node_calls
from analytics.models import ReplyRating
from budgets.services.budgets import budget_for
from conversations.models import Conversation
from core.errors import NotFound
from llms.api.budget_calls import BadPeriod, budget_calls
from llms.api.calls import ModelCallFilter, ModelCallOut
from llms.models import CallStatus, ModelCall
from llms.querysets import CallQuerySet
from tools.api.calls import ToolCallFilter
from tools.api.shapes import listed_call
from tools.models import ToolCall, ToolCallStatus
from workflows.list_page import ListPage, list_page
from workflows.selectors import name_unseen
from workflows.services.definitions import definition_for

_TITLES = {
    "rows-model-calls": "Model calls",
    "rows-tool-calls": "Tool calls",
    "rows-talks": "Conversations",
    "rows-messages": "Messages",
    "rows-ratings": "Ratings",
}
_SHOWN = 80  # characters of what a tool found


@never_cache
@login_required
@require_GET
def model_calls(request: HttpRequest) -> HttpResponse:
    """The calls of models that the address asks for, newest first."""
    return _model_calls(request, ModelCall.objects.visible_to(user_of(request)))


@never_cache
@login_required
@require_GET
def definition_calls(request: HttpRequest, pk: str) -> HttpResponse:
    """Those that the analytics of a workflow count, of one node (`within`) or of all."""
    user = user_of(request)
    try:
        said = {"title": "Calls of a workflow", "workflow": definition_for(user, pk).name}
    except NotFound as error:
        raise Http404 from error
    try:
        return _model_calls(request, node_calls(user, pk, request.GET.dict()), said)
    except BadWindow:
        return _model_calls(request, ModelCall.objects.none(), said, bad=True)


@never_cache
@login_required
@require_GET
def calls_of_budget(request: HttpRequest, pk: str) -> HttpResponse:
    """Those that a budget counts in the period that the address names, or in the present one."""
    user = user_of(request)
    try:
        budget = budget_for(user, pk)
    except NotFound as error:
        raise Http404 from error
    said = {"title": "Calls of a budget", "budget": budget.name}
    try:
        return _model_calls(request, budget_calls(budget, user, request.GET.get("at", "")), said)
    except BadPeriod:
        return _model_calls(request, ModelCall.objects.none(), said, bad=True)


@never_cache
@login_required
@require_GET
def tool_calls(request: HttpRequest) -> HttpResponse:
    """The calls of tools that the address asks for, newest first."""
    calls = ToolCall.objects.visible_to(user_of(request)).for_list()
    rows = calls.select_related("user").annotate(found=Left("text", _SHOWN))
    statuses = ToolCallStatus.values
    found = list_page(request, rows, ToolCallFilter, own="user", statuses=statuses)
    shown = [
        {**listed_call(call).to_json(), "found": call.found, "whose": call.user}
        for call in found.rows
    ]
    return _page(request, "rows-tool-calls", found, shown)


@never_cache
@login_required
@require_GET
def talks(request: HttpRequest) -> HttpResponse:
    """The conversations that figures count; of others' their numbers alone."""
    user = user_of(request)
    rows = Conversation.objects.counted_for(user).for_list().select_related("owner")
    found = list_page(request, rows, TalkFilter, own="owner")
    shown = [{**talk_out(talk, user).to_json(), "whose": talk.owner} for talk in found.rows]
    return _page(request, "rows-talks", found, shown)


@never_cache
@login_required
@require_GET
def messages(request: HttpRequest) -> HttpResponse:
    """The messages that people sent; of others' when they did alone."""
    user = user_of(request)
    found = list_page(request, sent_rows(user), SentFilter, own="conversation__owner")
    shown = [
        {**sent_row(one, user).to_json(), "whose": one.conversation.owner} for one in found.rows
    ]
    return _page(request, "rows-messages", found, shown)


@never_cache
@login_required
@require_GET
def ratings(request: HttpRequest) -> HttpResponse:
    """What was said of replies, newest first."""
    rows = ReplyRating.objects.visible_to(user_of(request)).for_list()
    found = list_page(request, rows, RatingFilter, own="user")
    name_unseen([one.definition or one.template for one in found.rows], user_of(request))
    shown = [
        {**rating_row(one).to_json(), "what": one.definition or one.template, "whose": one.user}
        for one in found.rows
    ]
    return _page(request, "rows-ratings", found, shown)


def _model_calls(
    request: HttpRequest,
    calls: CallQuerySet,
    said: Mapping[str, str] | None = None,
    *,
    bad: bool = False,
) -> HttpResponse:
    rows = calls.for_list().select_related("user")
    found = list_page(request, rows, ModelCallFilter, own="user", statuses=CallStatus.values)
    shown = [
        {**ModelCallOut(call).data, "total_tokens": call.total_tokens, "whose": call.user}
        for call in found.rows
    ]
    if bad:
        found = replace(found, context={**found.context, "problem": True}, status=400)
    return _page(request, "rows-model-calls", found, shown, said)


def _page(
    request: HttpRequest,
    name: str,
    found: ListPage,
    shown: Any,
    said: Mapping[str, str] | None = None,
) -> HttpResponse:
    """`said` is what else the template takes, or takes in another's place."""
    context = {
        **found.context,
        "rows": shown,
        "title": _TITLES[name],
        "lists": [(title, reverse(one)) for one, title in _TITLES.items()],
        **(said or {}),
    }
    template = f"analytics/rows/{name.removeprefix('rows-')}.html"
    return render(request, template, context, status=found.status)
