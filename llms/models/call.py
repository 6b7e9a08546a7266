"""The ledger: one row for every request that was, or may have been, sent to a model."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from core.models import Record
from llms.models.price import ModelPrice
from llms.querysets import CallQuerySet


class CallStatus(models.TextChoices):
    OPEN = "open", "open"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"


class Exactness(models.TextChoices):
    """How much the numbers of a row are worth, best first; a total has the worst of its parts."""

    METERED = "metered", "metered"
    ESTIMATED = "estimated", "estimated"
    UNPRICED = "unpriced", "unpriced"
    OPEN = "open", "open"


class AnsweredBy(models.TextChoices):
    """Who gave the answer. Only a provider uses tokens: of the others that is known."""

    PROVIDER = "provider", "provider"
    CACHE = "cache", "cache"
    RECORDING = "recording", "recording"


class Purpose(models.TextChoices):
    ANSWER = "answer", "answer"
    SUMMARY = "summary", "summary"
    TITLE = "title", "title"


class ModelCall(Record):
    """One attempt. Committed before the provider is called, settled once after, then never changed.

    Token columns are disjoint and add up to `total_tokens`; NULL is unknown, never zero. What an
    unsettled or estimated call may have used at most stands in `upper_bound_*` (NULL: no limit
    known). `origin` links upwards as text, "execution:<uuid>". `price` is the row the cost was
    reckoned with. `answer` is `{text, reasoning, tool_calls}`, for replay.

    A row that was not `answered_by` a provider was never open, used nothing and cost nothing;
    `source_call` is the row of the call that was really made.
    """

    origin = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    provider = models.CharField(max_length=64)
    provider_kind = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    served_model = models.CharField(max_length=200, blank=True, default="")
    node = models.CharField(max_length=255)
    visit = models.PositiveIntegerField()
    call_index = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    purpose = models.CharField(max_length=16, choices=Purpose, default=Purpose.ANSWER)
    status = models.CharField(max_length=16, choices=CallStatus, default=CallStatus.OPEN)
    exactness = models.CharField(max_length=16, choices=Exactness, default=Exactness.OPEN)
    input_tokens = models.BigIntegerField(null=True)
    cache_read_tokens = models.BigIntegerField(null=True)
    cache_write_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    reasoning_tokens = models.BigIntegerField(null=True)
    total_tokens = models.BigIntegerField(null=True)
    upper_bound_tokens = models.BigIntegerField(null=True)
    cost_nano_usd = models.BigIntegerField(null=True)
    upper_bound_nano_usd = models.BigIntegerField(null=True)
    answered_by = models.CharField(max_length=16, choices=AnsweredBy, default=AnsweredBy.PROVIDER)
    source_call = models.ForeignKey(
        "self", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    price = models.ForeignKey(
        ModelPrice, models.PROTECT, null=True, related_name="+", db_index=False
    )
    parameters = models.JSONField(default=dict)
    request_hash = models.CharField(max_length=64)
    answer = models.JSONField(null=True)
    streamed = models.BooleanField(default=True)
    started_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    first_token_ms = models.PositiveIntegerField(null=True)
    finish_reason = models.CharField(max_length=64, blank=True, default="")
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    provider_request_id = models.CharField(max_length=200, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["user", "-id"], name="llms_calls_of_user"),
            models.Index(fields=["started_at"], name="llms_calls_by_time"),
            # What a response cache looks for; all known when the row is opened, so that settling
            # it touches no index.
            models.Index(fields=["user", "request_hash"], name="llms_calls_by_question"),
            models.Index(
                fields=["source_call"],
                condition=Q(source_call__isnull=False),
                name="llms_calls_answered_from",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "node", "visit", "call_index", "attempt"],
                name="llms_one_call_per_attempt",
            ),
            models.CheckConstraint(
                condition=Q(status=CallStatus.OPEN, settled_at__isnull=True)
                | Q(~Q(status=CallStatus.OPEN), settled_at__isnull=False),
                name="llms_open_until_settled",
            ),
            models.CheckConstraint(
                condition=Q(total_tokens__isnull=True)
                | Q(
                    total_tokens=Coalesce(F("input_tokens"), 0)
                    + Coalesce(F("cache_read_tokens"), 0)
                    + Coalesce(F("cache_write_tokens"), 0)
                    + Coalesce(F("output_tokens"), 0)
                    + Coalesce(F("reasoning_tokens"), 0)
                ),
                name="llms_total_is_the_sum",
            ),
            models.CheckConstraint(
                condition=Q(answered_by=AnsweredBy.PROVIDER) | Q(total_tokens=0, cost_nano_usd=0),
                name="llms_only_providers_cost",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.model} {self.status}"
