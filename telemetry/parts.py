"""Whether the parts of an installation are there: asked by health checks and by the doctor."""

import os
import time
from pathlib import Path

from django.conf import settings
from django.db import connection

from core.failover import give_up

_REDIS_S = 1.0
_REDIS_KEY = "chatter:asked"


def redis_problem() -> str:
    """What is wrong with Redis; empty where all is well, or none is set.

    One that is full, or a replica, answers a ping and refuses what logins are counted with.
    """
    if not settings.REDIS_URL:
        return ""
    from redis import Redis  # noqa: PLC0415 - 13 MB that an installation without it does not need

    try:
        limits = {"socket_timeout": _REDIS_S, "socket_connect_timeout": _REDIS_S}
        with Redis.from_url(settings.REDIS_URL, **limits) as redis:
            redis.set(_REDIS_KEY, 1, ex=1)
    except Exception as error:  # an address that is none, a name nobody knows, a wrong password
        return type(error).__name__
    return ""


def database_answers() -> float:
    """How many milliseconds it took to answer. Raises what the database raises."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return round((time.perf_counter() - began) * 1000, 3)


def database_only_reads() -> bool:
    """Whether it takes no writes: PostgreSQL that is a replica, or that its host finds full; a file
    that is not ours to write. The next one to ask PostgreSQL gets another connection then.
    """
    if connection.vendor != "postgresql":
        file = Path(settings.DATABASES["default"]["NAME"])
        return file.is_file() and not all(os.access(one, os.W_OK) for one in (file, file.parent))
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        only_reads = bool(cursor.fetchone() == ("on",))
    if only_reads and not connection.in_atomic_block:
        give_up(connection)
    return only_reads
