"""Texts that name secrets, such as `Bearer {secret:github}`: found, filled in, masked (pure)."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,31}"
MASK = "***"
# What one or another writer of addresses leaves as it is, beside letters, digits and -._~
_UNESCAPED = ("", "/", "!'()*", "!$&'()*+,;=:/?@", "!$'()*,;:/?@")
_HTML, _HTML_AND_MORE = re.compile("[<>&]"), re.compile("[<>&+'`]")
_CODED = re.compile(r"%[0-9A-F]{2}")
_REFERENCE = re.compile(r"\{secret:(" + NAME + r")\}")
_HOST = re.compile(r"[a-z0-9_.:-]{1,253}")


def named_in(text: str) -> list[str]:
    """The secrets a text names, each once."""
    return list(dict.fromkeys(_REFERENCE.findall(text)))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every secret in its place. Raises KeyError."""
    return _REFERENCE.sub(lambda match: values[match[1]], text)


def masked(value: Any, secrets: Iterable[str]) -> Any:
    """The JSON value without these secrets, however a server may have written them.

    Each form is looked for by itself, which takes as long as the text: to a regular expression of
    all of them, both may be such that it takes hours.
    """
    whole = "\n".join(_texts(value))
    forms = {form for secret in secrets for form in _forms(secret) if form in whole}
    return _masked(value, sorted(forms, key=len, reverse=True)) if forms else value


def host_of(url: str) -> str:
    """The host of an address as secrets are compared with it. Raises ValueError."""
    try:
        return httpx.URL(url).raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise ValueError("This is not an address.") from error


def plain_host(text: str) -> str:
    """A host as people write it, as `host_of` tells it. Raises ValueError for more than a host."""
    written = text.strip().strip("[]")
    host = host_of(f"https://[{written}]/" if written.count(":") > 1 else f"https://{written}/")
    has_more = written.isascii() and written.lower() != host  # a port, a path, a user
    if not _HOST.fullmatch(host) or has_more:
        raise ValueError(f"'{written[:64]}' is not the name of a host, such as api.example.com.")
    return host


def _forms(secret: str) -> Iterable[str]:
    """The secret, and how it stands in JSON, addresses, HTML and basic authentication."""
    if not secret:
        return
    coded = base64.b64encode(secret.encode()).decode()
    yield from (secret, html.escape(secret), coded)
    for written in _in_json(secret):
        yield from (written, *_in_json(written))  # also where JSON is told of in JSON
    for safe in _UNESCAPED:
        for escaped in (quote(secret, safe=safe), quote_plus(secret, safe=safe)):
            yield from (escaped, _CODED.sub(lambda match: match[0].lower(), escaped))


def _in_json(text: str) -> Iterable[str]:
    """As the writers of several languages have it: PHP escapes a slash, Go and .NET what HTML
    knows, .NET more of it.
    """
    plain = json.dumps(text)[1:-1]
    yield from (plain, json.dumps(text, ensure_ascii=False)[1:-1], plain.replace("/", "\\/"))
    yield _HTML.sub(lambda match: f"\\u{ord(match[0]):04x}", plain)
    quotes = plain.replace('\\"', "\\u0022")
    yield _HTML_AND_MORE.sub(lambda match: f"\\u{ord(match[0]):04X}", quotes)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def _masked(value: Any, longest_first: Sequence[str]) -> Any:
    if isinstance(value, str):
        for form in longest_first:
            value = value.replace(form, MASK)
        return value
    if isinstance(value, Mapping):
        return {
            _masked(key, longest_first): _masked(item, longest_first) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(item, longest_first) for item in value]
    if isinstance(value, int | float) and str(value) in longest_first:
        return MASK
    return value
