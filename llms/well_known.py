"""Models that a provider is registered with, the one to answer by default first.

Limits are those of the providers' model lists (November 2026). Administrators add others.
"""

from dataclasses import dataclass

_ALL = ("text", "tools", "structured_output")
_THINKS = (*_ALL, "reasoning")


@dataclass(frozen=True, slots=True)
class WellKnown:
    model: str
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = _THINKS


WELL_KNOWN: dict[str, tuple[WellKnown, ...]] = {
    "openai": (
        WellKnown("gpt-5-mini", 400_000, 128_000),
        WellKnown("gpt-5", 400_000, 128_000),
        WellKnown("gpt-5-nano", 400_000, 128_000),
        WellKnown("gpt-5.4", 1_050_000, 128_000),
        WellKnown("gpt-5.4-mini", 400_000, 128_000),
        WellKnown("gpt-6.1-sol", 1_050_000, 128_000),
        WellKnown("gpt-6.1-terra", 1_050_000, 128_000),
        WellKnown("gpt-4.1-mini", 1_047_576, 32_768, _ALL),
        WellKnown("gpt-4o", 128_000, 16_384, _ALL),
        WellKnown("gpt-4o-mini", 128_000, 16_384, _ALL),
    ),
    "anthropic": (
        WellKnown("claude-sonnet-5-5", 1_000_000, 128_000),
        WellKnown("claude-opus-5-5", 1_000_000, 128_000),
        WellKnown("claude-haiku-5-5", 1_000_000, 128_000),
        WellKnown("claude-sonnet-4-5", 200_000, 64_000),
        WellKnown("claude-haiku-4-5", 200_000, 64_000),
    ),
    "ollama": (
        WellKnown("llama3.2", 128_000, None, ("text", "tools")),
        WellKnown("qwen3", 40_960, None, ("text", "tools", "reasoning")),
    ),
    "demo": (WellKnown("chatter-demo", 128_000, 5_000, ("text", "tools", "reasoning")),),
}
