"""What a provider may send at most: its libraries take all there is, however much that is."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

_MOST_BYTES = 128 * 2**20  # of a stream, whose events are dropped once they are read
_LONGEST_LINE = 8 * 2**20  # it is kept in one piece, and copied for each chunk of it
_MOST_OF_AN_ERROR = 2**20  # it is kept as a whole
_ERROR = 400


class Overlong(Exception):
    """The provider sends what nobody could use."""


async def bound(response: Any) -> None:
    """A hook of httpx: the response's bytes are counted as they are unpacked."""
    most = _MOST_OF_AN_ERROR if response.status_code >= _ERROR else _MOST_BYTES
    response.aiter_bytes = partial(_counted, response.aiter_bytes, most)


async def _counted(chunks: Any, left: int, *args: Any, **options: Any) -> AsyncIterator[bytes]:
    line = 0
    async for chunk in chunks(*args, **options):
        left -= len(chunk)
        line = line + len(chunk) if b"\n" not in chunk else len(chunk) - chunk.rindex(b"\n")
        if left < 0 or line > _LONGEST_LINE:
            raise Overlong
        yield chunk
