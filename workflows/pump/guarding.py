"""Sees that workers host the pumps they should, whatever happens to them and to the queue."""

import os
import signal
import socket
import time

import structlog
from django.conf import settings
from django.db import connections

from core.clusters import ClusterProcess
from core.lifeline import asked_by
from workflows.models import PumpHost
from workflows.pump.doorbell import doorbell
from workflows.pump.presence import bury

log = structlog.get_logger(__name__)
_LOOK_S = 0.5
_MARGIN_S = 15.0  # for what a cluster does beside waiting for steps that are under way


class Guard:
    """Keeps one cluster going until this process is asked to end.

    While fewer pumps claim than should, it rings; when that has not helped for
    `CHATTER_STALL_S`, or when a killed worker may have left the queue locked, it takes another
    cluster in the place of this one. A cluster that is given up ends its steps as at any stop.
    """

    def __init__(self) -> None:
        self._cluster = ClusterProcess()
        self._given_up: list[tuple[ClusterProcess, float]] = []
        self._well_at = time.monotonic()

    def keep_going(self) -> None:
        """Return when asked to end, and all has ended."""
        signals = signal.SIGTERM, signal.SIGINT
        with asked_by(*signals) as asked, asked_by(signal.SIGUSR1) as stuck:
            while not asked.to_end:
                try:
                    self._look(may_be_stuck=stuck.to_end)
                    stuck.to_end = False
                except Exception:  # the database is away: pumps wait for it too
                    log.warning("guard.sees_nothing", exc_info=True)
                    connections.close_all()
                time.sleep(_LOOK_S)
            self._give_up()
            while self._given_up:
                self._clear_away()
                time.sleep(_LOOK_S / 5)

    def _look(self, *, may_be_stuck: bool) -> None:
        self._clear_away()
        now = time.monotonic()
        if self._cluster.over or may_be_stuck:
            log.critical("cluster.ended" if self._cluster.over else "cluster.stuck")
            self._take_another()
        elif self._pumps() >= settings.CHATTER_PUMPS:
            self._well_at = now
        elif now - self._well_at > settings.CHATTER_STALL_S:
            log.critical("cluster.stalled", pumps=self._pumps())
            self._take_another()
        else:
            doorbell.call()

    def _pumps(self) -> int:
        """How many claim here; whoever died is buried, so that nobody waits for it."""
        mine = PumpHost.objects.filter(cluster=self._cluster.name)
        dead = [one.owner for one in mine if not _lives(one)]
        if dead:
            log.error("pump.buried", owners=dead)
            bury(dead)
        return mine.claiming().count()

    def _take_another(self) -> None:
        self._give_up()
        self._cluster = ClusterProcess()
        self._well_at = time.monotonic()

    def _give_up(self) -> None:
        self._cluster.cut()
        until = time.monotonic() + settings.CHATTER_STOP_S + _MARGIN_S
        self._given_up.append((self._cluster, until))

    def _clear_away(self) -> None:
        """Forget clusters that have ended; those that do not end in time are killed."""
        left = []
        for cluster, until in self._given_up:
            if cluster.gone:
                continue
            if time.monotonic() < until:
                left.append((cluster, until))
            else:
                log.critical("cluster.killed", cluster=cluster.name)
                cluster.kill()
        self._given_up = left


def _lives(pump: PumpHost) -> bool:
    """Whether its process exists; of other machines that is not known."""
    if pump.host != socket.gethostname()[:80]:
        return True
    try:
        os.kill(pump.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
