"""Finding the model that a caller names."""

import time
from typing import Any

from llms.errors import UnknownModel
from llms.models import ModelPrice, ModelProfile
from llms.pricing import Rates
from llms.profiles import ProfileSpec
from llms.querysets import User

_KEPT_S = 2.0
_MOST_KEPT = 1000
_known: dict[tuple[str, Any], tuple[float, ProfileSpec]] = {}


def resolve_profile(name: str, user: User) -> ProfileSpec:
    """The model of this name ("provider:model"; "" is the default), if `user` may use it.

    Kept in the process for 2 s, for the hot path asks for the same few: a change made in another
    process, a new price too, is seen that much later. Raises UnknownModel.
    """
    kept = kept_profile(name, user.pk)
    if kept is not None:
        return kept
    spec = _resolve(name, user)
    if len(_known) >= _MOST_KEPT:
        _known.clear()
    _known[name, user.pk] = (time.monotonic(), spec)
    return spec


def kept_profile(name: str, user_id: Any) -> ProfileSpec | None:
    """What `resolve_profile` found within 2 s, without the database: for event loops."""
    kept = _known.get((name, user_id))
    if kept is None or time.monotonic() - kept[0] >= _KEPT_S:
        return None
    return kept[1]


def forget_profiles() -> None:
    """Look again: a provider, a profile or a price has changed."""
    _known.clear()


def _resolve(name: str, user: User) -> ProfileSpec:
    profiles = ModelProfile.objects.usable_by(user).select_related("provider")
    if name:
        provider, _, model = name.partition(":")
        found = profiles.filter(provider__name=provider, model=model).first()
    else:
        found = profiles.filter(is_default=True).first()
    if found is None:
        raise UnknownModel(model=name or "default")
    return spec_of(found)


def spec_of(profile: ModelProfile) -> ProfileSpec:
    """All a call needs; the provider must be loaded. One query for the prices."""
    provider = profile.provider
    prices = ModelPrice.objects.filter(provider_kind=provider.kind, model=profile.model)
    return ProfileSpec(
        id=profile.pk,
        provider=provider.name,
        provider_kind=provider.kind,
        model=profile.model,
        base_url=provider.base_url,
        api_key=provider.api_key,
        parameters=profile.parameters,
        context_window=profile.context_window,
        max_output_tokens=profile.max_output_tokens,
        capabilities=tuple(profile.capabilities),
        prices=tuple(rates_of(price) for price in prices),
    )


def rates_of(price: ModelPrice) -> Rates:
    return Rates(
        id=price.pk,
        effective_from=price.effective_from,
        above_input_tokens=price.above_input_tokens,
        input=price.input_nano_usd_per_mtok,
        cache_read=price.cache_read_nano_usd_per_mtok,
        cache_write=price.cache_write_nano_usd_per_mtok,
        output=price.output_nano_usd_per_mtok,
        reasoning=price.reasoning_nano_usd_per_mtok,
    )
