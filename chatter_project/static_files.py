"""Where `collectstatic` puts files."""

import filecmp
import os
from datetime import UTC, datetime
from typing import Any

from django.contrib.staticfiles.finders import find
from django.contrib.staticfiles.storage import StaticFilesStorage

_LONG_AGO = datetime(1980, 1, 1, tzinfo=UTC)


class WholeFiles(StaticFilesStorage):
    """A file is there once it is whole: one that was cut off, by a full disk or a kill, is newer
    than its source and would be left as it is by every later `collectstatic`.
    """

    def get_modified_time(self, name: str) -> datetime:
        """Long ago, of one that its source does not equal: `collectstatic` would leave it if it is
        newer, as those of a release are from which one goes back.
        """
        source = find(name)
        if isinstance(source, str) and not filecmp.cmp(source, self.path(name), shallow=False):
            return _LONG_AGO
        return super().get_modified_time(name)

    def _save(self, name: str, content: Any) -> str:
        part = f"{name}.part"
        self.delete(part)  # of the one that was cut off
        made = super()._save(part, content)  # type: ignore[misc]
        os.replace(self.path(made), self.path(name))
        return name
