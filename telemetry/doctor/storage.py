"""Is there a place for what must be kept, and does it keep it?"""

import filecmp
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.db import DatabaseError, OperationalError, connection
from django.db.models import Index
from django.template.defaultfilters import pluralize

from core import clock
from core.schema import (
    missing_columns,
    missing_migrations,
    missing_rules,
    missing_tables,
    newer_migrations,
)
from telemetry import parts
from telemetry.doctor.finding import Finding, broken, warning

_GIB, _MIB = 1 << 30, 1 << 20
_FULL, _SHORT = 100 * _MIB, 1 * _GIB
_SKEW_S = 2.0
_SHORTEST_MS = 30_000
_WAITS_S = 5
_SLOW_MS = 250


def database() -> Iterator[Finding]:
    """Whether the database answers."""
    try:
        took_ms = parts.database_answers()
    except Exception as error:
        yield broken(
            f"The database does not answer: {type(error).__name__}: {error}".splitlines()[0],
            _mends(error),
        )
        return
    if took_ms > _SLOW_MS:
        yield warning(
            f"The database took {took_ms} ms to answer nothing.",
            "Keep it near: every step of a run asks it.",
        )


def _mends(error: Exception) -> str:
    if connection.vendor == "postgresql":
        return "See that it runs and that DATABASE_URL names it, with a user who may log in."
    path = connection.settings_dict["NAME"]
    if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
        return f"{path} is damaged, or something else: put back its backup."
    return f"Let the server's user write {path}, and beside it."


def schema() -> Iterator[Finding]:
    """Whether the tables are those that this release needs."""
    missing = missing_migrations()
    if missing:
        yield broken(
            f"{len(missing)} migration{pluralize(missing, ' is,s are')} not applied, from"
            f" {missing[0]} on.",
            "manage.py prepare",
        )
    elif gone := missing_tables():
        yield broken(
            f"{len(gone)} table{pluralize(gone, ' is,s are')} gone, as {gone[0]}.",
            "Restore the backup, all of it: no migration makes a table anew.",
        )
    elif columns := missing_columns():
        yield broken(
            f"{len(columns)} column{pluralize(columns, ' is,s are')} gone, as {columns[0]}.",
            "Restore the backup, all of it: no migration makes a column anew.",
        )
    if newer := newer_migrations():
        yield warning(
            f"The tables are those of a newer release, as {newer[0]} made them.",
            "Start that release again, or restore the backup that was made before it.",
        )


def indexes() -> Iterator[Finding]:
    """Whether tables have their indexes, and refuse what they should."""
    for rule, statement in missing_rules():
        remedy = f"manage.py dbshell, and there: {statement}"
        if isinstance(rule, Index):
            yield warning(f"The index {rule.name} is gone: pages and reports are slow.", remedy)
        else:
            yield broken(
                f"The constraint {rule.name} is gone: what may not be is no longer refused.",
                remedy if statement else "Restore the backup, all of it.",
            )


def sqlite_settings() -> Iterator[Finding]:
    """How SQLite shares its file among those who read and write."""
    if connection.vendor != "sqlite":
        return
    options = settings.DATABASES["default"].get("OPTIONS", {})
    path = Path(settings.DATABASES["default"]["NAME"])
    if path.is_file() and path.stat().st_mode & stat.S_IROTH:
        yield warning(f"Everyone on this machine may read {path}.", f"chmod o= {path}*")
    if parts.database_only_reads():
        yield broken(f"{path} can only be read.", "Let the server's user write it, and beside it.")
    mode = _asked("PRAGMA journal_mode")
    if mode not in ("wal", "memory"):
        yield broken(
            f"The journal mode is '{mode}', so who reads stops who writes.",
            "Let the data be on a local disk of this machine: WAL does not work on shares.",
        )
    if options.get("timeout", 0) < _WAITS_S:
        yield broken(
            "Writers give up before others are through.",
            "Leave OPTIONS['timeout'] of the settings at 20.",
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        yield broken(
            "Transactions that read before they write fail with 'database is locked'.",
            "Leave OPTIONS['transaction_mode'] of the settings at IMMEDIATE.",
        )


def postgresql_settings() -> Iterator[Finding]:
    """What the server does with our statements."""
    if connection.vendor != "postgresql":
        return
    if parts.database_only_reads():
        yield broken(
            "Nothing can be written: this is a replica, or it was made read-only.",
            "Let DATABASE_URL name the primary; some hosts make one read-only that is full.",
        )
    if _asked("SHOW fsync") != "on":
        yield warning(
            "fsync is off: a power cut may destroy the database.",
            "Set fsync = on for all but tests.",
        )
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        limit_ms = int(_asked("SELECT setting FROM pg_settings WHERE name = %s", [name]))
        if 0 < limit_ms < _SHORTEST_MS:
            yield warning(
                f"{name} is {limit_ms} ms: reports and migrations may be cut off.",
                f"ALTER ROLE … SET {name} = '60s', or more.",
            )
    most = int(_asked("SELECT setting FROM pg_settings WHERE name = 'max_connections'"))
    if most < settings.SERVER_CONNECTIONS:
        yield broken(
            f"One server may hold {settings.SERVER_CONNECTIONS} connections, PostgreSQL gives"
            f" {most} to all.",
            "Raise max_connections: 20 for each server, 10 for each worker, and 20.",
        )


def clock_skew() -> Iterator[Finding]:
    """Whether the clocks of this machine and of the database agree."""
    theirs = {
        "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "postgresql": "SELECT clock_timestamp()",
    }
    at = _asked(theirs[connection.vendor])
    if isinstance(at, str):
        at = datetime.fromisoformat(at).replace(tzinfo=UTC)
    skew_s = abs((clock.now() - at).total_seconds())
    if skew_s > _SKEW_S:
        tell = broken if skew_s > settings.CHATTER_LEASE_S / 2 else warning
        yield tell(
            f"The clocks of this machine and of the database differ by {skew_s:.1f} s.",
            "Run NTP (chrony, systemd-timesyncd) on both.",
        )


def disk_space() -> Iterator[Finding]:
    """Room for what comes, beside the data."""
    places, file = [settings.DATA_DIR], Path(settings.DATABASES["default"]["NAME"])
    if connection.vendor == "sqlite" and file.is_file():
        places.append(file.parent)
    for place in dict.fromkeys(places):
        free = shutil.disk_usage(_existing(place)).free
        if free < _SHORT:
            tell = broken if free < _FULL else warning
            yield tell(
                f"{free // _MIB} MiB are free at {place}.",
                "Make room. EVENTS_KEPT_DAYS and `manage.py prune` take the larger part of old"
                " logs.",
            )


def static_files() -> Iterator[Finding]:
    """Whether styles and scripts are where the server looks for them, and of this release."""
    if settings.DEBUG:
        return
    kept, sources = Path(settings.STATIC_ROOT), dict[str, str]()
    for finder in get_finders():
        for path, storage in finder.list([]):
            sources.setdefault(path, storage.path(path))
    lacking = [path for path, source in sources.items() if not _equal(source, kept / path)]
    if lacking:
        yield broken(
            f"{len(lacking)} of {len(sources)} static files {pluralize(lacking, 'is,are')} missing"
            f" at {kept}, or of another release, as {lacking[0]}.",
            "manage.py collectstatic --noinput, or manage.py prepare; then restart the server.",
        )


def _equal(source: str, kept: Path) -> bool:
    return kept.is_file() and filecmp.cmp(source, kept, shallow=False)


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _asked(sql: str, values: list[str] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]
