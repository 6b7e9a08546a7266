"""Providers, profiles, prices and calls for tests."""

import factory
from factory.django import DjangoModelFactory

from core import clock
from llms.catalogue import SINCE_EVER
from llms.models import CallStatus, Exactness, ModelCall, ModelPrice, ModelProfile, Provider
from tests.factories.accounts import UserFactory


class ProviderFactory(DjangoModelFactory[Provider]):
    """A provider that speaks OpenAI's language; nobody answers at its address."""

    class Meta:
        model = Provider

    name = factory.Sequence(lambda n: f"provider{n}")
    kind = "openai"
    base_url = "http://127.0.0.1:9/v1"
    api_key = "sk-secret-of-the-tests"


class ProfileFactory(DjangoModelFactory[ModelProfile]):
    class Meta:
        model = ModelProfile

    provider = factory.SubFactory(ProviderFactory)
    model = factory.Sequence(lambda n: f"model-{n}")
    context_window = 128_000
    max_output_tokens = 4_000
    capabilities = factory.LazyFunction(lambda: ["text", "tools"])


class PriceFactory(DjangoModelFactory[ModelPrice]):
    """$1 a million tokens in, $2 out, since ever."""

    class Meta:
        model = ModelPrice

    provider_kind = "openai"
    model = factory.Sequence(lambda n: f"model-{n}")
    effective_from = SINCE_EVER
    input_nano_usd_per_mtok = 1_000_000_000
    output_nano_usd_per_mtok = 2_000_000_000
    source = "test"


class CallFactory(DjangoModelFactory[ModelCall]):
    """A settled, metered call of 10 tokens in and 5 out."""

    class Meta:
        model = ModelCall

    origin = factory.Sequence(lambda n: f"execution:00000000-0000-7000-8000-{n:012d}")
    user = factory.SubFactory(UserFactory)
    provider = "provider"
    provider_kind = "openai"
    model = "model"
    node = "model"
    visit = 1
    call_index = 0
    attempt = 1
    status = CallStatus.SUCCEEDED
    exactness = Exactness.METERED
    input_tokens = 10
    cache_read_tokens = cache_write_tokens = reasoning_tokens = 0
    output_tokens = 5
    total_tokens = 15
    cost_nano_usd = 20_000
    request_hash = "0" * 64
    answer = factory.LazyFunction(lambda: {"text": "yes", "reasoning": "", "tool_calls": []})
    started_at = factory.LazyFunction(clock.now)
    settled_at = factory.LazyFunction(clock.now)
    latency_ms = 12
    first_token_ms = 3
    finish_reason = "stop"
