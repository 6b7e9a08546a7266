"""A worker hosts a pump for a while: it begins with a doorbell, and ends by ringing the next.

A worker that ends now and then gives back what memory it has taken, and is never older than the
queue allows a task to be. What runs when the time is over may end, beside the next pump.
"""

import os
import random
import signal
import socket
import time

from django.conf import settings

from core.clusters import membership
from core.lifeline import StopRequest, stop_requested_by
from workflows.pump.doorbell import doorbell
from workflows.pump.hosts import PumpThread, database_at_work
from workflows.pump.presence import take_place

_LOOK_S = 0.2


def serve_a_tenure() -> None:
    """Host a pump, unless this cluster has its pumps. Returns when its time is over."""
    cluster = membership.name or f"{socket.gethostname()[:40]}:{os.getppid()}"
    if membership.lifeline.is_set():
        return
    with stop_requested_by(signal.SIGTERM) as stop:
        host = PumpThread(cluster)
        owner = host.pump.owner
        if not take_place(owner, cluster, settings.CHATTER_PUMPS):
            return
        with database_at_work():
            host.start()
            try:
                _see_through(host, stop)
            finally:
                host.stop()
        if stop.received:  # by a signal to all there are, so there may be nobody left to work for
            raise SystemExit


def _see_through(host: PumpThread, stop: StopRequest) -> None:
    """Wait until it is time to stop the pump."""
    # Not all at once: pumps that began together are not to end together.
    tenure_s = settings.CHATTER_TENURE_S * random.uniform(0.8, 1)  # noqa: S311
    if _ended(host, stop, until=time.monotonic() + tenure_s):
        return
    host.retire()
    doorbell.call()
    until = time.monotonic() + settings.CHATTER_RETIRE_S
    while host.pump.running and not _ended(host, stop, min(until, time.monotonic() + _LOOK_S)):
        if time.monotonic() >= until:
            return


def _ended(host: PumpThread, stop: StopRequest, until: float) -> bool:
    """Wait until then; True at once when the pump died or this process is to end."""
    while host.alive and not stop.received:
        left_s = until - time.monotonic()
        if left_s <= 0:
            return False
        if membership.lifeline.wait(min(left_s, _LOOK_S)):
            return True
    return True
