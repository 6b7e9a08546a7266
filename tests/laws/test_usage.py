"""Whatever convention a provider counts by, categories are disjoint and add up to its total."""

from typing import Any

from anthropic.types import MessageDeltaUsage
from anthropic.types import Usage as AnthropicUsage
from hypothesis import example, given
from hypothesis import strategies as st
from langchain_anthropic.chat_models import _create_usage_metadata as anthropic_metadata
from langchain_openai.chat_models.base import _create_usage_metadata as openai_metadata
from langchain_openai.chat_models.base import _create_usage_metadata_responses as responses_metadata

from llms.usage import Usage, merge_usage, read_usage

counts = st.integers(0, 3) | st.integers(0, 2_000_000)  # small ones are equal often
kinds = st.sampled_from(["openai", "anthropic", "google_genai", "ollama", "demo"])
truths = st.builds(Usage, counts, counts, counts, counts, counts)


def categories(usage: Usage | None) -> tuple[int | None, ...]:
    assert usage is not None
    return (usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning)


def openai_body(truth: Usage, prompt: str, completion: str) -> dict[str, Any]:
    """Cached inside prompt, reasoning inside completion."""
    written = (truth.output or 0) + (truth.reasoning or 0)
    return {
        prompt: truth.prompt,
        completion: written,
        "total_tokens": truth.total,
        f"{prompt}_details": {
            "cached_tokens": truth.cache_read,
            "cache_write_tokens": truth.cache_write,
        },
        f"{completion}_details": {"reasoning_tokens": truth.reasoning},
    }


@given(truths)
def test_openai_counts_cached_and_reasoning_inside(truth: Usage) -> None:
    told = openai_metadata(openai_body(truth, "prompt_tokens", "completion_tokens"))
    assert categories(read_usage(told)) == categories(truth)


@given(truths)
def test_openai_responses_count_alike(truth: Usage) -> None:
    told = responses_metadata(openai_body(truth, "input_tokens", "output_tokens"))
    assert categories(read_usage(told)) == categories(truth)


@given(truths, st.integers(0, 100))
def test_anthropic_counts_cache_beside_the_input(truth: Usage, percent: int) -> None:
    hour_long = (truth.cache_write or 0) * percent // 100
    told = AnthropicUsage.model_validate(
        {
            "input_tokens": truth.input,
            "cache_read_input_tokens": truth.cache_read,
            "cache_creation_input_tokens": truth.cache_write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": (truth.cache_write or 0) - hour_long,
                "ephemeral_1h_input_tokens": hour_long,
            },
            "output_tokens": (truth.output or 0) + (truth.reasoning or 0),
            "output_tokens_details": {"thinking_tokens": truth.reasoning},
        }
    )
    usage = read_usage(anthropic_metadata(told))
    assert categories(usage) == categories(truth)
    assert usage is not None
    assert usage.billing == ("cache_write_1h" if hour_long else "")


@given(truths)
def test_anthropic_streams_without_the_split_of_cache_writes(truth: Usage) -> None:
    told = MessageDeltaUsage.model_validate(
        {
            "input_tokens": truth.input,
            "cache_read_input_tokens": truth.cache_read,
            "cache_creation_input_tokens": truth.cache_write,
            "output_tokens": (truth.output or 0) + (truth.reasoning or 0),
            "output_tokens_details": {"thinking_tokens": truth.reasoning},
        }
    )
    assert categories(read_usage(anthropic_metadata(told))) == categories(truth)


@given(truths, st.booleans(), st.booleans())
@example(Usage(0, 0, 1, 0, 1), False, True)
def test_every_convention_adds_up_to_the_providers_total(
    truth: Usage, cache_beside: bool, reasoning_beside: bool
) -> None:
    cached = (truth.cache_read or 0) + (truth.cache_write or 0)
    told = {
        "input_tokens": truth.prompt - (cached if cache_beside else 0),
        "output_tokens": (truth.output or 0) + (0 if reasoning_beside else truth.reasoning or 0),
        "total_tokens": truth.total,
        "input_token_details": {
            "cache_read": truth.cache_read,
            "cache_creation": truth.cache_write,
        },
        "output_token_details": {"reasoning": truth.reasoning},
    }
    usage = read_usage(told)
    assert usage is not None
    assert usage.total == truth.total
    assert min(number or 0 for number in categories(usage)) >= 0
    assert (usage.cache_read, usage.cache_write) == (truth.cache_read, truth.cache_write)
    assert usage.reasoning == truth.reasoning


numbers = st.one_of(st.none(), st.integers(-5, 1000), st.sampled_from(["", "7", 1.5]))
details = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(
            ["cache_read", "cache_creation", "reasoning", "audio", "flex", "flex_cache_read"]
        ),
        numbers,
    ),
)
anything = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": numbers,
        "output_tokens": numbers,
        "total_tokens": numbers,
        "input_token_details": details,
        "output_token_details": details,
    },
)


@given(anything)
def test_nonsense_never_makes_a_negative_number_or_loses_tokens(told: dict[str, Any]) -> None:
    usage = read_usage(told)
    if usage is None:
        said = [told.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")]
        assert not any(isinstance(one, int) and one >= 0 for one in said)
        return
    assert all(number is not None and number >= 0 for number in categories(usage))
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        said = told.get(name)
        assert usage.total >= (said if isinstance(said, int) else 0)


@given(truths, kinds, st.integers(1, 5))
def test_chunks_that_tell_usage_again_and_again_count_once(
    truth: Usage, kind: str, chunks: int
) -> None:
    """Running totals for most; increments for the packages that make increments of them."""
    body = openai_metadata(openai_body(truth, "prompt_tokens", "completion_tokens"))
    told: Any = None
    for at in range(chunks):
        step = body
        if kind == "google_genai":
            step = body if at == 0 else openai_metadata({})
        told = merge_usage(told, step, kind)
    usage = read_usage(told)
    assert usage is not None
    assert usage.total == truth.total
