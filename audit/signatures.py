"""Ed25519: what this installation vouches for, and whether one that is believed did."""

from collections.abc import Collection

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from audit.keys import secrets_of


def public_keys() -> tuple[str, ...]:
    """Those that are believed by default, in hexadecimal; today's first."""
    return tuple(_public_of(_private(secret)) for secret in secrets_of("signatures"))


def sign(text: bytes) -> tuple[str, str]:
    """Today's public key and its signature, in hexadecimal."""
    key = _private(secrets_of("signatures")[0])
    return _public_of(key), key.sign(text).hex()


def is_signed(text: bytes, public_key: str, signature: str, believed: Collection[str]) -> bool:
    """Whether a key that is believed signed this; never raises, whatever is given for one."""
    if public_key not in believed:
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _private(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)


def _public_of(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
