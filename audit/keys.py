"""What seals the trail: keys made of secrets that are not in the database."""

from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings


def sealing_keys() -> tuple[bytes, ...]:
    """Today's key first, then those that older entries may have been sealed with; 32 bytes each."""
    named = (settings.AUDIT_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return tuple(_derived("seals", secret) for secret in named if secret)


def signing_key() -> Ed25519PrivateKey:
    """What signs checkpoints and exports."""
    return _signing_key(settings.AUDIT_KEY or settings.SECRET_KEY)


def public_keys() -> tuple[str, ...]:
    """Those whose signatures are believed, in hexadecimal; today's first."""
    named = (settings.AUDIT_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return tuple(public_of(_signing_key(secret)) for secret in named if secret)


def public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


@lru_cache(maxsize=8)
def _signing_key(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived("signatures", secret))


@lru_cache(maxsize=16)
def _derived(purpose: str, secret: str) -> bytes:
    return sha256(f"chatter.audit.{purpose}.v1:{secret}".encode()).digest()
