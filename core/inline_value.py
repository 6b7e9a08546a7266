"""A constant written into the SQL text itself, not passed as a parameter."""

from typing import Any

from django.db.models import Value


class InlineValue(Value):
    """Only for text of our own, for it is not escaped.

    SQLite uses a partial index only if the statement itself shows the values. With parameters, a
    query for the few rows under way read every row there ever was.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        return f"'{self.value}'", ()
