"""Does the document hold secrets in plain text, or ask into private networks?

A known shape of a secret is an error, and so is a setting that is nothing but a random token; a
random token within a longer text may be an example, so it is a warning.
"""

from collections.abc import Iterator
from typing import Any

from core.addresses import AllowList, allow_list
from workflows.validation.addresses import BadAddress, PrivateAddress, check_address
from workflows.validation.issue import Issue, error, path_of, warning
from workflows.validation.requests import check_headers
from workflows.validation.secrets import random_in, secret_in
from workflows.validation.subject import Subject

_KEEP_IT_ELSEWHERE = (
    "Whoever reads the graph reads it. Give it as a parameter, or save it as a secret and name it "
    "in the secret settings of an HTTP node."
)


def check_security(subject: Subject) -> Iterator[Issue]:
    allowed = allow_list(subject.limits.reachable)
    for node in subject.nodes:
        here = ("nodes", node.at)
        yield from _secret(node.spec.label, *here, "label")
        known = {issue.path: issue for issue in check_headers(node)}
        yield from known.values()
        found = _secrets(node.spec.config, *here, "config")
        yield from (issue for issue in found if issue.path not in known)
        if node.has("url"):
            yield from _address(node.spec.config.get("url"), allowed, *here, "config", "url")


def _secrets(value: Any, *steps: str | int) -> Iterator[Issue]:
    if isinstance(value, str):
        yield from _secret(value, *steps)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secret(key, *steps, key)
            yield from _secrets(item, *steps, key)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _secrets(item, *steps, at)


def _secret(text: str, *steps: str | int) -> Iterator[Issue]:
    if kind := secret_in(text):
        message = f"This looks like {kind}."
        yield error("secret_in_plain_text", path_of(*steps), message, _KEEP_IT_ELSEWHERE)
    elif token := random_in(text):
        tell, code = warning, "possible_secret"
        if token == text.strip():
            tell, code = error, "secret_in_plain_text"
        message = "A long random token stands here; it looks like a secret."
        yield tell(code, path_of(*steps), message, _KEEP_IT_ELSEWHERE)


def _address(url: Any, allowed: AllowList, *steps: str | int) -> Iterator[Issue]:
    try:
        check_address(url if isinstance(url, str) else "", allowed)
    except PrivateAddress as refused:
        hint = "Nodes ask only what is public."
        yield error("private_address", path_of(*steps), str(refused), hint)
    except BadAddress as refused:
        yield error("bad_address", path_of(*steps), str(refused))
