"""The maintained price catalogue (genai-prices) → dated rows. Rows are added, never changed."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from django.db import transaction

from audit.record import record
from core import clock
from core.bulk import insert_rows
from core.models import new_id
from llms.models import ModelPrice, ModelProfile, Provider
from llms.pricing import nano_rate

# Our kinds of provider → the catalogue's ids.
CATALOGUE_IDS = {
    "anthropic": "anthropic",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_genai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "mistralai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
}
_INSTALLED_KINDS = frozenset({"openai", "anthropic"})
_COLUMNS = {
    "input_nano_usd_per_mtok": "input_mtok",
    "cache_read_nano_usd_per_mtok": "cache_read_mtok",
    "cache_write_nano_usd_per_mtok": "cache_write_mtok",
    "output_nano_usd_per_mtok": "output_mtok",
    "reasoning_nano_usd_per_mtok": "output_reasoning_mtok",
}
_DEMO = ("demo", "chatter-demo")

# A price the catalogue gives no date for holds from before any call.
SINCE_EVER = datetime(2020, 1, 1, tzinfo=UTC)

Rates = tuple[int | None, ...]  # in the order of _COLUMNS
Key = tuple[str, str]  # kind, model


@dataclass(frozen=True, slots=True)
class Dated:
    """All tiers of a price, from an instant on."""

    effective_from: datetime
    tiers: tuple[tuple[int, Rates], ...]  # (above_input_tokens, rates), ascending


@transaction.atomic
def add_prices() -> int:
    """Add what the catalogue says and we do not have; returns the number of new rows.

    For OpenAI and Anthropic, every kind of provider that is registered, and the demo. Prices that
    an administrator set stand: their models are left alone.
    """
    kinds = _INSTALLED_KINDS | set(Provider.objects.values_list("kind", flat=True))
    now, source = clock.now(), f"genai-prices {version('genai-prices')}"
    known = _known_prices(kinds | {_DEMO[0]})
    wanted = dict(_catalogued(kinds & CATALOGUE_IDS.keys()))
    wanted[_DEMO] = [Dated(SINCE_EVER, ((0, (0,) * len(_COLUMNS)),))]
    rows = [
        row
        for key, prices in wanted.items()
        for dated in _missing(known.get(key, []), prices, now)
        for row in _rows(key, dated, source)
    ]
    insert_rows(ModelPrice, rows)
    if rows:
        record("llms.prices.added", detail={"source": source, "rows": len(rows)})
    return len(rows)


def _missing(
    known: Sequence[tuple[Dated, str]], wanted: Sequence[Dated], now: datetime
) -> list[Dated]:
    """What to add so that the price in force is the catalogue's, and later ones are known."""
    if not known:
        return list(wanted)
    if any(not source.startswith("genai-prices") for _, source in known):
        return []
    dates = {dated.effective_from for dated, _ in known}
    later = [dated for dated in wanted if dated.effective_from > now]
    added = [dated for dated in later if dated.effective_from not in dates]
    ours, theirs = _in_force([dated for dated, _ in known], now), _in_force(wanted, now)
    if theirs and (ours is None or ours.tiers != theirs.tiers):
        since = theirs.effective_from
        newer = ours is None or since > ours.effective_from
        added.insert(0, Dated(since if newer and since not in dates else now, theirs.tiers))
    return added


def _in_force(prices: Sequence[Dated], at: datetime) -> Dated | None:
    begun = [dated for dated in prices if dated.effective_from <= at]
    return max(begun, key=lambda dated: dated.effective_from, default=None)


def _known_prices(kinds: Collection[str]) -> Mapping[Key, list[tuple[Dated, str]]]:
    """Our rows, tiers put together, each with its source."""
    tiers: dict[tuple[str, str, datetime, str], list[tuple[int, Rates]]] = defaultdict(list)
    rows: Any = ModelPrice.objects.filter(provider_kind__in=kinds).order_by("above_input_tokens")
    for row in rows.values():
        key = (row["provider_kind"], row["model"], row["effective_from"], row["source"])
        tiers[key].append((row["above_input_tokens"], tuple(row[name] for name in _COLUMNS)))
    known: dict[Key, list[tuple[Dated, str]]] = defaultdict(list)
    for (kind, model, since, source), rates in tiers.items():
        known[kind, model].append((Dated(since, tuple(rates)), source))
    return known


def _rows(key: Key, dated: Dated, source: str) -> Iterator[dict[str, Any]]:
    for above, rates in dated.tiers:
        yield {
            "id": new_id(),
            "provider_kind": key[0],
            "model": key[1],
            "effective_from": dated.effective_from,
            "above_input_tokens": above,
            "source": source,
            **dict(zip(_COLUMNS, rates, strict=True)),
        }


def _catalogued(kinds: Collection[str]) -> Iterator[tuple[Key, list[Dated]]]:
    """Every chat model of these kinds, and the names our profiles have for them."""
    from genai_prices.data import providers  # 26 MB and 0.5 s, for this command only

    by_id = {provider.id: provider for provider in providers}
    named = ModelProfile.objects.values_list("provider__kind", "model")
    for kind in kinds:
        catalogue = by_id[CATALOGUE_IDS[kind]]
        models = {info.id: info for info in catalogue.models}
        for profile_kind, name in named:
            if profile_kind == kind and name not in models:
                found = catalogue.find_model(name, all_providers=providers)
                models |= {name: found} if found else {}
        for name, info in models.items():
            if prices := list(_dated(info)):
                yield (kind, name), prices


def _dated(info: Any) -> Iterator[Dated]:
    """The prices of a model by date, without those that hold at some hours of the day only.

    Nothing for what is not billed by tokens alone, or not both ways: it stays unpriced.
    """
    prices = info.prices if isinstance(info.prices, list) else [info]
    for conditional in prices:
        constraint, price = getattr(conditional, "constraint", None), conditional.prices
        if hasattr(constraint, "start_time"):
            continue
        if price.requests_kcount or price.input_mtok is None or price.output_mtok is None:
            continue
        since = SINCE_EVER
        if constraint is not None:
            since = datetime.combine(constraint.start_date, time(), tzinfo=UTC)
        yield Dated(since, tuple(_tiers(price)))


def _tiers(price: Any) -> Iterator[tuple[int, Rates]]:
    told = [getattr(price, name) for name in _COLUMNS.values()]
    starts = {0} | {tier.start for one in told for tier in getattr(one, "tiers", ())}
    for start in sorted(starts):
        yield start, tuple(_rate(one, start) for one in told)


def _rate(told: Any, start: int) -> int | None:
    if told is None:
        return None
    if isinstance(told, Decimal):
        return nano_rate(told)
    reached = [tier.price for tier in told.tiers if tier.start <= start]
    return nano_rate(reached[-1] if reached else told.base)
