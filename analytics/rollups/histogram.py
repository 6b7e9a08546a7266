"""How whole numbers are spread, in buckets so narrow that their middle is at most 1.6 % off.

Every power of two is cut into 32 buckets of the same width, and numbers below 64 have one each, so
a number in a bucket of width w is at least 32 w: half of w is 1/64 of it. Integers alone: the same
number is in the same bucket on every machine and in every database. The scheme of HdrHistogram.
"""

import struct
from collections.abc import Iterable, Mapping
from functools import cache
from struct import unpack_from

Histogram = Mapping[int, int]
_EXACT, _PER_OCTAVE, _BITS = 64, 32, 6
_BYTES = 6


def bucket_of(value: int) -> int:
    """The bucket of a number; those below zero count as zero."""
    if value < _EXACT:
        return max(value, 0)
    shift = value.bit_length() - _BITS
    return _EXACT + (shift - 1) * _PER_OCTAVE + (value >> shift) - _PER_OCTAVE


def middle_of(bucket: int) -> int:
    """The number that stands for a bucket."""
    if bucket < _EXACT:
        return bucket
    octave, step = divmod(bucket - _EXACT, _PER_OCTAVE)
    lowest = (_PER_OCTAVE + step) << (octave + 1)
    return lowest + (1 << octave)


def percentile(histogram: Histogram, share: float) -> int | None:
    """What this share of all numbers does not exceed (nearest rank); None without numbers."""
    rank = max(-(-sum(histogram.values()) * share // 1), 1)
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return middle_of(bucket)
    return None


def pack(histogram: Histogram) -> bytes:
    """Six bytes for each bucket that is not empty: all their numbers, then how many are in each."""
    held = sorted((bucket, count) for bucket, count in histogram.items() if count)
    return struct.pack(_layout(len(held)), *(one[0] for one in held), *(one[1] for one in held))


def unpack(packed: bytes) -> dict[int, int]:
    return merged([packed])


def merged(packed: Iterable[bytes]) -> dict[int, int]:
    """The sum of packed histograms."""
    found: dict[int, int] = {}
    known = found.get
    for one in packed:
        size = len(one) // _BYTES
        numbers = unpack_from(_layout(size), one)
        for bucket, count in zip(numbers[:size], numbers[size:], strict=True):
            found[bucket] = known(bucket, 0) + count
    return found


@cache
def _layout(size: int) -> str:
    return f"<{size}H{size}I"
