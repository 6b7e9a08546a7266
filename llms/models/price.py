"""What tokens cost, from when on."""

from django.db import models
from django.db.models import Q

from core.models import Record

_RATE = "nano-dollars per million tokens; empty: as the category it belongs to"


class ModelPrice(Record):
    """Rates of a model from an instant on, for prompts above a size. Written once, never changed.

    An empty `cache_read` or `cache_write` rate means the `input` rate, an empty `reasoning` rate
    the `output` rate; an empty `input` or `output` rate is unknown. Tiers of one model share
    `effective_from`; the one with the largest `above_input_tokens` that the prompt exceeds prices
    the whole call.
    """

    provider_kind = models.CharField(max_length=64)
    model = models.CharField(max_length=200)
    effective_from = models.DateTimeField()
    above_input_tokens = models.PositiveIntegerField(default=0)
    input_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True, help_text=_RATE)
    cache_read_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True, help_text=_RATE)
    cache_write_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True, help_text=_RATE)
    output_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True, help_text=_RATE)
    reasoning_nano_usd_per_mtok = models.BigIntegerField(null=True, blank=True, help_text=_RATE)
    source = models.CharField(max_length=100, help_text="Where the rates were read.")

    class Meta:
        ordering = ["provider_kind", "model", "-effective_from", "above_input_tokens"]
        default_permissions = ("add", "view")
        constraints = [
            models.UniqueConstraint(
                fields=["provider_kind", "model", "effective_from", "above_input_tokens"],
                name="llms_one_price_per_instant_and_tier",
            ),
            models.CheckConstraint(
                condition=Q(input_nano_usd_per_mtok__gte=0)
                | Q(input_nano_usd_per_mtok__isnull=True),
                name="llms_input_rate_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(output_nano_usd_per_mtok__gte=0)
                | Q(output_nano_usd_per_mtok__isnull=True),
                name="llms_output_rate_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_kind}:{self.model} from {self.effective_from:%Y-%m-%d}"
