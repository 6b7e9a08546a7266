"""The chat page."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.authentication import user_of
from accounts.models import User
from conversations.api.shapes import conversation_out, message_out
from conversations.models import Conversation, Message
from conversations.services.turns import ConversationNotFound, conversation_for
from llms.api.models import ModelOut
from llms.models import ModelProfile
from tools.selectors import usable_tools
from workflows.choices import Choice, parameters_taken, value_of, workflows_to_run
from workflows.models import WorkflowExecution, WorkflowTemplate
from workflows.services.targets import UNIVERSAL_CHAT, built_in

_LISTED = 40
_TOOLS = 64  # as many as a model node takes
_SHOWN = 400
_ENDED = 20


@never_cache
@login_required
@require_GET
def chat(request: HttpRequest, pk: str | None = None) -> HttpResponse:
    """A conversation, or the beginning of one."""
    user = user_of(request)
    conversation = _conversation(user, pk)
    listed = Conversation.objects.visible_to(user).filter(archived=False).for_list()
    before = request.GET.get("before", "")
    if before:
        listed = _before(listed, before)
    page = list(listed[: _LISTED + 1])
    older = f"?{urlencode({'before': page[_LISTED - 1].id})}" if len(page) > _LISTED else None
    ended = _ended(conversation)  # before the messages: what ends meanwhile is told by its log
    messages = _messages(user, conversation, request.GET.get("before_turn", ""))
    models = [dict(ModelOut(one).data) for one in ModelProfile.objects.usable_by(user).for_list()]
    plain = built_in(UNIVERSAL_CHAT)
    first = messages[0]["turn"] if messages else 0
    earlier = Message.objects.filter(conversation=conversation, turn__lt=first).exists()
    return render(
        request,
        "conversations/chat.html",
        {
            "conversation": conversation_out(conversation).to_json() if conversation else None,
            "messages": messages,
            "earlier_url": f"?{urlencode({'before_turn': first})}" if earlier else None,
            "conversations": [conversation_out(one).to_json() for one in page[:_LISTED]],
            "next_conversations": older,
            "models": models,
            "default_model": next((one for one in models if one["is_default"]), None),
            "plain_chat": plain,
            "workflows": _besides(plain, workflows_to_run(user)),
            "parameters": parameters_taken(user),
            "running": _running(conversation),
            "ended": ended,
            "tools": [tool.key for tool in usable_tools(user)[:_TOOLS]],
        },
    )


def _conversation(user: Any, pk: str | None) -> Conversation | None:
    if pk is None:
        return None
    try:
        return conversation_for(user, pk)
    except ConversationNotFound as error:
        raise Http404 from error


def _before(listed: Any, pk: str) -> Any:
    try:
        return listed.filter(id__lt=pk)
    except ValidationError as error:
        raise Http404 from error


def _besides(
    plain: WorkflowTemplate | None, offered: list[tuple[str, list[Choice]]]
) -> list[tuple[str, list[Choice]]]:
    """What is offered beside the plain chat, which answers where nothing is chosen."""
    value = value_of(plain) if plain else ""
    groups = [(heading, [one for one in of if one[0] != value]) for heading, of in offered]
    return [(heading, of) for heading, of in groups if of]


def _messages(
    user: User, conversation: Conversation | None, before_turn: str
) -> list[dict[str, Any]]:
    """The messages of the last turns (before this one), oldest first."""
    if conversation is None:
        return []
    latest = Message.objects.filter(conversation=conversation).with_workflow(user)
    latest = latest.order_by("-turn", "-id")
    if before_turn.isdecimal():
        latest = latest.filter(turn__lt=int(before_turn[:9]))
    shown = list(latest[:_SHOWN])
    if len(shown) == _SHOWN:  # the oldest turn may be cut in two
        shown = [one for one in shown if one.turn != shown[-1].turn]
    return [{**message_out(one).to_json(), "workflow": one.workflow} for one in reversed(shown)]


def _running(conversation: Conversation | None) -> str | None:
    if conversation is None:
        return None
    series = WorkflowExecution.objects.in_series(conversation.serial_key)
    found = series.under_way().order_by("id").values_list("id", flat=True).first()
    return str(found) if found else None


def _ended(conversation: Conversation | None) -> list[str]:
    """The last runs that are over, those too whose messages were deleted since."""
    if conversation is None:
        return []
    series = WorkflowExecution.objects.in_series(conversation.serial_key)
    over = series.filter(finished_at__isnull=False).order_by("-id")
    return [str(pk) for pk in over.values_list("id", flat=True)[:_ENDED]]
