"""What a call is asked with: the profile's parameters, and the caller's over them (pure)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llms.estimate import most_output
from llms.profiles import ProfileSpec

# What a caller may set for one call.
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

# What an administrator may set besides: how is asked and answered. Where a request goes, by which
# way, and with which key is the provider's to say, and only who knows the key may change it.
# Several answers (`n`, `candidate_count`) would all be billed, and bounds are of one.
PROFILE_PARAMETERS = CALLER_PARAMETERS | frozenset(
    {
        "api_version",
        "betas",
        "cache_control",
        "container",
        "context_management",
        "default_headers",
        "default_query",
        "disabled_params",
        "extra_body",
        "format",
        "include",
        "include_thoughts",
        "inference_geo",
        "keep_alive",
        "logit_bias",
        "logprobs",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_ctx",
        "num_gpu",
        "num_thread",
        "openai_api_version",
        "openai_organization",
        "organization",
        "output_config",
        "output_version",
        "prompt_cache_options",
        "random_seed",
        "reasoning",
        "reasoning_format",
        "repeat_last_n",
        "repeat_penalty",
        "response_mime_type",
        "response_modalities",
        "response_schema",
        "reuse_last_container",
        "safe_mode",
        "safe_prompt",
        "safety_settings",
        "service_tier",
        "stop_sequences",
        "store",
        "tfs_z",
        "thinking_budget",
        "thinking_level",
        "top_logprobs",
        "truncation",
        "use_previous_response_id",
        "use_responses_api",
        "user_profile_id",
    }
)
# More of the request's body, for SDKs that take no address with a request; LiteLLM takes one.
MORE_OF_THE_BODY = "model_kwargs"
_TAKE_MORE = frozenset({"anthropic", "azure_openai", "deepseek", "openai", "xai"})

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
# How parameters name the longest answer, and who knows one name alone: any other is overlooked, or
# refused, or, as OpenAI's own is by LangChain, put before it.
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "num_predict")
# How a body asks for several answers; with these and the limits it would pass over ours.
_SEVERAL = ("n", "best_of", "candidate_count", "num_return_sequences")
# Whose LangChain models take `max_tokens`, with a request too.
TAKE_MAX_TOKENS = frozenset(
    {"anthropic", "azure_openai", "deepseek", "demo", "fireworks", "groq", "mistralai", "openai"}
    | {"openrouter", "together", "xai"}
)
_ONE_LIMIT = {"ollama": "num_predict", **dict.fromkeys(TAKE_MAX_TOKENS, LIMITS[0])}
# What LangChain does not rename for them among the options of a request, as it does elsewhere.
_OPTION = {"azure_openai": "max_completion_tokens"}
# The other name by which a profile may set the same.
_ALSO_CALLED = {"stop": "stop_sequences"}


def not_for_profiles(provider_kind: str, parameters: Mapping[str, Any]) -> list[str]:
    """Those of these parameters that no profile of this kind of provider may set, sorted."""
    more = {MORE_OF_THE_BODY} if provider_kind in _TAKE_MORE else set()
    unbounded = {
        f"{body}.{name}"
        for body, fields in _bodies(parameters)
        for name in fields.keys() & {*LIMITS, *_SEVERAL}
    }
    return sorted(({*parameters} - PROFILE_PARAMETERS - more) | unbounded)


def _bodies(
    parameters: Mapping[str, Any], within: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is sent beside, in one another too: SDKs take the one as an argument with the other."""
    for name in ("extra_body", MORE_OF_THE_BODY):
        if isinstance(fields := parameters.get(name), Mapping):
            yield within + name, fields
            yield from _bodies(fields, f"{within}{name}.")


def not_whole(parameters: Mapping[str, Any]) -> list[str]:
    """Those that say how long answer and thoughts may be, and say so in no whole tokens; sorted."""
    told = {name: parameters.get(name) for name in LIMITS}
    if isinstance(thinking := parameters.get("thinking"), Mapping):
        told["thinking.budget_tokens"] = thinking.get("budget_tokens")
    return sorted(name for name, one in told.items() if one is not None and type(one) is not int)


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


def limit_option(provider_kind: str, most: int) -> dict[str, int]:
    """The longest answer as an option of one request; of those that `TAKE_MAX_TOKENS`."""
    return {_OPTION.get(provider_kind, LIMITS[0]): most}


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
