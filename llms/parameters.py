"""What a call is asked with: the profile's parameters, and the caller's over them (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any

from llms.profiles import ProfileSpec

# What a caller may set for one call. Anything else (addresses, headers, proxies) is an
# administrator's to set, in the profile: it decides where our key is sent.
CALLER_PARAMETERS = frozenset(
    {
        "delay_ms_per_word",
        "disable_streaming",
        "effort",
        "frequency_penalty",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "num_predict",
        "presence_penalty",
        "reasoning_effort",
        "seed",
        "stop",
        "temperature",
        "thinking",
        "top_k",
        "top_p",
        "verbosity",
    }
)

# What LangChain's classes for these kinds of providers have no field for: it would be refused, or
# be lost on the way.
_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
_UNKNOWN: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("anthropic", "anthropic_bedrock", "bedrock_mantle_anthropic", "google_anthropic_vertex"),
        _PENALTIES | {"seed"},
    ),
    "bedrock_converse": _PENALTIES | {"seed"},
    "ollama": _PENALTIES,
}
# The other name by which a profile may set the same.
_ALSO_CALLED = {"stop": "stop_sequences"}


def not_taken(provider_kind: str, names: Iterable[str]) -> list[str]:
    """Those of these parameters that this kind of provider does not know: it is not sent them."""
    unknown = _UNKNOWN.get(provider_kind, frozenset())
    return [name for name in names if name in unknown]


def taken(provider_kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller asks for, without what this kind of provider does not know."""
    left_out = not_taken(provider_kind, asked)
    return {name: value for name, value in asked.items() if name not in left_out}


def combined(profile: ProfileSpec, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The profile's parameters, with these in place of what they name."""
    replaced = {_ALSO_CALLED[name] for name in asked if name in _ALSO_CALLED}
    kept = {name: value for name, value in profile.parameters.items() if name not in replaced}
    return {**kept, **asked}


def told_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """For the ledger: an administrator's others (headers, say) may hold secrets, so only named."""
    return {name: value if name in CALLER_PARAMETERS else "…" for name, value in parameters.items()}
