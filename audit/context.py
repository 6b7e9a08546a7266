"""Who is acting, from where, under which request id: known to every entry and log line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings

from core.addresses import bare_address

_ADDRESS_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class RequestContext:
    """`traceparent` is the caller's span, as W3C Trace Context writes it; empty without one."""

    request_id: str = ""
    actor_id: UUID | None = None
    address: str = ""
    traceparent: str = ""


_NOWHERE = RequestContext()
_context: ContextVar[RequestContext] = ContextVar("request_context", default=_NOWHERE)


def current() -> RequestContext:
    """What is known here; empty outside requests."""
    return _context.get()


def set_actor(actor_id: UUID | None) -> None:
    """Say who is acting, once they have been recognised."""
    _context.set(replace(_context.get(), actor_id=actor_id))


@contextmanager
def bound(context: RequestContext) -> Iterator[RequestContext]:
    """Act under this context: for sockets, commands and whatever else has no HTTP request."""
    release = bind(context)
    try:
        yield context
    finally:
        release()


def bind(context: RequestContext) -> Any:
    """Act under this context from now on; returns the function that undoes it."""
    token = _context.set(context)
    log_tokens = structlog.contextvars.bind_contextvars(request_id=context.request_id)

    def release() -> None:
        structlog.contextvars.reset_contextvars(**log_tokens)
        _context.reset(token)

    return release


def address_of(meta: Mapping[str, Any]) -> str:
    """The caller's address: the peer's, or what the nearest of `TRUSTED_PROXIES` proxies saw.

    `meta` is `request.META`. An entry of X-Forwarded-For further left is the caller's own word. A
    port that a proxy tells as well would make a new caller of each connection.
    """
    proxies = settings.TRUSTED_PROXIES
    told = [
        part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
    ]
    address = told[-min(proxies, len(told))] if proxies and told else meta.get("REMOTE_ADDR", "")
    return bare_address(address or "")[:_ADDRESS_CHARACTERS]
