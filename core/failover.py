"""A connection to a PostgreSQL that refuses to write is not used again.

When another server takes over, connections to the old one may stay open. A pool would hand them out
for up to an hour, and a thread that keeps its own for good; the next one leads where the address
leads by then.
"""

from collections.abc import Callable
from typing import Any

from django.db import InternalError
from django.db.backends.signals import connection_created

_ONLY_READS = "25006"  # as PostgreSQL numbers it


def given_up_where_it_only_reads(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django's hook around each statement."""
    try:
        return execute(sql, params, many, context)
    except InternalError as error:
        if getattr(error.__cause__, "sqlstate", "") == _ONLY_READS:
            give_up(context["connection"])
        raise


def give_up(connection: Any) -> None:
    """A pool does not keep one that is closed; a transaction drops it where it rolls back."""
    connection.connection.close()
    if not connection.in_atomic_block:
        connection.close()


def on_connection_created(connection: Any, **_: Any) -> None:
    if given_up_where_it_only_reads not in connection.execute_wrappers:
        connection.execute_wrappers.append(given_up_where_it_only_reads)


def connect() -> None:
    connection_created.connect(on_connection_created, dispatch_uid="core.failover")
