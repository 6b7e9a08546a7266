"""The requests of HTTP nodes: secrets come from where they are kept, and go where they may.

Told by settings, not by the type of a node: `headers`, those of secrets, `url`.
"""

import re
from collections.abc import Iterator
from typing import Any

from core.secret_texts import host_of, named_in
from workflows.definition.references import expressions_in
from workflows.validation.issue import Issue, error, shortened, warning
from workflows.validation.subject import Node, World

_SECRETS = ("secret_headers", "secret_query", "secret_fields")
_KEEPS_A_SECRET = re.compile(
    r"(?i)(?:proxy-)?authorization|cookie|(?:x-)?(?:[a-z0-9]{1,30}-){0,3}"
    r"(?:api-?key|apikey|(?:auth|access|secret|private|session)-?(?:token|key)|token|password)"
)
_SAVE_IT = "Save it (POST /api/v1/secrets/) and name it in `secret_headers`: {secret:its_name}."
_LITERAL = re.compile(r"(?i)(?:bearer|basic|token|apikey|bot)?\s*(.*)", re.DOTALL)


def proves_who_asks(header: str) -> bool:
    """Whether a header of this name holds a secret, by what is usual."""
    return bool(_KEEPS_A_SECRET.fullmatch(header))


def check_headers(node: Node) -> Iterator[Issue]:
    """Secrets as they are where references belong, references where secrets belong, and headers
    that are not sent.
    """
    if not node.has(_SECRETS[0]):
        return
    for setting in ("headers", _SECRETS[0]):
        yield from _sent_once(node, setting)
    headers = node.spec.config.get("headers")
    for name, text in headers.items() if isinstance(headers, dict) else ():
        if proves_who_asks(name) and isinstance(text, str) and _says_more(text):
            message = f"The header '{shortened(name)}' proves who asks, and stands here as it is."
            yield error(
                "secret_in_plain_text", node.path("config", "headers", name), message, _SAVE_IT
            )
    for setting, value in node.spec.config.items():
        if setting not in _SECRETS and any(map(named_in, _texts(value))):
            message = "No secret is put in here: this would be sent as it is."
            hint = f"They go into {', '.join(f'`{one}`' for one in _SECRETS)}."
            yield error("secret_not_filled_in", node.path("config", setting), message, hint)
        elif setting in _SECRETS and any(True for _ in expressions_in(value)):
            message = "No references here: neither a run nor a parameter is to choose its secrets."
            yield error(f"{setting}_not_literal", node.path("config", setting), message)


def _sent_once(node: Node, setting: str) -> Iterator[Issue]:
    """The names of headers are the same however written; databases may order what they keep."""
    headers, met = node.spec.config.get(setting), dict[str, str]()
    for name in headers if isinstance(headers, dict) else ():
        if (other := met.setdefault(str(name).lower(), name)) != name:
            pair = f"'{shortened(other)}' and '{shortened(name)}'"
            message = f"{pair} are the same header: one of them is not sent."
            path = node.path("config", setting, name)
            yield warning("header_twice", path, message, "Join their values, or leave one out.")


def check_request(world: World | None, node: Node) -> Iterator[Issue]:
    """May the one who asks call what the node calls, and have the secrets it names sent there?"""
    if world is None or node.kind is None:
        return
    if node.kind.tool and not world.may_call(node.kind.tool):
        message = f"The tool '{node.kind.tool}', which this node uses, is not one you may use."
        yield error("tool_not_usable", node.path("type"), message)
    for setting in filter(node.has, _SECRETS):
        texts = node.spec.config.get(setting)
        for key, text in texts.items() if isinstance(texts, dict) else ():
            for name in named_in(text) if isinstance(text, str) else ():
                yield from _sendable(world, node, node.path("config", setting, key), name)


def _sendable(world: World, node: Node, path: str, name: str) -> Iterator[Issue]:
    hosts = world.hosts_of(name)
    if hosts is None:
        hint = "GET /api/v1/secrets/ lists yours."
        yield error(
            "unknown_secret", path, f"There is no secret '{shortened(name)}' of yours.", hint
        )
        return
    if not world.trusts_author():
        message = f"Your secret '{shortened(name)}' is not used by somebody else's graph."
        hint = "See what it sends, and where; then make a workflow of your own of it."
        yield error("secret_not_for_author", path, message, hint)
        return
    host = _literal_host(node.spec.config.get("url"))
    if host and host not in hosts:
        message = f"The secret '{shortened(name)}' is not for '{shortened(host)}'."
        yield error("secret_not_for_host", path, message, f"It is for {', '.join(hosts)}.")


def _literal_host(url: Any) -> str:
    """The host of an address, as far as no reference has a part in it."""
    before = url.split("{{")[0] if isinstance(url, str) else ""
    if before != url and not re.match(r"[^/?#]+://[^/?#]+[/?#]", before):
        return ""
    try:
        return host_of(before)
    except ValueError:
        return ""


def _says_more(text: str) -> bool:
    """Whether more than a scheme such as Bearer stands there beside what a reference fills in."""
    match = _LITERAL.fullmatch(text.strip())
    return bool(match and match[1]) and "{{" not in text and not named_in(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    items = value.values() if isinstance(value, dict) else ()
    for item in value if isinstance(value, list) else items:
        yield from _texts(item)
