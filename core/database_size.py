"""How large the database is."""

from pathlib import Path

from django.db import connection


def database_bytes() -> int:
    """Of SQLite the file, and what is still to be put into it."""
    if connection.vendor == "postgresql":
        return _asked("SELECT pg_database_size(current_database())")
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + suffix) for suffix in ("", "-wal"))
    on_disk = sum(file.stat().st_size for file in files if file.exists())
    return on_disk or _asked("PRAGMA page_count") * _asked("PRAGMA page_size")


def _asked(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
