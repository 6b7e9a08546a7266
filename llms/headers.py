"""The ids of a call in the headers of its request, so that the provider can speak of it, too."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from llms.overlong import bound
from llms.redirects import stay

# Clients that take headers with each request: OpenAI's, those made of it, and SDKs like it.
_PER_REQUEST = frozenset(
    {"openai", "anthropic", "azure_openai", "deepseek", "groq", "together", "xai"}
)
# Those whose connection is httpx's, and is told how: a hook adds the headers to each request.
_HOOKED = {"ollama": "async_client_kwargs"}

_now: ContextVar[Mapping[str, str]] = ContextVar("headers_of_a_call", default={})  # noqa: B039


def request_options(provider_kind: str, call_id: UUID, request_id: str) -> dict[str, Any]:
    """Options of one request: its row's id, and the id of the request that caused it, as headers.

    For a client with a hook, it is what the current task sends from now on.
    """
    caused = {"X-Request-ID": request_id} if request_id else {}
    headers = {"X-Chatter-Call": str(call_id), **caused}
    if provider_kind in _HOOKED:
        _now.set(headers)
    return {"extra_headers": headers} if provider_kind in _PER_REQUEST else {}


def client_options(provider_kind: str) -> dict[str, Any]:
    """Options of the client itself."""
    option = _HOOKED.get(provider_kind)
    hooks = {"request": [_add], "response": [stay, bound]}
    return {option: {"event_hooks": hooks}} if option else {}


async def _add(request: Any) -> None:
    request.headers.update(_now.get())
