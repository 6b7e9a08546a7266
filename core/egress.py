"""The guarded way out: HTTP for users, never to where only this server can go.

Each hop's host is resolved once, every address it has is checked, and the connection is made to
exactly those addresses, so that no second look-up and no second parser can disagree.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext

import httpx
from django.conf import settings

from core.addresses import AllowList, allow_list
from core.charsets import charset_within, text_of
from core.errors import ChatterError, Invalid
from core.lookups import Resolver, resolve
from core.packed import BadEncoding, Packed, is_packed

_CONNECT_S = 5.0
_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65_535
# What another origin may be sent of a caller's headers; any other could be a secret.
_HARMLESS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }
)


class BadAddress(Invalid):
    code = "egress_bad_address"
    message = "Give an http or https address without a user name or password in it."


class AddressRefused(ChatterError):
    code = "egress_address_refused"
    status = 403
    message = "'{host}' is not on the public internet, so it may not be reached from here."


class TooManyRedirects(ChatterError):
    code = "egress_too_many_redirects"
    status = 502
    message = "The server redirected more than {limit} times."


class BodyStays(ChatterError):
    code = "egress_redirect_refused"
    status = 502
    message = "The server redirected to another one a request whose body is for itself alone."


class ResponseTooLarge(ChatterError):
    code = "egress_too_large"
    status = 502
    message = "The response is larger than {limit} bytes."


class Unreachable(ChatterError):
    code = "egress_unreachable"
    status = 502
    message = "'{host}' cannot be reached, or broke off."


class TookTooLong(ChatterError):
    code = "egress_timed_out"
    status = 504
    message = "There was no complete response within {limit_s} s."


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole response; `url` is where the redirects ended."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    charset: str = ""  # where the headers name one

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text; what is not, is replaced."""
        marked = self.content_type.endswith(("html", "xml"))
        return text_of(self.body, self.charset or (charset_within(self.body) if marked else ""))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to be made, and its limits. `timeout_s` covers everything, look-ups included.

    `secret` names those of its headers, in small letters, that are for its own origin alone.
    `body_stays`: no other origin is sent the body, whatever redirects there.
    `status_only`: the body of the response is neither read nor unpacked.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    body_stays: bool = False
    status_only: bool = False
    timeout_s: float = 20.0
    max_bytes: int = 2_000_000
    max_redirects: int = 5
    secret: Collection[str] = ()


async def fetch(outgoing: Outgoing, *, resolver: Resolver = resolve) -> Fetched:
    """Make a request and follow its redirects; any status is an answer.

    Addresses beside the public internet are open only by `CHATTER_EGRESS_ALLOW`. No proxy, netrc
    or cookie of the environment is used; a redirect to another origin loses the caller's headers.
    Raises BadAddress, AddressRefused, BodyStays, TooManyRedirects, ResponseTooLarge, BadEncoding,
    Unreachable, TookTooLong.
    """
    async with httpx.AsyncClient(
        transport=await guarded_transport(resolver),
        timeout=httpx.Timeout(None, connect=_CONNECT_S),
        trust_env=False,
    ) as client:
        try:
            async with asyncio.timeout(outgoing.timeout_s):
                return await _follow(client, outgoing)
        except TimeoutError as error:
            raise TookTooLong(limit_s=outgoing.timeout_s) from error
        except (httpx.InvalidURL, UnicodeError) as error:  # as of xn--a, which is no name's code
            raise BadAddress from error
        except httpx.HTTPError as error:
            raise Unreachable(host=error.request.url.host) from error


async def guarded_transport(resolver: Resolver = resolve) -> httpx.AsyncBaseTransport:
    """The way out for clients that speak for themselves: it raises AddressRefused, Unreachable.

    Sizes, redirects and times are theirs to bound.
    """
    allowed = allow_list(tuple(settings.CHATTER_EGRESS_ALLOW))
    return _GuardedTransport(resolver, allowed, await asyncio.to_thread(_tls))


async def _follow(client: httpx.AsyncClient, outgoing: Outgoing) -> Fetched:
    request = client.build_request(
        outgoing.method,
        outgoing.url,
        headers=_headers(outgoing.headers),
        content=outgoing.body or None,
    )
    for _ in range(outgoing.max_redirects + 1):
        _check_form(request.url)
        response = await client.send(request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None:
                return await _read(response, outgoing)
        finally:
            await response.aclose()
        request = _redirected(request, response.next_request, outgoing)
    raise TooManyRedirects(limit=outgoing.max_redirects)


def _headers(given: Mapping[str, str]) -> httpx.Headers:
    headers = httpx.Headers({"user-agent": "Chatter", "accept": "*/*"})
    headers.update(httpx.Headers(dict(given), encoding="utf-8"))
    headers["accept-encoding"] = "gzip"
    return headers


def _check_form(url: httpx.URL) -> None:
    if url.scheme not in _PORTS or not url.host or url.userinfo:
        raise BadAddress


def _redirected(
    request: httpx.Request, following: httpx.Request, outgoing: Outgoing
) -> httpx.Request:
    if _origin(request.url) != _origin(following.url):
        if outgoing.body_stays and following.method == request.method:  # it goes on with its body
            raise BodyStays
        for name in following.headers.keys() - _HARMLESS.difference(outgoing.secret):
            del following.headers[name]
    return following


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or _PORTS.get(url.scheme)


async def _read(response: httpx.Response, outgoing: Outgoing) -> Fetched:
    return Fetched(
        status=response.status_code,
        headers=dict(response.headers.items()),  # by keys it would take their square
        body=b"" if outgoing.status_only else await _body_of(response, outgoing.max_bytes),
        url=str(response.url),
        charset=response.charset_encoding or "",
    )


async def _body_of(response: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    packed = Packed() if is_packed(response.headers.get("content-encoding", "")) else None
    async for chunk in response.aiter_raw():
        body += packed.unpack(chunk, max_bytes + 1 - len(body)) if packed else chunk
        if len(body) > max_bytes:
            raise ResponseTooLarge(limit=max_bytes)
    if packed and packed.is_torn:
        raise BadEncoding
    return bytes(body)


class _GuardedTransport(httpx.AsyncBaseTransport):
    """Looks hosts up itself, and connects to the addresses it has checked."""

    def __init__(self, resolver: Resolver, allowed: AllowList, tls: SSLContext) -> None:
        self._resolver = resolver
        self._allowed = allowed
        # A kept connection is found by address alone, whatever host it was opened for.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._inner = httpx.AsyncHTTPTransport(verify=tls, trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        *others, last = await self._checked(request.url)
        for address in others:
            try:
                return await self._inner.handle_async_request(_to_address(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_to_address(request, last))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _checked(self, url: httpx.URL) -> Sequence[str]:
        """Every address of the host; one that is refused refuses them all."""
        host, port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        if port > _LAST_PORT:
            raise Unreachable(host=url.host)
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise Unreachable(host=url.host) from error
        if not addresses:
            raise Unreachable(host=url.host)
        if not all(self._allowed.allows(host, address) for address in addresses):
            raise AddressRefused(host=url.host)
        return addresses


def _to_address(request: httpx.Request, address: str) -> httpx.Request:
    """The same request, sent to this address; TLS still asks for the host it was meant for."""
    host = request.url.raw_host.decode("ascii")
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


@cache
def _tls() -> SSLContext:
    """Made once: it reads all certificates, for 0.2 s."""
    return httpx.create_ssl_context()
