"""Where `collectstatic` puts files."""

import os
from typing import Any

from django.contrib.staticfiles.storage import StaticFilesStorage


class WholeFiles(StaticFilesStorage):
    """A file is there once it is whole: one that was cut off, by a full disk or a kill, is newer
    than its source and would be left as it is by every later `collectstatic`.
    """

    def _save(self, name: str, content: Any) -> str:
        part = f"{name}.part"
        self.delete(part)  # of the one that was cut off
        made = super()._save(part, content)  # type: ignore[misc]
        os.replace(self.path(made), self.path(name))
        return name
