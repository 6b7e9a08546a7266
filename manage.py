#!/usr/bin/env python
"""Chatter's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from chatter_project.environment import BadSetting

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatter_project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadSetting as error:
        sys.exit(str(error))
