"""Two clocks that a test puts on for itself and the processes beside it: of the wall, of loops."""

import mmap
import struct
from pathlib import Path

_SECONDS = struct.Struct("d")


class Clocks:
    """By how many seconds they are ahead, in a file that all processes share."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(2 * _SECONDS.size))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    @property
    def wall(self) -> float:
        return self._read(0)

    @property
    def loops(self) -> float:
        return self._read(1)

    def put_on(self, *, wall: float = 0, loops: float = 0) -> None:
        for at, ahead in enumerate((self.wall + wall, self.loops + loops)):
            _SECONDS.pack_into(self._shared, at * _SECONDS.size, ahead)

    def _read(self, at: int) -> float:
        (ahead,) = _SECONDS.unpack_from(self._shared, at * _SECONDS.size)
        return float(ahead)
