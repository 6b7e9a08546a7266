"""An exception of some provider's package → what went wrong, and what it cost.

Packages are told apart by what they have in common (a status code, a response, the names of httpx's
errors down the chain of causes), so that none needs to be imported here.
"""

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from core import clock
from llms.errors import ProviderError
from llms.messages import clean

# Raised before the request was sent.
_NEVER_SENT = frozenset(
    {
        "ConnectError",
        "ConnectTimeout",
        "PoolTimeout",
        "ProxyError",
        "UnsupportedProtocol",
        "InvalidURL",
        "LocalProtocolError",
        "ClientConnectorError",
    }
)
_TIMEOUTS = frozenset({"TimeoutException", "APITimeoutError", "TimeoutError", "ModelTimeoutError"})
_BROKEN = frozenset({"TransportError", "APIConnectionError", "ConnectionError", "ClientError"})
_NOT_TAKEN = ("is not supported for", "unexpected keyword argument")
_NOTHING_CAME = "No generation chunks were returned"
_GARBLED = frozenset({"JSONDecodeError", "APIResponseValidationError"})

# A server between us and the model gave up waiting; the model may have answered it, and billed.
_GAVE_UP_WAITING = frozenset({408, 502, 504, 524})
_ERROR_STATUS = 300  # that of a redirect, too: one that is not followed is no answer
_SERVER_ERROR = 500
_CODES_BY_STATUS = {
    401: "provider_auth_failed",
    402: "provider_quota_exhausted",
    403: "provider_auth_failed",
    408: "provider_timeout",
    413: "context_too_long",
    429: "provider_rate_limited",
    504: "provider_timeout",
    524: "provider_timeout",
}
_PASSING_STATUSES = frozenset({408, 409, 425, 429})
# Of OpenAI, Anthropic, vLLM and SGLang, llama.cpp, LM Studio, Ollama, xAI, Gemini, Bedrock: only
# OpenAI has a code for it.
_TOO_LONG = (
    *("context_length_exceeded", "prompt is too long", "exceed context limit"),
    *("maximum context length", "exceeds the context window", "exceeds the available context size"),
    *(
        "greater than the context length",
        "context the overflows",
        "exceeded max context length",
        "maximum prompt length",
    ),
    *("exceeds the maximum number of tokens", "input is too long"),
)
_CODES_BY_WORD = {
    "insufficient_quota": "provider_quota_exhausted",
    "credit balance is too low": "provider_quota_exhausted",
    **dict.fromkeys(_TOO_LONG, "context_too_long"),
    "content_filter": "content_filtered",
    "content_policy_violation": "content_filtered",
}
_PASSING = ("overloaded_error", "api_error", "server_error", "rate_limit_error", "timeout_error")
# A login is looked for where a word begins, and nowhere in it: a word may be a megabyte long.
_KEYS = re.compile(
    r"(?i)\b(?:bearer\s+\S+|(?:sk|pk|key|lsv2)[-_][\w*-]{8,}|AIza[\w*-]{8,})|(?<!\S)\S+@\S+"
)
_REASON_CHARACTERS = 300


def provider_error(error: BaseException, *, answering: bool, secret: str = "") -> ProviderError:
    """What this exception means; `answering` tells whether any part of an answer had come.

    `secret` is kept out of the message, as is all that looks like a key.
    """
    chain = list(_chain(error))
    status = next((found for found in map(_status, chain) if found), None)
    names = {kind.__name__ for link in chain for kind in type(link).__mro__}
    if status and status >= _ERROR_STATUS and not answering:
        return _refusal(chain, status, secret)
    if names & _GARBLED:
        return ProviderError("provider_failed", retryable=True)
    if status or _body(chain):
        said = _said(chain).lower()
        if not answering and any(word in said for word in _TOO_LONG):
            return ProviderError("context_too_long")
        return ProviderError("provider_failed", retryable=any(word in said for word in _PASSING))
    if isinstance(error, ValueError | TypeError) and not answering:
        return _refused_here(str(error), secret)
    return _trouble_on_the_way(names, answering=answering)


def _refused_here(text: str, secret: str) -> ProviderError:
    """What LangChain says without being told: parameters it never sent, or an empty stream."""
    if any(sign in text for sign in _NOT_TAKEN):
        reason = ": " + scrubbed(text, secret).rstrip(".")
        return ProviderError("invalid_parameters", reason=reason, unbilled=True)
    return ProviderError("provider_cut" if _NOTHING_CAME in text else "provider_failed")


def _trouble_on_the_way(names: set[str], *, answering: bool) -> ProviderError:
    """The provider said nothing about it; the names of the errors do."""
    if names & _NEVER_SENT and not answering:
        return ProviderError("provider_unreachable", unbilled=True)
    if names & _TIMEOUTS:
        return ProviderError("provider_timeout")
    if names & _BROKEN:
        return ProviderError("provider_cut" if answering else "provider_unreachable")
    return ProviderError("provider_failed", retryable=False)


def scrubbed(text: str, secret: str = "") -> str:
    """A provider's words, without anything that looks like a key."""
    text = text.replace(secret, "…") if secret else text
    return clean(_KEYS.sub("…", text)).strip()[:_REASON_CHARACTERS]


def _refusal(chain: list[BaseException], status: int, secret: str) -> ProviderError:
    """The provider answered with an error: it knows no answer, and bills none."""
    said = _said(chain).lower()
    code = next((code for word, code in _CODES_BY_WORD.items() if word in said), "")
    code = code or _CODES_BY_STATUS.get(status, "")
    code = code or ("provider_failed" if status >= _SERVER_ERROR else "provider_refused")
    return ProviderError(
        code,
        reason=_reason(chain, secret) if code == "provider_refused" else "",
        retryable=_may_succeed_later(code, status),
        retry_after_s=_retry_after_s(chain),
        unbilled=status not in _GAVE_UP_WAITING,
        provider_request_id=_request_id(chain),
    )


def _may_succeed_later(code: str, status: int) -> bool:
    if code in ("provider_quota_exhausted", "context_too_long", "content_filtered"):
        return False
    return status in _PASSING_STATUSES or status >= _SERVER_ERROR


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _status(error: BaseException) -> int | None:
    found = getattr(error, "status_code", None)
    if found is None:
        found = getattr(getattr(error, "response", None), "status_code", None)
    return found if isinstance(found, int) else None


def _headers(chain: list[BaseException]) -> Mapping[str, str]:
    for link in chain:
        headers = getattr(getattr(link, "response", None), "headers", None)
        if headers:
            found: Mapping[str, str] = headers
            return found
    return {}


def _body(chain: list[BaseException]) -> Any:
    return next(filter(None, (getattr(link, "body", None) for link in chain)), None)


def _said(chain: list[BaseException]) -> str:
    return f"{_body(chain)} {chain[0]}"


def _reason(chain: list[BaseException], secret: str) -> str:
    body = _body(chain)
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    words = body.get("message") if isinstance(body, Mapping) else None
    if not isinstance(words, str) or not words.strip():
        return ""
    return ": " + scrubbed(words, secret).rstrip(".")


def _request_id(chain: list[BaseException]) -> str:
    found = next(filter(None, (getattr(link, "request_id", None) for link in chain)), "")
    headers = _headers(chain)
    return str(found or headers.get("x-request-id") or headers.get("request-id") or "")[:200]


def _retry_after_s(chain: list[BaseException]) -> float | None:
    """The wish of a Retry-After header: seconds, or a date."""
    headers = _headers(chain)
    wish = headers.get("retry-after", "")
    milliseconds = headers.get("retry-after-ms", "")
    try:
        if milliseconds:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(wish)) if wish else None
    except ValueError:
        return _seconds_until(wish)


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(date) - clock.now()).total_seconds())
    except (ValueError, TypeError):
        return None
