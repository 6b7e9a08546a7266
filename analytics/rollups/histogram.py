"""How whole numbers are spread, in buckets so narrow that their middle is at most 1.6 % off.

Every power of two is cut into 32 buckets of the same width, and numbers below 64 have one each, so
a number in a bucket of width w is at least 32 w: half of w is 1/64 of it. Integers alone: the same
number is in the same bucket on every machine and in every database. The scheme of HdrHistogram.
"""

import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, compress
from typing import NamedTuple

_EXACT, _PER_OCTAVE, _BITS = 64, 32, 6
_HEAD = struct.Struct("<BH")  # how it is packed, and the first bucket
_ROW, _PAIRS = 1, 2
_COUNT, _PAIR, _BITS_OF_COUNT = 4, 6, 32
_COUNTS = "I"  # as `array` calls them


class Row(NamedTuple):
    """The counts of all buckets from the first to the last that hold any, as they are packed.

    A mapping of the same took three times as long to read and ask for percentiles, and a tuple,
    which is hundreds of objects, twice as long (measured).
    """

    first: int = 0
    counts: Sequence[int] = array(_COUNTS)

    def items(self) -> Iterator[tuple[int, int]]:
        """The buckets that hold any."""
        return compress(enumerate(self.counts, self.first), self.counts)


Histogram = Mapping[int, int] | Row


def bucket_of(value: int) -> int:
    """The bucket of a number; those below zero count as zero."""
    if value < _EXACT:
        return max(value, 0)
    shift = value.bit_length() - _BITS
    return _EXACT + (shift - 1) * _PER_OCTAVE + (value >> shift) - _PER_OCTAVE


def counted(values: Iterable[int], each: int) -> dict[int, int]:
    """The histogram of numbers that count so much each."""
    return {bucket: each * many for bucket, many in Counter(map(bucket_of, values)).items()}


def added(histograms: Iterable[Histogram]) -> dict[int, int]:
    """The sum of histograms."""
    found: dict[int, int] = {}
    for histogram in histograms:
        for bucket, count in histogram.items():
            found[bucket] = found.get(bucket, 0) + count
    return found


def middle_of(bucket: int) -> int:
    """The number that stands for a bucket."""
    if bucket < _EXACT:
        return bucket
    octave, step = divmod(bucket - _EXACT, _PER_OCTAVE)
    lowest = (_PER_OCTAVE + step) << (octave + 1)
    return lowest + (1 << octave)


def percentile(histogram: Histogram, share: float, many: int | None = None) -> int | None:
    """What this share of all numbers does not exceed (nearest rank); None without numbers.

    `many` is how many there are, by whom that is known already.
    """
    return next(iter(percentiles(histogram, [share], many)), None)


def percentiles(
    histogram: Histogram, shares: Sequence[float], many: int | None = None
) -> list[int]:
    """The same for several shares, the least first; nothing without numbers."""
    buckets, counts = _in_order(histogram)
    many = sum(counts) if many is None else many
    at, before, found = 0, 0, []
    for share in shares if many else ():
        at, before = _reached(counts, max(-(-many * share // 1), 1), at, before)
        found.append(middle_of(buckets[at]))
    return found


def _reached(counts: Sequence[int], rank: float, at: int, before: int) -> tuple[int, int]:
    """Where the number of this rank is, at `at` or behind, and how many there are `before` it.

    By halves: to keep the sum at each step took half as long again (measured).
    """
    end = len(counts)
    while end - at > 1:
        middle = (at + end) // 2
        upto = before + sum(counts[at:middle])
        if rank <= upto:
            end = middle
        else:
            at, before = middle, upto
    return at, before


def _in_order(histogram: Histogram) -> tuple[Sequence[int], Sequence[int]]:
    """Buckets and their counts, the least first; some may hold none."""
    if isinstance(histogram, Row):
        first, counts = histogram
        return range(first, first + len(counts)), counts
    buckets = sorted(histogram)
    return buckets, [histogram[bucket] for bucket in buckets]


def pack(histogram: Histogram) -> bytes:
    """Either all counts from the first bucket to the last, or only the buckets that hold any.

    A busy day is the one, for it is added faster, unless it takes three times as much; an hour of
    one user the other. A bucket holds less than 2 ** 32.
    """
    held = sorted((bucket, count) for bucket, count in histogram.items() if count)
    if not held:
        return b""
    first, last = held[0][0], held[-1][0]
    width = last - first + 1
    if width * _COUNT <= 3 * len(held) * _PAIR:
        counts = [0] * width
        for bucket, count in held:
            counts[bucket - first] = count
        return _HEAD.pack(_ROW, first) + struct.pack(f"<{width}I", *counts)
    return _HEAD.pack(_PAIRS, 0) + struct.pack(_layout(len(held)), *chain(*zip(*held, strict=True)))


def merged(packed: Sequence[bytes]) -> Histogram:
    """The sum of packed histograms."""
    if len(packed) == 1 and packed[0] and packed[0][0] == _ROW:
        return _row_of(packed[0])
    rows: list[tuple[int, bytes]] = []
    pairs: list[bytes] = []
    for one in packed:
        if not one:
            continue
        kind, first = _HEAD.unpack_from(one)
        if kind == _ROW:
            rows.append((first, one[_HEAD.size :]))
        else:
            pairs.append(one)
    row = _added_at_once(rows)
    if not pairs:
        return row
    found = dict(row.items())
    for one in pairs:
        size = (len(one) - _HEAD.size) // _PAIR
        numbers = struct.unpack_from(_layout(size), one, _HEAD.size)
        for bucket, count in zip(numbers[:size], numbers[size:], strict=True):
            found[bucket] = found.get(bucket, 0) + count
    return found


def _row_of(packed: bytes) -> Row:
    _, first = _HEAD.unpack_from(packed)
    return Row(first, _counts_of(packed[_HEAD.size :]))


def _counts_of(packed: bytes) -> "array[int]":
    counts = array(_COUNTS)
    counts.frombytes(packed)
    if sys.byteorder == "big":
        counts.byteswap()
    return counts


def _added_at_once(rows: Sequence[tuple[int, bytes]]) -> Row:
    """Rows of counts, each from its first bucket on, added as whole numbers of 32 bits a bucket.

    It takes a fiftieth of what it takes bucket by bucket.
    """
    start = min((first for first, _ in rows), default=0)
    total = sum(
        int.from_bytes(counts, "little") << (_BITS_OF_COUNT * (first - start))
        for first, counts in rows
    )
    width = -(-total.bit_length() // _BITS_OF_COUNT)
    return Row(start, _counts_of(total.to_bytes(width * _COUNT, "little")))


@cache
def _layout(size: int) -> str:
    return f"<{size}H{size}I"
