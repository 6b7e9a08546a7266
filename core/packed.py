"""What a server has packed, unpacked within bounds."""

import zlib

from core.errors import ChatterError

_GZIP = 16 + zlib.MAX_WBITS


class BadEncoding(ChatterError):
    code = "egress_bad_encoding"
    status = 502
    message = "The response is compressed in a way that cannot be read."


def is_packed(coding: str) -> bool:
    """Whether the header `Content-Encoding` says so. Raises BadEncoding for any but gzip."""
    if coding.lower() not in ("", "identity", "gzip", "x-gzip"):
        raise BadEncoding
    return coding.lower() not in ("", "identity")


class Packed:
    """What gzip has packed, chunk by chunk. `is_torn`: it has begun, and not ended."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_GZIP)
        self.is_torn = False

    def unpack(self, chunk: bytes, at_most: int) -> bytes:
        """Never more than asked for: a few bytes may stand for gigabytes. Raises BadEncoding."""
        try:
            unpacked = self._unpacker.decompress(chunk, at_most)
        except zlib.error as error:
            raise BadEncoding from error
        self.is_torn = not self._unpacker.eof
        return unpacked
