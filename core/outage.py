"""The answer while the database is away, full or only read: try again."""

import structlog
from django.db import InterfaceError, InternalError, OperationalError

from core.errors import DatabaseAway

# PostgreSQL that may only read, such as a replica, calls a write an internal error.
AWAY = (OperationalError, InterfaceError, InternalError)
_AWAY_S = 5
log = structlog.get_logger(__name__)


def database_away(error: Exception) -> DatabaseAway:
    log.warning("database.away", error=repr(error))
    return DatabaseAway(retry_after_s=_AWAY_S)
