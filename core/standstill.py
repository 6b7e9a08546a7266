"""A transaction whose process stands still, or whose machine is gone, does not last for ever.

PostgreSQL would wait for its next word for hours, and nobody else could have what it has locked:
not even runs whose lease is long over.
"""

from typing import Any
from weakref import WeakSet

from django.db.backends.signals import connection_created

AT_MOST = "60s"
_NAME = "idle_in_transaction_session_timeout"
# Where whoever runs the database has set a limit, that one holds.
_LIMIT = f"SELECT set_config('{_NAME}', %s, false) WHERE current_setting('{_NAME}') = '0'"
_limited: WeakSet[Any] = WeakSet()  # a pool hands out the same ones again and again


def on_connection_created(connection: Any, **_: Any) -> None:
    if connection.connection in _limited:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT, [AT_MOST])
    _limited.add(connection.connection)


def connect() -> None:
    connection_created.connect(on_connection_created, dispatch_uid="core.standstill")
