"""Values that stand in a statement itself, not beside it as parameters."""

from typing import Any

from django.db.models import Value


class Spelt(Value):
    """A text of ours: SQLite takes a partial index only for a list it can read, so whoever looked
    for the few that are under way went through all that ever were.
    """

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[()]]:
        return f"'{self.value}'", ()
