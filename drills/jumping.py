"""`manage.py` on a machine whose clock is wrong by as many seconds as a file says.

libfaketime does it to the whole process, and to the timed waits of Python's threads as well, which
then hardly get on; all of Chatter and django-q2 ask one of these two.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.core.management import execute_from_command_line
from django.utils import timezone

from core import clock

WRONG_BY = "DRILL_CLOCK_WRONG_BY"


def _now() -> datetime:
    wrong_by_s = float(Path(os.environ[WRONG_BY]).read_text())
    return datetime.now(UTC) + timedelta(seconds=wrong_by_s)


if __name__ == "__main__":
    clock.now = timezone.now = _now
    execute_from_command_line(sys.argv)
