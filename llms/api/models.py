"""The models one may ask."""

from typing import Any

from django.db.models import F
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from core.pagination import NewestFirst
from llms.models import Capability, ModelProfile
from llms.querysets import ProfileQuerySet


class ModelOut(serializers.Serializer[ModelProfile]):
    """`demo`: the built-in model answers. `priced`: its calls will have a known cost."""

    id = serializers.UUIDField()
    name = serializers.CharField(help_text="What to write as `model`: provider:model.")
    provider = serializers.CharField(source="provider.name")
    model = serializers.CharField()
    demo = serializers.BooleanField(source="provider.is_demo")
    capabilities = serializers.ListField(child=serializers.ChoiceField(Capability.choices))
    context_window = serializers.IntegerField(allow_null=True)
    max_output_tokens = serializers.IntegerField(allow_null=True)
    is_default = serializers.BooleanField()
    priced = serializers.BooleanField(source="is_priced")


class ByName(NewestFirst):
    ordering = ("provider_name", "model")
    page_size = 200


class ModelList(ListAPIView[ModelProfile]):
    """The models you may name in `model`; the default answers when none is named."""

    serializer_class = ModelOut
    pagination_class = ByName
    filter_backends: list[Any] = []
    queryset = ModelProfile.objects.none()

    def get_queryset(self) -> ProfileQuerySet:
        rows = ModelProfile.objects.usable_by(self.request.user).for_list()
        named: ProfileQuerySet = rows.annotate(provider_name=F("provider__name"))
        return named
