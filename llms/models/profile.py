"""The models that callers may name."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from core.models import EditableRecord
from llms.models.provider import Provider
from llms.parameters import not_for_profiles, not_whole
from llms.querysets import ProfileQuerySet


class Capability(models.TextChoices):
    TEXT = "text", "text"
    TOOLS = "tools", "tools"
    STRUCTURED_OUTPUT = "structured_output", "structured output"
    REASONING = "reasoning", "reasoning"


def _text_only() -> list[str]:
    return [Capability.TEXT]


class ModelProfile(EditableRecord):
    """A model of a provider with the parameters it is asked with.

    `parameters` are arguments of the LangChain chat model (temperature, max_tokens, …), those of
    `PROFILE_PARAMETERS`; with `"disable_streaming": true` its answers come in one piece.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="profiles")
    model = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict, blank=True)
    context_window = models.PositiveIntegerField(null=True, blank=True, help_text="tokens")
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    capabilities = models.JSONField(default=_text_only, blank=True)
    enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        ordering = ["provider__name", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "model"], name="llms_one_profile_per_provider_and_model"
            ),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="llms_one_default_profile"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Whoever may change a profile need not know the provider's key, nor send it anywhere."""
        told = self.capabilities
        if not isinstance(told, list) or not all(one in Capability.values for one in told):
            raise ValidationError({"capabilities": f"A list of these: {', '.join(Capability)}."})
        if not isinstance(self.parameters, dict):
            raise ValidationError({"parameters": 'Enter an object: {"name": value}.'})
        kind = self.provider.kind if self.provider_id else ""
        if refused := not_for_profiles(kind, self.parameters):
            raise ValidationError(
                {"parameters": f"A profile cannot set these: {', '.join(refused)}."}
            )
        if wrong := not_whole(self.parameters):
            raise ValidationError({"parameters": f"Give a whole number: {', '.join(wrong)}."})

    @property
    def name(self) -> str:
        """What callers write; the provider must be loaded (`select_related`)."""
        return f"{self.provider.name}:{self.model}"
