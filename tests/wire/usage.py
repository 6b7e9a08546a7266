"""What was billed, in disjoint categories, and how each API tells it."""

from dataclasses import dataclass
from typing import Any

TOKENS_PER_MESSAGE = 3


@dataclass(frozen=True, slots=True)
class Billed:
    """Tokens of one call; no token is in two categories, so their sum is the call's total."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0


def count_tokens(text: str) -> int:
    """Count one token per whitespace-separated word."""
    return len(text.split())


def count_messages(texts: list[str]) -> int:
    """Count the words of all messages, and three more for each message."""
    return sum(count_tokens(text) + TOKENS_PER_MESSAGE for text in texts)


def openai_usage(billed: Billed, *, bare: bool) -> dict[str, Any]:
    """Tell usage as Chat Completions does: each total includes its details.

    `cache_write_tokens` is there only when something was written, as older models leave it out.
    """
    prompt = billed.input + billed.cache_read + billed.cache_write
    completion = billed.output + billed.reasoning
    usage: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if bare:
        return usage
    usage["prompt_tokens_details"] = {"cached_tokens": billed.cache_read, "audio_tokens": 0}
    if billed.cache_write:
        usage["prompt_tokens_details"]["cache_write_tokens"] = billed.cache_write
    usage["completion_tokens_details"] = {
        "reasoning_tokens": billed.reasoning,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    return usage


def anthropic_usage(billed: Billed, *, ttl: str, bare: bool) -> dict[str, Any]:
    """Tell usage as Messages does in a whole message: input without cache, output with thinking."""
    if bare:
        return {"input_tokens": billed.input, "output_tokens": billed.output + billed.reasoning}
    return {
        **_anthropic_totals(billed),
        "cache_creation": {
            "ephemeral_5m_input_tokens": billed.cache_write if ttl == "5m" else 0,
            "ephemeral_1h_input_tokens": billed.cache_write if ttl == "1h" else 0,
        },
        "service_tier": "standard",
    }


def anthropic_delta_usage(billed: Billed, *, bare: bool) -> dict[str, Any]:
    """Tell usage as `message_delta` does: cumulative, cache writes not split by TTL."""
    if bare:
        return {"output_tokens": billed.output + billed.reasoning}
    return _anthropic_totals(billed)


def _anthropic_totals(billed: Billed) -> dict[str, Any]:
    return {
        "input_tokens": billed.input,
        "cache_creation_input_tokens": billed.cache_write,
        "cache_read_input_tokens": billed.cache_read,
        "output_tokens": billed.output + billed.reasoning,
        "output_tokens_details": {"thinking_tokens": billed.reasoning},
    }


def told(usage: dict[str, Any], *, nulls: bool) -> dict[str, Any]:
    """The same usage, or one with null in place of its numbers and of their details."""
    return dict.fromkeys(usage) if nulls else usage
