"""A file that is sent while it is written."""

from io import RawIOBase
from typing import Any


class Pipe(RawIOBase):
    """What a ZIP or a table is written into, and taken out of before it grows.

    `size` is what waits to be taken, `tell` how much there has been.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._taken = self.size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._taken + self.size

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def taken(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts, self._taken, self.size = [], self.tell(), 0
        return whole
