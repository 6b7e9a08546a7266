"""The text of a token: how it is made, found in a header, and hashed. Pure."""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

MARK = "chatter"
KEYWORD = "token"
SUBPROTOCOL = "token."
_PREFIX_BYTES = 4
_SECRET_BYTES = 32
_SHAPE = re.compile(MARK + r"_(?P<prefix>[0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class TokenText(NamedTuple):
    plain: str
    prefix: str
    digest: str


def new_token_text() -> TokenText:
    """`chatter_<8 characters to recognise it by>_<43 characters of 256 random bits>`."""
    return token_text_of(secrets.token_bytes(_PREFIX_BYTES + _SECRET_BYTES))


def token_text_of(unguessable: bytes) -> TokenText:
    """The text that these bytes make, of which the first 36 count."""
    prefix = unguessable[:_PREFIX_BYTES].hex()
    secret = unguessable[_PREFIX_BYTES : _PREFIX_BYTES + _SECRET_BYTES]
    plain = f"{MARK}_{prefix}_{urlsafe_b64encode(secret).rstrip(b'=').decode()}"
    return TokenText(plain, prefix, digest_of(plain))


def digest_of(plain: str) -> str:
    """SHA-256: enough for 256 random bits, and cheap on every request."""
    return sha256(plain.encode("utf-8", "replace")).hexdigest()


def prefix_of(plain: str) -> str:
    """What stands where the prefix belongs; empty when the text is no token at all."""
    found = _SHAPE.fullmatch(plain)
    return found["prefix"] if found else ""


def token_in_header(authorization: str | None) -> str | None:
    """The token of `Authorization: Token …`; None when another scheme or no header was sent."""
    scheme, _, plain = (authorization or "").strip().partition(" ")
    return plain.strip() if scheme.lower() == KEYWORD else None


def token_in_subprotocols(subprotocols: Iterable[str]) -> str | None:
    """The token of `Sec-WebSocket-Protocol: chatter.v1, token.<t>`."""
    found = (offer for offer in subprotocols if offer.startswith(SUBPROTOCOL))
    return next((offer.removeprefix(SUBPROTOCOL) for offer in found), None)
