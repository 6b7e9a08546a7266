"""Conversations in the back office: who talks how much; messages are read only."""

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.authentication import user_of
from audit.context import current
from conversations.models import Conversation, Message
from conversations.services.turns import retry_execution
from core.errors import ChatterError
from core.long_lists import LongList, Made
from core.models import new_id
from llms.admin import ProviderFilter
from workflows.admin import ExecutionAdmin
from workflows.back_office import once_of_page
from workflows.models import Rerun, WorkflowExecution
from workflows.services.reruns import RerunRequest
from workflows.totals import totals_json


class Totals:
    """Columns of a row that keeps totals."""

    @admin.display(description="tokens")
    def tokens(self, obj: Any) -> int:
        return totals_json(vars(obj))["total_tokens"]

    @admin.display(description="cost, $", ordering="cost_nano_usd")
    def cost(self, obj: Any) -> str:
        return totals_json(vars(obj))["cost"] or "unknown"

    @admin.display(description="exactness")
    def exactness(self, obj: Any) -> str:
        return totals_json(vars(obj))["exactness"]


@admin.register(Conversation)
class ConversationAdmin(Totals, LongList, admin.ModelAdmin):
    list_display = (
        "title",
        "owner",
        "message_count",
        "tokens",
        "cost",
        "exactness",
        "archived",
        "created_at",
    )
    list_filter = ("archived", ("created_at", Made))
    search_fields = ("owner__username", "id")
    search_texts = ("title", "owner__username")
    search_help_text = "An id, the name of an owner, or a part of a title"
    list_select_related = ("owner",)


@admin.register(Message)
class MessageAdmin(Totals, LongList, admin.ModelAdmin):
    list_display = (
        "conversation",
        "turn",
        "role",
        "status",
        "provider",
        "model",
        "tokens",
        "cost",
        "exactness",
        "response_time_ms",
        "created_at",
        "page",
    )
    list_filter = ("role", "status", ProviderFilter, ("created_at", Made))
    ordering = ("-id",)
    search_fields = ("conversation", "execution", "id")
    search_texts = ("conversation__title",)
    search_help_text = (
        "The id of a conversation, of an execution or of the message, or a part of a title"
    )
    list_select_related = ("conversation",)

    @admin.display(description="execution")
    def page(self, obj: Message) -> str:
        if obj.execution_id is None:
            return ""
        return format_html('<a href="{}">open</a>', reverse("execution", args=[obj.execution_id]))


admin.site.unregister(WorkflowExecution)


@admin.register(WorkflowExecution)
class AnsweringExecutionAdmin(ExecutionAdmin):
    """Executions with what conversations add: answering again."""

    actions = ("cancel", "retry", "replay")

    @admin.action(description="Retry the selected executions", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        started = 0
        for execution in queryset.select_related("user", "template"):
            try:
                once = once_of_page(request, "retry", execution)
                wanted = RerunRequest(new_id(), Rerun.RETRY, current().request_id, **once)
                by = user_of(request)
                async_to_sync(retry_execution)(execution.user, execution, wanted, by=by)
                started += 1
            except ChatterError as error:
                self.message_user(request, f"{execution}: {error}", messages.WARNING)
        self.message_user(request, f"Started {started} executions.")
