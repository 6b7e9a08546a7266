"""The settings of a worker that plays cases: its clocks are put on by the test, and it has the type
of node that cases have."""

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

from chatter_project.settings import *  # noqa: F403
from core import clock
from tests.conformance.clocks import Clocks

INSTALLED_APPS = [*INSTALLED_APPS, "tests.conformance.changing.Changing"]  # noqa: F405
CHATTER_NODE_TYPES = [*CHATTER_NODE_TYPES, "tests.conformance.scripted.BrokenNode"]  # noqa: F405
_clocks, _now = Clocks(Path(os.environ["CONFORMANCE_CLOCKS"])), clock.now
clock.now = lambda: _now() + timedelta(seconds=_clocks.wall)
asyncio.BaseEventLoop.time = lambda loop: time.monotonic() + _clocks.loops  # type: ignore[method-assign]
