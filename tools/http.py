"""What a request of a workflow may be: methods, headers, sizes, times (pure)."""

import re
from typing import Literal, get_args

KEY = "http_request"  # of the tool, and of the node that calls it
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
METHODS = frozenset(get_args(Method))
MOST_BYTES = 250_000  # what a row of the ledger holds
LONGEST_S = 300.0
_LEEWAY_S = 5.0
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,8000}")
_TEXTUAL = ("text/", "application/json", "application/xml", "application/javascript")
_ALSO_TEXTUAL = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/yaml", "application/x-yaml"}
)
# They say where a request goes or how long it is: a request says so itself.
_OURS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect", "te"),
        *("trailer", "keep-alive", "proxy-authorization", "proxy-connection", "accept-encoding"),
    }
)


def checked_headers(headers: dict[str, str]) -> dict[str, str]:
    """Headers that can be sent, and leave alone what a request says of itself. Raises ValueError.

    The values are not repeated: they may be what a server is not to be told.
    """
    for name, value in headers.items():
        if not HEADER_NAME.fullmatch(name):
            raise ValueError("A header has a name of letters, digits and '-'.")
        if name.lower() in _OURS:
            raise ValueError(f"The header '{name}' is set by the request itself.")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"The header '{name}' has a value without line breaks, not too long.")
    return headers


def is_text(content_type: str) -> bool:
    """Whether what a server sends as this type is text; without a type, it may be."""
    if not content_type or content_type.startswith(_TEXTUAL) or content_type in _ALSO_TEXTUAL:
        return True
    return content_type.endswith(("+json", "+xml", "+yaml"))


def time_for(timeout_s: float) -> float:
    """What the whole call may take when the request may take so long."""
    return timeout_s + _LEEWAY_S
