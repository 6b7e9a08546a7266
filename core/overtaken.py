"""Two at the same moment: what one deletes the other names, or was about to change."""

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError

from core.errors import ChangedMeanwhile

log = structlog.get_logger(__name__)
_STILL_NAMED = ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503")


def was_overtaken(error: Exception) -> bool:
    """Whether this comes of a row that is gone since it was read, or that is named only since."""
    if isinstance(error, IntegrityError):
        cause = error.__cause__
        names = (getattr(cause, "sqlite_errorname", None), getattr(cause, "sqlstate", None))
        return any(name in _STILL_NAMED for name in names)
    # Django raises it for a save that finds no row; of the driver's own it is made with its cause.
    saved_nothing = type(error) is DatabaseError and error.__cause__ is None
    return saved_nothing or isinstance(error, ObjectDoesNotExist)


def overtaken(error: Exception, request_id: str) -> ChangedMeanwhile:
    log.warning("request.overtaken", request_id=request_id, exc_info=error)
    return ChangedMeanwhile()
