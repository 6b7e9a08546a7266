"""Providers, profiles, prices and the ledger in the back office."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.admin_mixin import AuditedAdmin
from core import clock
from core.back_office import ToldToChangers, execution_link
from core.long_lists import KnownValues, LongList, Made
from core.money import dollars_text
from core.secrets import is_kept
from llms import catalogue
from llms.models import ModelCall, ModelPrice, ModelProfile, Provider, Source
from llms.pricing import nano_rate
from llms.services.profiles import forget_profiles
from llms.services.providers import ModelSwitchedOff, choose_default, make_default

RATES = ("input", "cache_read", "cache_write", "output", "reasoning")


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    base_url = forms.URLField(
        required=False,
        assume_scheme="https",
        help_text=Provider._meta.get_field("base_url").help_text,
    )
    new_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput,
        help_text="Stored encrypted and never shown again. Leave empty to keep the one there is; "
        "at another address give it again.",
    )
    remove_key = forms.BooleanField(label="Remove the key", required=False)

    class Meta:
        model = Provider
        fields = ("name", "kind", "base_url", "enabled")

    def clean(self) -> dict[str, Any]:
        """Who does not know the key cannot have it sent elsewhere."""
        cleaned = super().clean() or self.cleaned_data
        moved = {"kind", "base_url"} & {*self.changed_data}
        given = cleaned.get("new_key") or cleaned["remove_key"]
        if moved and is_kept(self.instance, "api_key") and not given:
            self.add_error("new_key", "Give the key again: it is to be sent to another address.")
        return cleaned

    def save(self, commit: bool = True) -> Provider:
        if self.cleaned_data["remove_key"]:
            self.instance.api_key = ""
        if self.cleaned_data["new_key"]:
            self.instance.api_key = self.cleaned_data["new_key"]
        saved: Provider = super().save(commit)
        return saved


class ChangesWhoAnswers(AuditedAdmin):
    """After any change there is a default that can answer, and nobody is kept who cannot."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            choose_default()
        forget_profiles()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            super().delete_model(request, obj)
            choose_default()
        forget_profiles()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            choose_default()
        forget_profiles()


@admin.register(Provider)
class ProviderAdmin(ChangesWhoAnswers, ToldToChangers, admin.ModelAdmin):  # type: ignore[type-arg]
    form = ProviderForm
    last_fields = ("name", "kind", "base_url")
    list_display = ("name", "kind", "address", "has_key", "enabled", "source")
    list_filter = ("kind", "enabled", "source")
    search_fields = ("name", "kind")
    told_to_changers = ("base_url",)  # what stands beside the host may be a key

    @admin.display(description="address")
    def address(self, provider: Provider) -> str:
        return provider.address or "the provider's own"

    @admin.display(description="key", boolean=True)
    def has_key(self, provider: Provider) -> bool:
        return is_kept(provider, "api_key")


@admin.register(ModelProfile)
class ModelProfileAdmin(ChangesWhoAnswers, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "is_default", "enabled", "priced", "context_window", "capabilities")
    list_filter = ("provider", "enabled")
    search_fields = ("model", "provider__name")
    readonly_fields = ("is_default",)
    last_fields = ("provider", "model")
    actions = ("answer_by_default",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelProfile]:
        return ModelProfile.objects.visible_to(request.user).for_list()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new name may have a price in the catalogue."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            catalogue.add_prices()

    @admin.display(description="priced", boolean=True)
    def priced(self, profile: Any) -> bool:
        return bool(profile.is_priced)

    @admin.action(description="Answer by default", permissions=["change"])
    def answer_by_default(self, request: HttpRequest, profiles: QuerySet[ModelProfile]) -> None:
        if len(profiles) != 1:
            self.message_user(request, "Choose exactly one model.", messages.ERROR)
            return
        try:
            make_default(profile=profiles[0], by=request.user)
        except ModelSwitchedOff as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, f"{profiles[0]} answers by default.", messages.SUCCESS)


def _rate() -> forms.DecimalField:
    return forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=6,
        help_text="Dollars per million tokens.",
    )


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    """Rates in dollars, as price lists tell them."""

    input, cache_read, cache_write, output, reasoning = (_rate() for _ in RATES)

    class Meta:
        model = ModelPrice
        fields = ("provider_kind", "model", "effective_from", "above_input_tokens")

    def clean(self) -> dict[str, Any]:
        for name in RATES:
            rate = self.cleaned_data.get(name)
            setattr(self.instance, _column(name), None if rate is None else nano_rate(rate))
        self.instance.source = Source.ADMIN
        self._check_tier()
        return self.cleaned_data

    def _check_tier(self) -> None:
        """The newest date is in force, so prompts below the only tier of it would have no price."""
        names = ("provider_kind", "model", "effective_from")
        key = {name: self.cleaned_data.get(name) for name in names}
        if not self.cleaned_data.get("above_input_tokens") or not all(key.values()):
            return
        if not ModelPrice.objects.filter(**key, above_input_tokens=0).exists():
            message = "Add the price above 0 tokens first, with the same beginning as this one."
            self.add_error("effective_from", message)


def _column(name: str) -> str:
    return f"{name}_nano_usd_per_mtok"


def _shown_rate(name: str) -> Any:
    """A column of the list: this rate in dollars."""

    @admin.display(description=f"{name.replace('_', ' ')} $/M", ordering=_column(name))
    def rate(self: Any, price: ModelPrice) -> str:
        return dollars_text(getattr(price, _column(name))) or "-"

    return rate


@admin.register(ModelPrice)
class ModelPriceAdmin(AuditedAdmin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Prices are added, never changed: a later one holds from its date on."""

    form = PriceForm
    list_display = (
        *("provider_kind", "model", "effective_from", "above_input_tokens"),
        *(f"shown_{name}" for name in RATES),
        "source",
    )
    list_filter = ("provider_kind", "source")
    search_fields = ("model",)
    date_hierarchy = "effective_from"
    shown_input, shown_cache_read, shown_cache_write, shown_output, shown_reasoning = (
        _shown_rate(name) for name in RATES
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"effective_from": clock.now(), "above_input_tokens": 0}

    def get_fields(self, request: HttpRequest, obj: ModelPrice | None = None) -> tuple[str, ...]:
        columns = RATES if obj is None else tuple(f"shown_{name}" for name in RATES)
        return ("provider_kind", "model", "effective_from", "above_input_tokens", *columns)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_profiles()


class ProviderFilter(KnownValues):
    title = parameter_name = "provider"

    def known(self) -> Iterable[str]:
        return Provider.objects.values_list("name", flat=True)


class ModelFilter(KnownValues):
    title = parameter_name = "model"

    def known(self) -> Iterable[str]:
        return ModelProfile.objects.values_list("model", flat=True)


@admin.register(ModelCall)
class ModelCallAdmin(LongList, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        *("started_at", "model_name", "purpose", "node", "attempt", "status", "exactness"),
        *("answered_by", "total_tokens", "cost", "latency_ms", "page"),
    )
    list_filter = (
        "status",
        "exactness",
        "answered_by",
        "purpose",
        ProviderFilter,
        ModelFilter,
        ("started_at", Made),
    )
    search_fields = ("origin", "id", "request_id", "provider_request_id")
    search_help_text = "An origin (execution:<id>), a request id, or the call's own id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelCall]:
        return ModelCall.objects.visible_to(request.user)

    @admin.display(description="model", ordering="model")
    def model_name(self, call: ModelCall) -> str:
        return f"{call.provider}:{call.model}"

    @admin.display(description="cost $", ordering="cost_nano_usd")
    def cost(self, call: ModelCall) -> str:
        return dollars_text(call.cost_nano_usd) or "unknown"

    @admin.display(description="page")
    def page(self, call: ModelCall) -> str:
        return execution_link(call.origin)
