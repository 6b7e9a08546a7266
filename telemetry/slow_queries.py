"""Statements that took long: logged with their place and request, and counted.

What a statement gives is read later, and that time is not its own.
"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from django.conf import settings

from telemetry.instruments import SLOW_QUERIES, SLOW_QUERY_SECONDS

_LONGEST = 2_000  # characters of a statement
_MANY_VALUES = re.compile(r"(?:%s, ){3,}%s")
_MANY_ROWS = re.compile(r"(\(%s[^()]*\))(?:, \1)+")
_ROOT = str(settings.BASE_DIR)
_NOT_OURS = ("site-packages", str(Path(__file__)))
log = structlog.get_logger(__name__)


def watch(connection: Any) -> None:
    """Look at all that this connection executes, from now on; more than once changes nothing.

    From outside of other hooks, which would be taken for the place of each statement.
    """
    if settings.SLOW_QUERY_MS > 0 and timed not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, timed)


def timed(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Django's hook around each statement."""
    began = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        took_s = time.perf_counter() - began
        if took_s * 1000 >= settings.SLOW_QUERY_MS:
            _tell(str(sql), took_s, context["connection"].alias)


def _tell(sql: str, took_s: float, database: str) -> None:
    """Without the parameters: they are what people wrote."""
    SLOW_QUERIES.inc()
    SLOW_QUERY_SECONDS.inc(took_s)
    log.warning(
        "database.slow_query",
        ms=round(took_s * 1000, 1),
        sql=_brief(sql),
        at=_caller(sys._getframe()),
        database=database,
    )


def _brief(sql: str) -> str:
    """Five hundred rows of forty columns say no more than one of them."""
    return _MANY_ROWS.sub(r"\1, …", _MANY_VALUES.sub("%s, …", sql))[:_LONGEST]


def _caller(frame: FrameType | None) -> str:
    """The nearest place of our own code; empty where there is none."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_ROOT) and not any(part in name for part in _NOT_OURS):
            return f"{name[len(_ROOT) + 1 :]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
