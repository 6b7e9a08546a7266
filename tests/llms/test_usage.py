"""Usage as real providers tell it."""

import pytest

from llms.usage import NOTHING, Usage, completed, merge_usage, read_usage


def test_nothing_told_is_not_zero() -> None:
    assert read_usage(None) is None
    assert read_usage({}) is None


@pytest.mark.parametrize("nonsense", [-5, 1.5, "7"])
def test_what_is_no_number_of_tokens_is_not_zero(nonsense: object) -> None:
    told = {"input_tokens": nonsense, "output_tokens": nonsense, "total_tokens": nonsense}
    assert read_usage(told) is None


def test_more_than_any_call_can_use_is_not_believed() -> None:
    told = {"input_tokens": 2**62, "output_tokens": 1, "total_tokens": 2**62 + 1}
    assert read_usage(told) is None
    details = {"input_token_details": {"cache_read": 10**400}}
    assert read_usage({"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}) is None


def test_ollama_has_no_details() -> None:
    told = {"input_tokens": 26, "output_tokens": 290, "total_tokens": 316}
    assert read_usage(told) == Usage(26, 0, 0, 290, 0)


def test_gemini_counts_cached_and_thoughts_inside() -> None:
    told = {
        "input_tokens": 1000,
        "output_tokens": 300,
        "total_tokens": 1300,
        "input_token_details": {"cache_read": 800},
        "output_token_details": {"reasoning": 100},
    }
    assert read_usage(told) == Usage(200, 800, 0, 200, 100)


def test_xai_counts_reasoning_beside_the_output() -> None:
    told = {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 420,
        "output_token_details": {"reasoning": 300},
    }
    assert read_usage(told) == Usage(100, 0, 0, 20, 300)


def test_tokens_of_the_total_that_nobody_named_are_output() -> None:
    told = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 420}
    assert read_usage(told) == Usage(100, 0, 0, 320, 0)


def test_a_total_smaller_than_its_parts_is_not_believed() -> None:
    told = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 0}
    usage = read_usage(told)
    assert usage is not None
    assert usage.total == 120


def test_more_cached_than_read_cannot_be_inside() -> None:
    told = {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "input_token_details": {"cache_read": 800},
    }
    assert read_usage(told) == Usage(10, 800, 0, 5, 0)


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_a_service_tier_has_a_price_of_its_own(tier: str) -> None:
    told = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "input_token_details": {f"{tier}_cache_read": 40, tier: 60},
        "output_token_details": {f"{tier}_reasoning": 30, tier: 20},
    }
    assert read_usage(told) == Usage(60, 40, 0, 20, 30, billing=tier)


def test_what_is_missing_of_the_total_is_the_prompt_if_none_was_told() -> None:
    told = {"input_tokens": 0, "output_tokens": 20, "total_tokens": 120}
    assert read_usage(told) == Usage(100, 0, 0, 20, 0)


GUESS = Usage(12, None, None, 4, None)


@pytest.mark.parametrize(
    ("told", "answers", "whole"),
    [
        (NOTHING, True, GUESS),
        (NOTHING, False, GUESS),
        (Usage(0, 0, 0, 7, 2), True, Usage(12, None, None, 7, 2)),
        (Usage(30, 0, 0, 0, 0), True, Usage(30, 0, 0, 4, None)),
        (Usage(10, 20, 0, 0, 0), True, Usage(10, 20, 0, 4, None)),
    ],
)
def test_no_prompt_is_empty_and_nothing_is_said_without_a_token(
    told: Usage, answers: bool, whole: Usage
) -> None:
    assert completed(told, lambda: GUESS, answers=answers) == whole


@pytest.mark.parametrize(
    ("told", "answers"),
    [
        (Usage(30, 0, 0, 7, 0), True),
        (Usage(0, 5, 0, 7, 0), True),
        (Usage(0, 0, 5, 0, 7), True),
        (Usage(30, 0, 0, 0, 0), False),
    ],
)
def test_what_was_told_stands(told: Usage, answers: bool) -> None:
    assert completed(told, lambda: GUESS, answers=answers) is told


@pytest.mark.parametrize("kind", ["openai", "google_genai"])
def test_zeros_at_the_end_do_not_take_back_what_was_told(kind: str) -> None:
    told = {"input_tokens": 20, "output_tokens": 7, "total_tokens": 27}
    assert merge_usage(told, dict.fromkeys(told, 0), kind) == told
