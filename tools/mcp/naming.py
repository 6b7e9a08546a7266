"""How tools of servers are called here (pure)."""

import hashlib
import re

SEPARATOR = "__"
SERVER_NAME = r"\A[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z"
MAX_SERVER_NAME = 24
_MAX_KEY = 64  # what providers take
_DIGEST = 8
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def key_of(server: str, tool: str) -> str:
    """`<server>__<tool>` in snake_case, of at most 64 characters; "" for a name of other letters.

    A long name is cut and ends with a digest of the whole. Different names may have the same key.
    """
    snake = _OTHER.sub("_", _HUMP.sub("_", tool).lower()).strip("_")
    if not snake:
        return ""
    key = f"{server}{SEPARATOR}{snake}"
    if len(key) <= _MAX_KEY:
        return key
    digest = hashlib.sha256(tool.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{key[: _MAX_KEY - _DIGEST - 1]}_{digest}"
