"""Reads that outlast an outage of the database."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog

from core.database import database
from core.outage import AWAY

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)
_AGAIN_AFTER_S = 0.5


async def patiently(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `database.run`, again and again while there is no database to ask."""
    while True:
        try:
            return await database.run(function, *args, **kwargs)
        except AWAY as error:
            log.warning("watching.no_database", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_AFTER_S)
