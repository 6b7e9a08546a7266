#!/usr/bin/env python
"""Chatter's command line."""

import gc
import os
import sys
from contextlib import suppress

from django.core.management import execute_from_command_line
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from chatter_project.environment import BadSetting
from core.schema import refuse_stale_schema

_PREPARE = {"prepare", "migrate"}


def in_one_line(error: DatabaseError) -> str:
    """What is said of a database that is not prepared or does not answer; empty of any other."""
    try:
        with suppress(OperationalError):
            refuse_stale_schema()
    except CommandError as stale:
        if _PREPARE.isdisjoint(sys.argv[1:2]):
            return str(stale)
    return f"The database does not answer: {error}" if isinstance(error, OperationalError) else ""


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
    gc.set_threshold(100_000, 20, 20)  # what is loaded stays: looking through it took a fifth of it
    try:
        execute_from_command_line(sys.argv)
    except BadSetting as error:
        sys.exit(str(error))
    except DatabaseError as error:
        told = in_one_line(error)
        if not told:
            raise
        sys.exit(told)
