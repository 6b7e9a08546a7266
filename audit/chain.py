"""How entries are made tamper-evident: pure functions from columns and a key to a hash or a seal.

An entry's hash is of its content, made where the act happens, so nobody waits for anybody. What is
written at once is a group with one seal: of the number of its first entry, the hashes of all of
them in order, and the seal before it, made when they are numbered (`audit.sealing`).
Without a key nobody can make either; see `audit.keys`.
"""

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

GENESIS = "0" * 64
HASHED = (
    "id",
    "at",
    "action",
    "outcome",
    "actor_id",
    "target",
    "detail",
    "personal_hash",
    "request_id",
)
_HASHED_OF = itemgetter(*HASHED)
_BETWEEN = ":"


@lru_cache(maxsize=16)
def _instant(value: datetime) -> str:
    """All entries of one group have one instant, so it is spelled once."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


_FAST = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
# PostgreSQL's jsonb reorders keys, so the text that is hashed is made anew from the values.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_as_text
)


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTC instants with microseconds."""
    try:
        return orjson.dumps(value, default=_as_text, option=_FAST)
    except orjson.JSONEncodeError:  # it refuses halves of pairs, numbers beyond 64 bits, depth
        return _ENCODER.encode(value).encode("utf-8", "surrogatepass")


def hash_of(columns: Mapping[str, Any], key: bytes) -> str:
    """The hash of an entry: over the columns in HASHED, in that order, and nothing else."""
    return _authenticated(canonical(_HASHED_OF(columns)), key)


def joined(hashes: Iterable[str]) -> str:
    """The hashes of a group as they are kept and sealed."""
    return _BETWEEN.join(hashes)


def separate(hashes: str) -> list[str]:
    """What was `joined`."""
    return hashes.split(_BETWEEN)


def seal_of(previous: str, seq: int, hashes: str, key: bytes) -> str:
    """The seal of the group that begins with that number, after the group with that seal (GENESIS:
    the first). `hashes` are `joined`.
    """
    return _authenticated(f"{previous}:{seq}:{hashes}".encode(), key)


def _authenticated(text: bytes, key: bytes) -> str:
    """HMAC-SHA256 in hexadecimal.

    `hmac.digest` lets other threads go on meanwhile, whom the writer then waits for: 45 µs, beside
    an event loop at work, for what takes 2 (measured).
    """
    code = _begun(key).copy()
    code.update(text)
    return code.hexdigest()


@lru_cache(maxsize=4)
def _begun(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def salted(content: Mapping[str, Any]) -> dict[str, Any]:
    """Personal content as it is stored; for the salt, nobody can guess it from its hash later."""
    return {"salt": secrets.token_hex(16), "content": content}


def personal_digest(personal: Any) -> str:
    """The hash of the personal column as stored; empty where there never was any."""
    return "" if personal is None else sha256(canonical(personal)).hexdigest()
