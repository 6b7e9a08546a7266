"""JSON without floats, as a program makes it: it is written faster, and not read to be checked."""

from typing import Any

from django.db import models


class WholeJSONField(models.JSONField):
    """For `core.row_encoding`: orjson may write it, which of infinity would make null.

    Django has SQLite check JSON, and a row whose check calls a function may have to be taken back:
    where there is a trigger, SQLite copies each page it changes before (4 of 8 µs, measured).
    """

    def db_check(self, connection: Any) -> None:
        return None
