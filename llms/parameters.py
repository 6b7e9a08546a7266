"""What a call is asked with: the profile's parameters, and the caller's over them (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any

from llms.estimate import most_output
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
# How parameters name the longest answer, and who knows one name alone and overlooks any other.
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")
_ONE_LIMIT = {"ollama": "num_predict"}
# The other name by which a profile may set the same.
_ALSO_CALLED = {"stop": "stop_sequences"}


def not_taken(provider_kind: str, names: Iterable[str]) -> list[str]:
    """Those of these parameters that this kind of provider does not know: it is not sent them."""
    unknown = _UNKNOWN.get(provider_kind, frozenset())
    return [name for name in names if name in unknown]


def accepted_parameters(provider_kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller asks for, without what this kind of provider does not know."""
    left_out = not_taken(provider_kind, asked)
    return {name: value for name, value in asked.items() if name not in left_out}


def merged_parameters(profile: ProfileSpec, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The profile's parameters, with these in place of what they name; named as its kind does."""
    replaced = {_ALSO_CALLED[name] for name in asked if name in _ALSO_CALLED}
    kept = {name: value for name, value in profile.parameters.items() if name not in replaced}
    kind = profile.provider_kind
    return {**_as_named_by(kind, kept), **_as_named_by(kind, asked)}


def limit_of(provider_kind: str) -> str:
    """How this kind of provider is told the longest answer."""
    return _ONE_LIMIT.get(provider_kind, LIMITS[0])


def _as_named_by(provider_kind: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    known = _ONE_LIMIT.get(provider_kind)
    limits = {name: parameters[name] for name in LIMITS if name in parameters}
    if known is None or not limits.keys() - {known}:
        return parameters
    others = {name: value for name, value in parameters.items() if name not in limits}
    return {**others, known: most_output(*limits.values())}


def ledger_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """For the ledger: an administrator's others (headers, say) may hold secrets, so only named."""
    return {name: value if name in CALLER_PARAMETERS else "…" for name, value in parameters.items()}
