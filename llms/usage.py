"""What a provider says it used → five disjoint categories (pure).

OpenAI, Gemini and Ollama count cached tokens inside the input and reasoning inside the output;
Anthropic counts cached tokens beside the input (LangChain adds them up again, and moves cache
writes to keys of their own); xAI and Gemini's OpenAI-compatible door count reasoning beside the
output.
Which one it was shows in the total, so the total decides and not the provider's name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Their packages turn running totals into increments, as LangChain's message addition expects.
_INCREMENTAL_KINDS = frozenset({"google_genai", "google_vertexai", "perplexity"})

# Billed at rates of their own, which no list price covers.
_SPECIAL_TIERS = ("priority", "flex")
_NO_DETAILS: Mapping[str, Any] = {}
_NOTHING_ASKED: Mapping[str, Any] = {}
_HOUR_LONG_CACHE = "ephemeral_1h_input_tokens"
_FIVE_MINUTE_CACHE = "ephemeral_5m_input_tokens"
_COUNTED = ("input_tokens", "output_tokens", "total_tokens")
MOST_TOKENS = 10**9  # of one call; sums of more would burst the columns of everybody's totals


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. No token is in two categories; None is unknown.

    `billing` names a way of billing that list prices do not cover: priority, flex, audio,
    cache_write_1h, inference_geo. Such a call has tokens but no known price.
    """

    input: int | None
    cache_read: int | None
    cache_write: int | None
    output: int | None
    reasoning: int | None
    billing: str = ""

    @property
    def total(self) -> int:
        return self.prompt + (self.output or 0) + (self.reasoning or 0)

    @property
    def prompt(self) -> int:
        """All that was read, from cache or not."""
        return (self.input or 0) + (self.cache_read or 0) + (self.cache_write or 0)


NOTHING = Usage(0, 0, 0, 0, 0)


def read_usage(
    metadata: Mapping[str, Any] | None, parameters: Mapping[str, Any] = _NOTHING_ASKED
) -> Usage | None:
    """Split LangChain's `usage_metadata`; None where the provider said nothing one could believe.

    `parameters` are those it was asked with, for what Anthropic does not tell, or tells of a stream
    in an event that LangChain does not pass on: where it reckons, how long its cache keeps.
    The sum is the provider's total; where that is less than its own parts, it is the sum of these.
    Tokens of the total that stand in no category are the input where that was left out, for no
    prompt is empty; else they are thoughts, as a rule, and billed as output.
    """
    if not metadata or _most_of(metadata) > MOST_TOKENS:
        return None
    if not any(_is_count(metadata.get(name)) for name in _COUNTED):
        return None
    details_in = metadata.get("input_token_details") or _NO_DETAILS
    details_out = metadata.get("output_token_details") or _NO_DETAILS
    said_in, said_out = _count(metadata, "input_tokens"), _count(metadata, "output_tokens")
    cache_read = cache_write = reasoning = 0
    if details_in:
        cache_read, cache_write = _detail(details_in, "cache_read"), _written_to_cache(details_in)
    if details_out:
        reasoning = _detail(details_out, "reasoning")
    total = _count(metadata, "total_tokens")
    cached = cache_read + cache_write
    cache_beside, reasoning_beside = _beside(said_in, said_out, total, cached, reasoning)
    fresh = said_in if cache_beside else said_in - cached
    shown = said_out if reasoning_beside else said_out - reasoning
    unnamed = max(0, total - (fresh + cached + shown + reasoning))
    lacks_input = not (fresh or cached)
    return Usage(
        input=fresh + unnamed * lacks_input,
        cache_read=cache_read,
        cache_write=cache_write,
        output=shown + unnamed * (not lacks_input),
        reasoning=reasoning,
        billing=_billing(details_in, details_out) or _asked_billing(details_in, parameters),
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _most_of(told: Mapping[str, Any]) -> int:
    """The largest number that is told."""
    inner = (_most_of(value) for value in told.values() if isinstance(value, Mapping))
    return max([*(_count(told, name) for name in told), *inner], default=0)


def merge_usage(
    so_far: Mapping[str, Any] | None, told: Mapping[str, Any], provider_kind: str
) -> Mapping[str, Any]:
    """What is known after one more chunk told its usage.

    Most providers tell it once, or tell running totals: the last word counts, and adding them up
    would count tokens twice. A few packages give increments. Zeros alone say nothing.
    """
    if so_far is not None and not _most_of(told):
        return so_far
    if so_far is None or provider_kind not in _INCREMENTAL_KINDS:
        return told
    return _added(so_far, told)


def completed(told: Usage, guess: Callable[[], Usage], *, answers: bool) -> Usage:
    """What was told, with a guess for what was left out; `told` itself where nothing was.

    LangChain makes 0 of null, and servers tell 0 of what they did not count, or had in a cache of
    their own. But no prompt is empty, and nothing is said (`answers`) without a token.
    """
    if not told.total:
        return guess()
    if not told.prompt:
        guessed = guess()
        return replace(told, input=guessed.input, cache_read=None, cache_write=None)
    if answers and not (told.output or told.reasoning):
        guessed = guess()
        return replace(told, output=guessed.output, reasoning=guessed.reasoning)
    return told


def _beside(
    said_in: int, said_out: int, total: int, cached: int, reasoning: int
) -> tuple[bool, bool]:
    """Whether cached tokens, and whether reasoning, come on top of what was said.

    More of them than was said must; what the total holds beside tells of the others.
    """
    cache, thought = cached > said_in, reasoning > said_out
    surplus = total - said_in - said_out - cached * cache - reasoning * thought
    if not cache and not thought and 0 < cached + reasoning == surplus:
        return cached > 0, reasoning > 0
    if not cache and 0 < cached == surplus:
        return True, thought
    return cache, thought or 0 < reasoning == surplus


def _written_to_cache(details: Mapping[str, Any]) -> int:
    """LangChain zeroes the general key where it gives the two of Anthropic's lifetimes."""
    by_lifetime = _count(details, _FIVE_MINUTE_CACHE) + _count(details, _HOUR_LONG_CACHE)
    return by_lifetime or _detail(details, "cache_creation")


def _detail(details: Mapping[str, Any], name: str) -> int:
    """A detail under its name, or under its name with a service tier before it."""
    if name in details:
        return _count(details, name)
    return max(_count(details, f"{tier}_{name}") for tier in _SPECIAL_TIERS)


def _billing(details_in: Mapping[str, Any], details_out: Mapping[str, Any]) -> str:
    for tier in _SPECIAL_TIERS:
        if tier in details_in or tier in details_out:
            return tier
    if _count(details_in, "audio") or _count(details_out, "audio"):
        return "audio"
    return "cache_write_1h" if _count(details_in, _HOUR_LONG_CACHE) else ""


def _asked_billing(details_in: Mapping[str, Any], parameters: Mapping[str, Any]) -> str:
    if parameters.get("inference_geo") not in (None, "global"):
        return "inference_geo"
    split = details_in.keys() & {_HOUR_LONG_CACHE, _FIVE_MINUTE_CACHE}
    hour_long = not split and _written_to_cache(details_in) and _wants_hour_long_cache(parameters)
    return "cache_write_1h" if hour_long else ""


def _wants_hour_long_cache(asked: Any) -> bool:
    """Whether there is `{"ttl": "1h"}` anywhere."""
    if isinstance(asked, Mapping):
        return asked.get("ttl") == "1h" or any(map(_wants_hour_long_cache, asked.values()))
    return isinstance(asked, list) and any(map(_wants_hour_long_cache, asked))


def _count(counts: Mapping[str, Any], name: str) -> int:
    value = counts.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _added(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(left)
    for name, value in right.items():
        if isinstance(value, Mapping):
            both[name] = _added(both.get(name) or {}, value)
        elif isinstance(value, int):
            both[name] = (both.get(name) or 0) + value
    return both
