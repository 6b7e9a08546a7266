"""Sees that workers host the pumps they should, whatever happens to them and to the queue."""

import os
import signal
import time
from collections import deque
from collections.abc import Collection, Sequence

import structlog
from django.conf import settings
from django.db import connections

from core.clusters import MARGIN_S, ClusterProcess
from core.lifeline import stop_requested_by
from workflows.models import PumpHost
from workflows.pump.doorbell import HOST_A_PUMP, doorbell
from workflows.pump.presence import bury

log = structlog.get_logger(__name__)
_LOOK_S = 0.5
_REMEMBERED = 8  # clusters whose pumps may have died with them


class KeptCluster:
    """A cluster in whose place another is taken when it ends.

    One that is given up ends its steps, as at any stop; it is killed if that takes too long.
    """

    def __init__(self, queue: str, workers: int, own_tasks: Sequence[str] = ()) -> None:
        self._queue, self._workers, self._own_tasks = queue, workers, own_tasks
        self._given_up: list[tuple[ClusterProcess, float]] = []
        self.names = deque[str](maxlen=_REMEMBERED)
        self._begin()

    @property
    def gone(self) -> bool:
        self._clear_away()
        return not self._given_up

    def look(self) -> None:
        self._clear_away()
        if self.process.over:
            self.replace("cluster.ended")

    def replace(self, why: str) -> None:
        log.critical(why, cluster=self.process.name, queue=self._queue)
        self.give_up()
        self._begin()

    def give_up(self) -> None:
        self.process.cut()
        until = time.monotonic() + settings.CHATTER_STOP_S + MARGIN_S
        self._given_up.append((self.process, until))

    def _begin(self) -> None:
        self.process = ClusterProcess(self._queue, self._workers, self._own_tasks)
        self.names.append(self.process.name)
        self.began_at = time.monotonic()

    def _clear_away(self) -> None:
        """Forget those that have ended, kill those that do not."""
        left = []
        for process, until in self._given_up:
            if process.gone:
                continue
            if time.monotonic() < until:
                left.append((process, until))
            else:
                log.critical("cluster.killed", cluster=process.name, queue=self._queue)
                process.kill()
        self._given_up = left


class Guard:
    """Keeps two clusters going until this process is asked to end: for pumps, and for other jobs.

    While fewer pumps claim than should, it rings; when that has not helped for `CHATTER_STALL_S`,
    it takes another cluster.
    """

    def __init__(self) -> None:
        # One more than there are pumps: one may be retiring while its successor works. They do not
        # wait for the queue to bring them a doorbell, for that may be away for long.
        pumps = settings.CHATTER_PUMPS
        self._pumps = KeptCluster(settings.CHATTER_PUMPS_QUEUE, pumps + 1, [HOST_A_PUMP] * pumps)
        self._jobs = KeptCluster(settings.CHATTER_JOBS_QUEUE, settings.CHATTER_JOB_WORKERS)
        self._well_at = 0.0

    def keep_going(self) -> None:
        """Return when asked to end, and all has ended."""
        with stop_requested_by(signal.SIGTERM, signal.SIGINT) as stop:
            while not stop.received:
                self._look()
                time.sleep(_LOOK_S)
            kept = self._pumps, self._jobs
            for one in kept:
                one.give_up()
            while not all(one.gone for one in kept):
                time.sleep(_LOOK_S / 5)

    def _look(self) -> None:
        for one in (self._pumps, self._jobs):
            one.look()
        try:
            bury_dead(self._pumps.names)
            claiming = pumps_of(self._pumps.process.name)
        except Exception:  # pumps cannot say that they live
            log.warning("guard.sees_nothing", exc_info=True)
            connections.close_all()
            self._well_at = time.monotonic()
            return
        if claiming >= settings.CHATTER_PUMPS:
            self._well_at = time.monotonic()
        elif time.monotonic() - max(self._well_at, self._pumps.began_at) < settings.CHATTER_STALL_S:
            doorbell.call()
        else:
            self._pumps.replace("cluster.stalled")


def pumps_of(cluster: str) -> int:
    """How many claim there."""
    return PumpHost.objects.claiming().filter(cluster=cluster).count()


def bury_dead(clusters: Collection[str]) -> None:
    """Let nobody wait for what pumps of these clusters ran, if their processes are gone.

    Of clusters of others nothing is known, not even of this machine: a number of a process means
    another one in another container.
    """
    hosted = PumpHost.objects.filter(cluster__in=clusters)
    dead = [one.owner for one in hosted if not _lives(one.pid)]
    if dead:
        log.error("pump.buried", owners=dead)
        bury(dead)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
