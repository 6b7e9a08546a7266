"""Large numbers of PostgreSQL's JSON, as they were given.

It keeps 1e20 as 100000000000000000000, and most readers take no whole number of more than 64 bits.
"""

import json
import re
from typing import Any

from django.db.backends.signals import connection_created
from psycopg.abc import Buffer
from psycopg.types.string import TextLoader

from core.json_values import whole_or_decimal

_LONG = re.compile(r"\d{19}")


class JsonbLoader(TextLoader):
    """The text of a document, for Django to read."""

    def load(self, data: Buffer) -> str | bytes:
        text = super().load(data)
        if isinstance(text, bytes) or not _LONG.search(text):
            return text
        return json.dumps(json.loads(text, parse_int=whole_or_decimal))


def on_connection_created(connection: Any, **_: Any) -> None:
    connection.connection.adapters.register_loader("jsonb", JsonbLoader)


def connect() -> None:
    connection_created.connect(on_connection_created, dispatch_uid="core.jsonb")
