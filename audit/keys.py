"""What seals and signs the trail: made of secrets that are not in the database."""

from functools import lru_cache
from hashlib import sha256

from django.conf import settings


def secrets_of(purpose: str) -> tuple[bytes, ...]:
    """32 bytes each: today's first, then those that older rows may have been made with."""
    named = (settings.AUDIT_KEY, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return tuple(_derived(purpose, secret) for secret in named if secret)


def sealing_keys() -> tuple[bytes, ...]:
    """For the hashes and seals of entries."""
    return secrets_of("seals")


@lru_cache(maxsize=16)
def _derived(purpose: str, secret: str) -> bytes:
    return sha256(f"chatter.audit.{purpose}.v1:{secret}".encode()).digest()
