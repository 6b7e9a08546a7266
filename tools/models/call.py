"""The ledger: one row for every time a tool was, or was to be, called."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import Record
from tools.querysets import ToolCallQuerySet


class ToolCallStatus(models.TextChoices):
    """`failed` includes arguments that are not valid and tools that do not exist."""

    OPEN = "open", "open"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    REFUSED = "refused", "refused"
    TIMED_OUT = "timed_out", "timed out"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"


class ToolAnsweredBy(models.TextChoices):
    TOOL = "tool", "tool"
    RECORDING = "recording", "recording"


# Something was given back to the caller, and a replay gets the same.
ANSWERED = frozenset(
    {
        ToolCallStatus.SUCCEEDED,
        ToolCallStatus.FAILED,
        ToolCallStatus.REFUSED,
        ToolCallStatus.TIMED_OUT,
    }
)


class ToolCall(Record):
    """One call. Committed before the tool is called, settled once after, then never changed.

    `origin` links upwards as text: "execution:<uuid>", or "api:<uuid>" for a call that was tried
    outside a run (the same for calls with the same idempotency key). `text` and `data` are what the
    tool found. A call whose process died has a row `lost` and, when it is made again, another of
    the next `attempt`. A row that a recording answered was never open: `source_call` is the row of
    the call that was really made.
    """

    origin = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    tool = models.CharField(max_length=64)
    node = models.CharField(max_length=255)
    visit = models.PositiveIntegerField()
    call_index = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=1)
    arguments = models.JSONField(null=True)
    status = models.CharField(max_length=16, choices=ToolCallStatus, default=ToolCallStatus.OPEN)
    answered_by = models.CharField(
        max_length=16, choices=ToolAnsweredBy, default=ToolAnsweredBy.TOOL
    )
    source_call = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    text = models.TextField(blank=True, default="")
    data = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    started_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True, default="")

    objects = ToolCallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["user", "-id"], name="tools_calls_of_user"),
            models.Index(fields=["tool", "started_at"], name="tools_calls_of_tool"),
            models.Index(fields=["started_at"], name="tools_calls_by_time"),
            models.Index(
                fields=["started_at"],
                condition=Q(status=ToolCallStatus.OPEN),
                name="tools_calls_under_way",
            ),
            models.Index(
                fields=["source_call"],
                condition=Q(source_call__isnull=False),
                name="tools_calls_answered_from",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "node", "visit", "call_index", "attempt"],
                name="tools_one_call_per_attempt",
            ),
            models.CheckConstraint(
                condition=Q(status=ToolCallStatus.OPEN, settled_at__isnull=True)
                | Q(~Q(status=ToolCallStatus.OPEN), settled_at__isnull=False),
                name="tools_open_until_settled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.status}"
