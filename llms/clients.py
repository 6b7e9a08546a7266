"""The chat model of a profile: made by LangChain's `init_chat_model`, kept per event loop.

Provider packages take 2 to 5 s and up to 100 MB to import, so they are loaded on first use, in a
thread, and nothing here imports them with the module.
"""

import asyncio
import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from llms.errors import ProviderError
from llms.headers import client_options
from llms.overlong import bound
from llms.parameters import MORE_OF_THE_BODY, PROFILE_PARAMETERS
from llms.profiles import ProfileSpec
from llms.redirects import stay
from llms.unstreamed import as_stream

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

DEMO = "demo"

# Where a package's import name says too little to install it.
_PACKAGES = {
    "openai": "langchain-openai",
    "azure_openai": "langchain-openai",
    "google_genai": "langchain-google-genai",
    "google_vertexai": "langchain-google-vertexai",
    "bedrock": "langchain-aws",
    "bedrock_converse": "langchain-aws",
    "nvidia": "langchain-nvidia-ai-endpoints",
}

# Without an address or a key of ours, LangChain would take those of the process's environment, and
# so send one provider's key to another's address.
_OWN_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
}
# Whose servers know the newer name of the longest answer, and the models that take no other,
# through whatever gateway: OpenAI's that think.
_OPENAIS_OWN = (".openai.com", ".azure.com")
_THINKS = re.compile(r"(?i)(?:.*[/.])?(?:o\d|gpt-[5-9])")
_NEWER_NAME = "max_completion_tokens"
_NO_KEY = "none"
_HAVE_KEYS = frozenset({*_OWN_ADDRESSES, "azure_openai"})  # of what is installed

# For any chat model that knows them. Each attempt is a row, so the SDKs may not retry; usage is
# streamed only when asked for, at addresses not OpenAI's; the limit between chunks is our own.
_WANTED: dict[str, Any] = {"max_retries": 0, "stream_usage": True, "stream_chunk_timeout": None}
_EXTRAS: dict[str, dict[str, Any]] = {
    "openai": {**_WANTED, "include_response_headers": True},
    "anthropic": {"max_retries": 0, "stream_usage": True},
}

# The door has time limits of its own, and they end the call first.
_CLIENT_TIMEOUT_S = 3600.0
_KEPT_PER_LOOP = 64

_HARMLESS = PROFILE_PARAMETERS | {"metadata"}  # the last is LangChain's own, and OpenAI's too

_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, "_Kept"] = WeakKeyDictionary()
_loop_numbers = itertools.count()


class _Kept:
    """The chat models of one event loop; one is made at a time."""

    def __init__(self) -> None:
        self.loop_number = next(_loop_numbers)
        self.models: OrderedDict[tuple[str, ...], BaseChatModel] = OrderedDict()
        self.making = asyncio.Lock()


async def chat_model(profile: ProfileSpec, parameters: Mapping[str, Any]) -> "BaseChatModel":
    """The chat model for these parameters. Raises ProviderError when it cannot be made."""
    loop = asyncio.get_running_loop()
    kept = _by_loop.get(loop) or _by_loop.setdefault(loop, _Kept())
    key = (
        profile.provider_kind,
        profile.model,
        profile.base_url,
        profile.api_key,
        repr(parameters),
        repr(_is_compatible(profile)),
    )
    if (model := kept.models.get(key)) is not None:
        return model
    async with kept.making:
        if key not in kept.models:
            made = await asyncio.to_thread(_made, profile, parameters, kept.loop_number)
            kept.models[key] = made
            if len(kept.models) > _KEPT_PER_LOOP:
                kept.models.popitem(last=False)
        return kept.models[key]


async def close_clients() -> None:
    """Close the connections of this event loop, before it ends."""
    kept = _by_loop.pop(asyncio.get_running_loop(), None)
    for model in kept.models.values() if kept else ():
        for client in _clients_of(model):
            await client.close()


def _clients_of(model: "BaseChatModel") -> Iterator[Any]:
    """Those of the SDKs of OpenAI and Anthropic."""
    for name in ("root_async_client", "_async_client"):
        if client := getattr(model, name, None):
            yield client


def is_installed(provider_kind: str) -> bool:
    """Whether the package of this kind of provider can be imported; imports nothing."""
    return provider_kind == DEMO or find_spec(f"langchain_{_module_of(provider_kind)}") is not None


def package_of(provider_kind: str) -> str:
    """What to install for this kind of provider."""
    return _PACKAGES.get(provider_kind, "langchain-" + provider_kind.replace("_", "-"))


def _made(profile: ProfileSpec, parameters: Mapping[str, Any], loop_number: int) -> "BaseChatModel":
    if profile.provider_kind == DEMO:
        from llms.providers.demo import DemoChatModel  # loads langchain_core: 60 MB

        try:
            return DemoChatModel(**{"model": profile.model, **parameters})
        except ValueError as error:
            raise ProviderError("invalid_parameters", unbilled=True) from error
    if not is_installed(profile.provider_kind):
        raise ProviderError("model_package_missing", reason=package_of(profile.provider_kind))
    kind, make = profile.provider_kind, _maker(profile)
    ours = {**_connection(profile), **client_options(kind), **_extras(kind, loop_number)}
    options = {**deepcopy(dict(parameters)), **ours}  # LangChain takes fields out of `model_kwargs`
    try:
        model = make(**options)
        fields = type(model).model_fields
        _refuse_fields(parameters, fields)
        if more := {name: _WANTED[name] for name in _WANTED if name in fields.keys() - options}:
            model = make(**options, **more)
    except ImportError as error:
        raise ProviderError("model_package_missing", reason=package_of(kind)) from error
    except (ValueError, TypeError) as error:  # pydantic's ValidationError is a ValueError
        raise ProviderError("invalid_parameters", unbilled=True) from error
    for client in _clients_of(model):
        _bound(client._client)
    return model


def _maker(profile: ProfileSpec) -> Callable[..., "BaseChatModel"]:
    """What makes a chat model of options; loads LangChain."""
    if _is_compatible(profile):
        from llms.providers.compatible import CompatibleChatOpenAI

        return partial(CompatibleChatOpenAI, model=profile.model)
    from langchain.chat_models import init_chat_model

    return partial(init_chat_model, profile.model, model_provider=profile.provider_kind)


def _is_compatible(profile: ProfileSpec) -> bool:
    """Whether it is a server that speaks OpenAI's API, and is not OpenAI's.

    Not where the longest answer is named as OpenAI does, or the model is one of theirs that takes
    no other name: a gateway may pass that on.
    """
    if profile.provider_kind != "openai" or _NEWER_NAME in profile.parameters:
        return False
    if _THINKS.match(profile.model):
        return False
    host = urlsplit(profile.base_url).hostname if profile.base_url else None
    return host is not None and not f".{host}".endswith(_OPENAIS_OWN)


def _refuse_fields(parameters: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """LangChain takes what is named so in `model_kwargs` for fields of its own, over ours: by which
    way, to where and with which key. Raises ProviderError; nothing has been sent.
    """
    names = {*fields, *(field.alias for field in fields.values())} - _HARMLESS
    if taken := sorted(names & {*(parameters.get(MORE_OF_THE_BODY) or ())}):
        reason = ": " + ", ".join(f"{MORE_OF_THE_BODY}.{name}" for name in taken)
        raise ProviderError("invalid_parameters", reason=reason, unbilled=True)


def _bound(connection: Any) -> None:
    """What comes over it is bounded, comes from the provider, and can be read as a stream; the
    packages share it among models of equal timeouts.
    """
    hooks = connection.event_hooks
    if bound not in hooks["response"]:
        connection.event_hooks = {**hooks, "response": [*hooks["response"], stay, bound, as_stream]}


def _connection(profile: ProfileSpec) -> dict[str, str]:
    address = profile.base_url or _OWN_ADDRESSES.get(profile.provider_kind, "")
    key = profile.api_key or (_NO_KEY if profile.provider_kind in _HAVE_KEYS else "")
    return {
        **({"base_url": address} if address else {}),
        **({"api_key": key} if key else {}),
    }


def _extras(provider_kind: str, loop_number: int) -> dict[str, Any]:
    """Both packages share connections among clients of equal timeouts, even between event loops.

    A connection belongs to one loop, so each loop has a timeout of its own.
    """
    extras = _EXTRAS.get(provider_kind)
    return {**extras, "timeout": _CLIENT_TIMEOUT_S + loop_number / 1000} if extras else {}


def _module_of(provider_kind: str) -> str:
    return package_of(provider_kind).removeprefix("langchain-").replace("-", "_")
