"""Signatures by the Standard Webhooks specification, and as GitHub makes them (pure)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The one signature of `webhook-signature` that this secret makes."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(_digest(_key(secret), signed)).decode()


def is_genuine(
    known: Sequence[str], told: str, message_id: str, timestamp: int, body: bytes
) -> bool:
    """Whether one of the signatures told (separated by spaces) was made with a known secret."""
    made = [sign(secret, message_id, timestamp, body) for secret in known]
    return _is_any_of(made, told.split()[:10])


def sign_as_github(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`; the key is the text of the secret."""
    return "sha256=" + _digest(secret.encode(), body).hex()


def is_genuine_as_github(known: Sequence[str], told: str, body: bytes) -> bool:
    return _is_any_of([sign_as_github(secret, body) for secret in known], [told])


def _is_any_of(made: Sequence[str], told: Sequence[str]) -> bool:
    """Every pair is compared, and each in the same time."""
    pairs = [(one.encode(), other.encode("utf-8", "replace")) for one in made for other in told]
    return any([hmac.compare_digest(one, other) for one, other in pairs])


def _key(secret: str) -> bytes:
    text = secret.removeprefix(PREFIX)
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:  # a secret that was given, not made here
        return text.encode()


def _digest(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
