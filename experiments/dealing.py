"""Which units take part, and which variant each is dealt: pure, the same anywhere and at any time.

A unit's number is the first 64 bits of SHA-256 of "<domain>:<salt>:<unit key>", big-endian. It
takes part where number * 100 >> 64, in the domain "traffic", is below the traffic share in per
cent. In the domain "variant", number * (sum of weights) >> 64 is a point on the line of all
weights, one variant behind the other. The domains are apart, so that who takes part says nothing
of the variant; salts are, so that one experiment says nothing of another.
"""

from collections.abc import Sequence
from hashlib import sha256

_BITS = 64


def number_of(domain: str, salt: str, unit: str) -> int:
    digest = sha256(f"{domain}:{salt}:{unit}".encode()).digest()
    return int.from_bytes(digest[: _BITS // 8], "big")


def takes_part(salt: str, unit: str, percent: int) -> bool:
    return number_of("traffic", salt, unit) * 100 >> _BITS < percent


def dealt(salt: str, unit: str, weights: Sequence[int]) -> int:
    """The place, from 0 on, of the variant that this unit is dealt."""
    point = number_of("variant", salt, unit) * sum(weights) >> _BITS
    for place, weight in enumerate(weights):
        if point < weight:
            return place
        point -= weight
    raise AssertionError("A point lies on the line of the weights.")
