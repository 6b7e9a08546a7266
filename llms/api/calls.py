"""The ledger of what one may see."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from core.listing import SomeOf
from core.money import dollars_text
from core.origins import execution_of, of_execution
from core.spans import After, AtLeast, MadeAfter, MadeBefore
from llms.models import AnsweredBy, CallStatus, Exactness, ModelCall, Purpose
from llms.querysets import CallQuerySet


@extend_schema_field(OpenApiTypes.STR)
class Dollars(serializers.Field[int, str, str, int]):
    """Nano-dollars of a column as decimal dollars."""

    def to_representation(self, value: int) -> str:
        return dollars_text(value) or ""


class UsageOut(serializers.Serializer[ModelCall]):
    """Disjoint categories that add up to the total; null where unknown."""

    input = serializers.IntegerField(source="input_tokens", allow_null=True)
    cache_read = serializers.IntegerField(source="cache_read_tokens", allow_null=True)
    cache_write = serializers.IntegerField(source="cache_write_tokens", allow_null=True)
    output = serializers.IntegerField(source="output_tokens", allow_null=True)
    reasoning = serializers.IntegerField(source="reasoning_tokens", allow_null=True)
    total = serializers.IntegerField(source="total_tokens", allow_null=True)


class CallErrorOut(serializers.Serializer[ModelCall]):
    code = serializers.CharField(source="error_code")
    message = serializers.CharField(source="error_message")


class ModelCallOut(serializers.Serializer[ModelCall]):
    """One attempt. `upper_bound_*` bound its usage and cost if they are not metered.

    A call not `answered_by` a provider used nothing; `source_call` is the one that was really made.
    """

    id = serializers.UUIDField()
    execution = serializers.SerializerMethodField()
    node = serializers.CharField()
    visit = serializers.IntegerField()
    call_index = serializers.IntegerField()
    attempt = serializers.IntegerField()
    purpose = serializers.ChoiceField(Purpose.choices)
    provider = serializers.CharField()
    model = serializers.CharField()
    served_model = serializers.CharField()
    status = serializers.ChoiceField(CallStatus.choices)
    exactness = serializers.ChoiceField(Exactness.choices)
    answered_by = serializers.ChoiceField(AnsweredBy.choices)
    source_call = serializers.UUIDField(source="source_call_id", allow_null=True)
    usage = UsageOut(source="*")
    upper_bound_tokens = serializers.IntegerField(allow_null=True)
    cost = Dollars(source="cost_nano_usd", allow_null=True)
    upper_bound_cost = Dollars(source="upper_bound_nano_usd", allow_null=True)
    latency_ms = serializers.IntegerField(allow_null=True)
    first_token_ms = serializers.IntegerField(allow_null=True)
    finish_reason = serializers.CharField()
    error = serializers.SerializerMethodField()
    streamed = serializers.BooleanField()
    started_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    request_id = serializers.CharField()

    def get_execution(self, call: ModelCall) -> str | None:
        return execution_of(call.origin)

    def get_error(self, call: ModelCall) -> dict[str, Any] | None:
        return dict(CallErrorOut(call).data) if call.error_code else None


class ModelCallFilter(filters.FilterSet):
    execution = filters.UUIDFilter(method="of_execution", help_text="An execution's id.")
    user = filters.UUIDFilter(field_name="user_id")
    answered_by = SomeOf(choices=AnsweredBy.choices)
    started_after, started_before = MadeAfter("started_at"), MadeBefore("started_at")
    settled_after, settled_before = After("settled_at"), MadeBefore("settled_at")
    min_latency_ms, min_first_token_ms = AtLeast("latency_ms"), AtLeast("first_token_ms")

    class Meta:
        model = ModelCall
        fields = (
            "status",
            "exactness",
            "purpose",
            "provider",
            "model",
            "node",
            "request_id",
        )

    def of_execution(self, calls: CallQuerySet, name: str, execution: Any) -> CallQuerySet:
        return calls.of_origin(of_execution(execution))


class ModelCallList(ListAPIView[ModelCall]):
    """Your calls to models, newest first; staff see everyone's.

    Filtered by an execution that is unknown or another user's, the list is empty.
    """

    serializer_class = ModelCallOut
    filterset_class = ModelCallFilter
    queryset = ModelCall.objects.none()

    def get_queryset(self) -> CallQuerySet:
        return ModelCall.objects.visible_to(self.request.user).for_list()
