"""Prices come from the catalogue, by date and tier; rows are added and never changed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from audit.models import AuditEntry
from core import clock
from core.money import dollars_text
from llms import catalogue
from llms.catalogue import SINCE_EVER, add_prices
from llms.models import ModelPrice
from llms.pricing import Rates, cost_nano_usd, in_force, tier_for
from llms.services.profiles import rates_of
from llms.usage import Usage
from tests.factories.llms import PriceFactory, ProfileFactory, ProviderFactory

pytestmark = pytest.mark.django_db


def known(kind: str, model: str) -> list[Rates]:
    return [rates_of(row) for row in ModelPrice.objects.filter(provider_kind=kind, model=model)]


def cost(kind: str, model: str, usage: Usage, at: datetime | None = None) -> str | None:
    tiers = in_force(known(kind, model), at or clock.now())
    return dollars_text(cost_nano_usd(tier_for(tiers, usage.prompt), usage))


def snapshot() -> set[tuple[Any, ...]]:
    return set(ModelPrice.objects.values_list())


def test_the_rows_give_what_list_prices_give() -> None:
    add_prices()
    assert cost("openai", "gpt-5-mini", Usage(1000, 0, 0, 300, 0)) == "0.00085"
    assert cost("openai", "gpt-5-mini", Usage(200, 800, 0, 300, 0)) == "0.00067"
    assert cost("anthropic", "claude-sonnet-4-5", Usage(1000, 0, 0, 300, 0)) == "0.0075"
    assert cost("anthropic", "claude-sonnet-4-5", Usage(150, 800, 50, 300, 0)) == "0.0053775"
    assert cost("anthropic", "claude-sonnet-4-5", Usage(300_000, 0, 0, 300, 0)) == "1.80675"


def test_a_dated_price_holds_from_its_date() -> None:
    add_prices()
    before = datetime(2025, 6, 9, tzinfo=UTC)
    after = datetime(2025, 6, 11, tzinfo=UTC)
    assert cost("openai", "o3", Usage(1_000_000, 0, 0, 0, 0), before) == "10"
    assert cost("openai", "o3", Usage(1_000_000, 0, 0, 0, 0), after) == "2"


def test_the_demo_is_known_to_be_free() -> None:
    add_prices()
    assert cost("demo", "chatter-demo", Usage(10, 0, 0, 5, 3)) == "0"


def test_asking_again_adds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("update_prices")
    assert "price rows added" in capsys.readouterr().out
    before, entries = snapshot(), AuditEntry.objects.count()
    call_command("update_prices")
    assert capsys.readouterr().out == "No new prices.\n"
    assert snapshot() == before
    assert AuditEntry.objects.count() == entries


def test_new_prices_are_audited() -> None:
    added = add_prices()
    entry = AuditEntry.objects.get(action="llms.prices.added")
    assert entry.detail["rows"] == added


def test_a_changed_price_is_a_new_row_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    at_first = a_catalogue("1.00")
    monkeypatch.setattr(catalogue, "_catalogued", at_first)
    add_prices()
    old = snapshot()
    monkeypatch.setattr(catalogue, "_catalogued", a_catalogue("3.00"))
    started = clock.now()
    assert add_prices() == 1
    assert snapshot() > old
    newest = ModelPrice.objects.filter(model="m").latest("effective_from")
    assert newest.effective_from >= started
    assert newest.input_nano_usd_per_mtok == 3_000_000_000
    assert cost("openai", "m", Usage(1_000_000, 0, 0, 0, 0), started) == "1"
    assert cost("openai", "m", Usage(1_000_000, 0, 0, 0, 0)) == "3"
    assert add_prices() == 0


def test_an_announced_price_is_known_before_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_catalogued", a_catalogue("1.00"))
    add_prices()
    later = clock.now() + timedelta(days=30)
    monkeypatch.setattr(catalogue, "_catalogued", a_catalogue("1.00", announced=("2.00", later)))
    assert add_prices() == 1
    assert cost("openai", "m", Usage(1_000_000, 0, 0, 0, 0)) == "1"
    assert cost("openai", "m", Usage(1_000_000, 0, 0, 0, 0), later) == "2"
    assert add_prices() == 0


def test_what_an_administrator_set_stands() -> None:
    mine = PriceFactory(model="gpt-5-mini", source="admin", effective_from=clock.now())
    add_prices()
    assert [row.pk for row in ModelPrice.objects.filter(model="gpt-5-mini")] == [mine.pk]


def test_a_profiles_own_name_for_a_model_is_priced_too() -> None:
    openai = ProviderFactory(kind="openai")
    ProfileFactory(provider=openai, model="gpt-4o-mini-2024-07-18")
    ProfileFactory(provider=openai, model="llama-of-our-own")
    add_prices()
    assert cost("openai", "gpt-4o-mini-2024-07-18", Usage(1_000_000, 0, 0, 0, 0)) == "0.15"
    assert known("openai", "llama-of-our-own") == []


def test_only_kinds_that_are_in_use_are_listed() -> None:
    add_prices()
    assert not ModelPrice.objects.filter(provider_kind="groq").exists()
    ProviderFactory(kind="groq")
    add_prices()
    assert ModelPrice.objects.filter(provider_kind="groq").exists()


def test_what_is_not_billed_by_tokens_alone_stays_unpriced() -> None:
    ProviderFactory(kind="perplexity")
    add_prices()
    assert known("perplexity", "sonar-pro") == []
    assert known("openai", "text-embedding-3-small") == []


def a_catalogue(rate: str, announced: tuple[str, datetime] | None = None) -> Any:
    """A catalogue of one model."""

    def prices(input_mtok: str) -> Any:
        return SimpleNamespace(
            requests_kcount=None,
            input_mtok=Decimal(input_mtok),
            cache_read_mtok=None,
            cache_write_mtok=None,
            output_mtok=Decimal(0),
            output_reasoning_mtok=None,
        )

    def catalogued(kinds: Any) -> Any:
        dated = [catalogue.Dated(SINCE_EVER, tuple(catalogue._tiers(prices(rate))))]
        if announced:
            dated.append(
                catalogue.Dated(announced[1], tuple(catalogue._tiers(prices(announced[0]))))
            )
        yield ("openai", "m"), dated

    return catalogued
