"""What of Langflow's requests must not be kept: keys, by what they are called or look like."""

import re
from typing import Any

from core.secret_texts import named_in
from workflows.interchange.foreign import parted
from workflows.interchange.report import NodeReport
from workflows.interchange.requests import LONGEST, is_secret
from workflows.validation.requests import proves_who_asks

_PARAMETER = re.compile(r"(?<=[?&])([^=&?#{}\s]{1,60})=([^&#{}]+)(?:&|(?=#)|\Z)")
_KEYS = {"key", "appid", "auth", "secret", "client-secret", "signature"}
_SHOWN = 40


def stays_behind(report: NodeReport, name: str, value: Any, setting: str) -> bool:
    """Whether a value must not be kept; that is told, and which setting a secret goes into."""
    is_scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    text = str(value) if is_scalar else ""
    if must_stay(name) or must_stay(text) or len(text) > LONGEST:
        shown = "" if must_stay(name) else f" '{name[:_SHOWN]}'"
        report.note(f"A value{shown} is or may be a secret, or is too long, and was dropped.")
        return True
    if text and _is_key(name):
        report.note(
            f"'{name[:_SHOWN]}' stays behind: save it as a secret and name it in `{setting}` as "
            "{secret:its_name}."
        )
        return True
    return False


def _is_key(name: str) -> bool:
    """Whether what is called so proves who asks, by what is usual."""
    name = name.lower().replace("_", "-")
    return name in _KEYS or proves_who_asks(name)


def must_stay(text: str) -> bool:
    """Whether a text holds a secret, or names one where nothing would fill it in."""
    return is_secret(text) or bool(named_in(text))


def without_keys(report: NodeReport, url: str) -> str:
    """The address without what in its query is a key."""

    def put(match: re.Match[str]) -> str:
        return "" if stays_behind(report, match[1], match[2], "secret_query") else match[0]

    found = _PARAMETER.sub(put, url)
    return url if found == url else found.rstrip("?&")


def kept(report: NodeReport, value: Any, name: str) -> Any:
    """The JSON value without keys, its double braces no references."""
    if isinstance(value, dict):
        return {
            one: kept(report, item, one)
            for one, item in value.items()
            if not stays_behind(report, one, item, "secret_fields")
        }
    if isinstance(value, list):
        left = (one for one in value if not stays_behind(report, name, one, "secret_fields"))
        return [kept(report, one, name) for one in left]
    return parted(report, value) if isinstance(value, str) else value
