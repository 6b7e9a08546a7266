"""Files that commands write."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

_OWNER_ALONE = 0o600


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """One that was not there before, nor is afterwards if it could not be finished.

    Raises CommandError where there is one, or none can be.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}.") from error
    with open(descriptor, "wb") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise
