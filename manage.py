#!/usr/bin/env python
"""Chatter's command line."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import OperationalError, connection

from chatter_project.environment import BadSetting

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadSetting as error:
        sys.exit(str(error))
    except OperationalError as error:
        if connection.connection is not None:
            raise
        sys.exit(f"The database does not answer: {error}")
