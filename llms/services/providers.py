"""Providers that the environment names, the demo, and which model answers by default."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from audit.changes import changes_for_audit
from audit.record import record
from core.errors import Conflict
from llms.clients import DEMO, is_installed
from llms.models import ModelProfile, Provider, Source
from llms.services.profiles import forget_profiles
from llms.well_known import WELL_KNOWN


class ModelSwitchedOff(Conflict):
    code = "model_switched_off"
    message = "'{model}' cannot answer: it, or its provider, is switched off."


@transaction.atomic
def register_environment_providers() -> None:
    """Make the providers of `CHATTER_PROVIDERS` and the demo what they are to be, and a default.

    May run at every start: what is as it should be is left alone, and so are the profiles that
    administrators changed. A provider whose variables are gone is disabled.
    """
    _register(DEMO, Source.BUILTIN, url="", key="")
    for kind, given in settings.CHATTER_PROVIDERS.items():
        if _is_given(given):
            _register(kind, Source.ENVIRONMENT, url=given["url"], key=given["key"])
        else:
            _disable(kind)
    choose_default()
    forget_profiles()


@transaction.atomic
def choose_default() -> None:
    """Keep a usable default; the demo is one only while there is no real model."""
    usable = ModelProfile.objects.usable().select_related("provider")
    current = usable.filter(is_default=True).first()
    if current and not current.provider.is_demo:
        return
    demo = current or usable.filter(provider__kind=DEMO).first()
    chosen = next(_default_candidates(), demo)
    if chosen and chosen != current:
        make_default(profile=chosen)


@transaction.atomic
def make_default(*, profile: ModelProfile, by: Any = None) -> None:
    """Let this model answer where none is named, if it does not. Raises ModelSwitchedOff."""
    usable = ModelProfile.objects.usable().filter(pk=profile.pk)
    if not usable.exists():
        raise ModelSwitchedOff(model=profile.name)
    if usable.filter(is_default=True).exists():
        return
    before = ModelProfile.objects.filter(is_default=True).exclude(pk=profile.pk)
    names = [one.name for one in before.select_related("provider")]
    before.update(is_default=False)
    ModelProfile.objects.filter(pk=profile.pk).update(is_default=True)
    profile.is_default = True
    record(
        "llms.default_profile.changed",
        actor=by,
        target=profile,
        detail={"model": profile.name, "instead_of": names},
    )
    forget_profiles()


def _is_given(given: Mapping[str, str]) -> bool:
    return bool(given["key"] or given["url"])


def _register(kind: str, source: Source, *, url: str, key: str) -> None:
    wanted = {"base_url": url, "api_key": key, "enabled": True, "source": source}
    provider, created = Provider.objects.get_or_create(name=kind, defaults={"kind": kind, **wanted})
    if created:
        _add_profiles(provider)
        record("llms.provider.created", target=provider, detail={"kind": kind, "via": source.value})
        return
    if provider.source == Source.ADMIN:  # an administrator took the name for one of their own
        return
    before = {name: getattr(provider, name) for name in wanted}
    changed = [name for name, value in wanted.items() if before[name] != value]
    if source == Source.BUILTIN or not changed:
        return
    for name in changed:
        setattr(provider, name, wanted[name])
    provider.save(update_fields=[*changed, "updated_at"])
    told = changes_for_audit(before, wanted, secret=("api_key",), via=source.value)
    record("llms.provider.changed", target=provider, **told)


def _disable(kind: str) -> None:
    for provider in Provider.objects.filter(name=kind, source=Source.ENVIRONMENT, enabled=True):
        provider.enabled = False
        provider.save(update_fields=["enabled", "updated_at"])
        told = changes_for_audit(
            {"enabled": True}, {"enabled": False}, via=Source.ENVIRONMENT.value
        )
        record("llms.provider.changed", target=provider, **told)


def _add_profiles(provider: Provider) -> None:
    ModelProfile.objects.bulk_create(
        ModelProfile(
            provider=provider,
            model=known.model,
            context_window=known.context_window,
            max_output_tokens=known.max_output_tokens,
            capabilities=list(known.capabilities),
        )
        for known in WELL_KNOWN.get(provider.kind, ())
    )


def _default_candidates() -> Iterator[ModelProfile]:
    """Real models that can be called: those of the environment first, in `WELL_KNOWN`'s order."""
    ranks = {
        (kind, known.model): (at, place)
        for at, kind in enumerate(settings.CHATTER_PROVIDERS)
        for place, known in enumerate(WELL_KNOWN.get(kind, ()))
    }
    others = (len(ranks), 0)
    usable = ModelProfile.objects.usable().exclude(provider__kind=DEMO).select_related("provider")
    for profile in sorted(
        usable.order_by("id"),
        key=lambda one: ranks.get((one.provider.name, one.model), others),
    ):
        if is_installed(profile.provider.kind):
            yield profile
