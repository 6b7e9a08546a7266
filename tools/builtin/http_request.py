"""A request to a server, as a workflow's node makes it: with secrets that only this tool sees."""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import httpx
from django.conf import settings
from pydantic import Field, field_validator

from accounts.services.secrets import values_for_host
from core.addresses import allow_list
from core.database import database
from core.egress import BadAddress, Fetched, Outgoing, fetch
from core.errors import ChatterError
from core.secret_texts import filled, host_of, masked, named_in
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult
from tools.http import KEY, LONGEST_S, MOST_BYTES, Method, checked_headers, is_text

_TOLD = frozenset(
    {
        *("content-type", "content-length", "content-language", "date", "etag", "last-modified"),
        *("cache-control", "expires", "location", "link", "retry-after", "x-request-id"),
        *("x-total-count", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    }
)
_LONGEST_WHOLE = 300  # digits; one of more is read as a decimal number


class SecretNeedsHttps(ChatterError):
    code = "secret_needs_https"
    status = 403
    message = "Secrets go to '{host}' by https only."


class NoFields(ToolFailed):
    code = "http_no_fields"
    message = "The JSON that is sent is no object, so no field with a secret can be put in it."


class NotJson(ToolFailed):
    code = "http_not_json"


class HttpRequestArgs(ToolArgs):
    method: Method = Field(default="GET", description="What is asked of the server.")
    url: str = Field(max_length=8_000, description="An http or https address.")
    query: dict[str, str] = Field(default={}, description="Added to the address.")
    headers: dict[str, str] = Field(default={}, description="Headers by name.")
    secret_headers: dict[str, str] = Field(
        default={}, description="Headers that name secrets, such as Bearer {secret:name}."
    )
    secret_query: dict[str, str] = Field(
        default={}, description="Parts of the address that name secrets."
    )
    body: str = Field(default="", max_length=200_000, description="What is sent.")
    json_body: bool = Field(default=False, description="The body is JSON, and no form.")
    secret_fields: dict[str, str] = Field(
        default={}, description="Fields of the body that name secrets."
    )
    timeout_s: float = Field(default=20, gt=0, le=LONGEST_S, description="For all of it.")
    max_bytes: int = Field(
        default=MOST_BYTES, ge=1, le=MOST_BYTES, description="The longest answer that is taken."
    )
    expect: Literal["text", "json", "auto"] = Field(
        default="auto", description="What the answer must be; auto reads JSON where it says so."
    )

    @field_validator("headers", "secret_headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        return checked_headers(headers)


class HttpRequest(Tool[HttpRequestArgs]):
    """What the node `http_request` does. No model is told of it: it can send its user's secrets."""

    key = KEY
    label = "HTTP request (node)"
    description = "Makes the request of an HTTP node; no model can call it."
    scopes = ("network",)
    timeout_s = 30.0
    offered = False
    args = HttpRequestArgs

    async def call(self, args: HttpRequestArgs, context: ToolContext) -> ToolResult:
        url = _address(args)
        secrets = await _secrets(args, url, context)
        try:
            fetched = await fetch(_outgoing(args, url, secrets))
        except ChatterError as error:  # it may name a host that a redirect made of the secret
            raise type(error)(**masked(error.detail, _hidden(secrets))) from None
        except Exception as error:  # what nobody foresaw may repeat what was sent
            name = type(error).__name__
            raise ToolFailed(reason=f"The request could not be made ({name}).") from None
        return await asyncio.to_thread(_result_of, args, fetched, _hidden(secrets))


def _address(args: HttpRequestArgs) -> str:
    try:
        return str(httpx.URL(args.url).copy_merge_params(args.query) if args.query else args.url)
    except httpx.InvalidURL as error:
        raise BadAddress from error


async def _secrets(args: HttpRequestArgs, url: str, context: ToolContext) -> Mapping[str, str]:
    """The values of the secrets that it names, if they may go to this address."""
    places = (args.secret_headers, args.secret_query, args.secret_fields)
    named = [name for texts in places for text in texts.values() for name in named_in(text)]
    if not named:
        return {}
    try:
        host = host_of(url)
    except ValueError as error:
        raise BadAddress from error
    opened = allow_list(tuple(settings.CHATTER_EGRESS_ALLOW))
    if httpx.URL(url).scheme != "https" and not opened.names(host):
        raise SecretNeedsHttps(host=host)
    return await database.run(values_for_host, context.user_id, named, host)


def _outgoing(args: HttpRequestArgs, url: str, secrets: Mapping[str, str]) -> Outgoing:
    """What holds a secret outweighs what has the same name; headers have it however written."""

    def with_secrets(texts: Mapping[str, str]) -> dict[str, str]:
        return {name: filled(text, secrets) for name, text in texts.items()}

    headers = {name.lower(): value for name, value in args.headers.items()}
    hidden = {name.lower(): text for name, text in with_secrets(args.secret_headers).items()}
    if query := with_secrets(args.secret_query):
        url = str(httpx.URL(url).copy_merge_params(query))
    fields = with_secrets(args.secret_fields)
    return Outgoing(
        url,
        method=args.method,
        headers=headers | hidden,
        body=_body(args, fields).encode(),
        body_stays=bool(fields),
        timeout_s=args.timeout_s,
        max_bytes=args.max_bytes,
        secret=frozenset(hidden),
    )


def _body(args: HttpRequestArgs, fields: Mapping[str, str]) -> str:
    """The body with these fields in it: of the JSON object that it is, or of a form."""
    if not fields:
        return args.body
    if not args.json_body:
        form = parse_qsl(args.body, keep_blank_values=True)
        return urlencode([*(one for one in form if one[0] not in fields), *fields.items()])
    whole = json.loads(args.body)
    if not isinstance(whole, dict):
        raise NoFields
    return json.dumps({**whole, **fields}, ensure_ascii=False)


def _hidden(secrets: Mapping[str, str]) -> Sequence[str]:
    """Their values, also in small letters, as hosts are written."""
    return [*secrets.values(), *map(str.lower, secrets.values())]


def _result_of(args: HttpRequestArgs, fetched: Fetched, hidden: Sequence[str]) -> ToolResult:
    """What is kept of the answer: without the secrets it may repeat."""
    text = _text(args, fetched, hidden)
    data = {
        "status": fetched.status,
        "url": fetched.url,
        "headers": {name: text for name, text in fetched.headers.items() if name in _TOLD},
        "json": _json(args, fetched, text),
    }
    return ToolResult(text=masked(text, hidden), data=masked(data, hidden))


def _text(args: HttpRequestArgs, fetched: Fetched, hidden: Sequence[str]) -> str:
    if args.expect == "auto" and fetched.body and not is_text(fetched.content_type):
        told = masked(fetched.headers["content-type"], hidden)[:100]
        raise ToolFailed(reason=f"What the server answered is no text but {told}.")
    return fetched.text


def _json(args: HttpRequestArgs, fetched: Fetched, text: str) -> Any:
    """The answer as JSON, where it is; None where nobody asked for it.

    An answer that tells of an error may be anything, for servers in front of servers answer too.
    """
    says_so = fetched.content_type == "application/json" or fetched.content_type.endswith("+json")
    empty = args.method == "HEAD" or not fetched.body
    if args.expect == "text" or (args.expect == "auto" and not says_so) or empty:
        return None
    try:
        return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        if args.expect == "json" and fetched.status < httpx.codes.BAD_REQUEST:
            raise NotJson(reason="What the server answered is no JSON that can be read.") from error
        return None


def _whole(digits: str) -> float:
    return int(digits) if len(digits) <= _LONGEST_WHOLE else _finite(digits)


def _finite(number: str) -> float:
    """Raises ValueError for one that is too large to be kept, and for what is none."""
    if not math.isfinite(value := float(number)):
        raise ValueError(number[:20])
    return value
