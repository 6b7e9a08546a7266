"""A cluster of django-q2 in processes of its own, that ends when its lifeline is cut.

Beside `manage.py qcluster`, which is the same but for three things. It is stopped by a pipe, which
reaches the tasks that run as well: signals do not, and one too many hangs it for good. It ends when
a worker was killed while it waited for work: such a worker may have held the lock of the queue, and
nobody would ever get anything from it again (django-q2 says nothing of it). And it has tasks that
it does not wait for: it begins with them, and again and again while the queue is away.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing import Event
from multiprocessing.util import register_after_fork
from threading import Thread
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import connections
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.humanhash import uuid
from django_q.pusher import pusher

from core.lifeline import Lifeline, NoLifeline, cut, let_go, tie

log = structlog.get_logger(__name__)
MARGIN_S = 15.0  # for what a cluster does beside waiting for steps that are under way
_IDLE = -1  # what the timer of a worker says while it waits for work


class Membership:
    """Which cluster this process belongs to, and the lifeline it hangs by."""

    def __init__(self) -> None:
        self.name = ""
        self.lifeline: Lifeline | NoLifeline = NoLifeline()


membership = Membership()


class Stuck(Exception):
    """One was killed that may have held a lock."""


class _Sentinel(Sentinel):  # type: ignore[misc]
    own_tasks: Sequence[str] = ()

    def start(self) -> None:
        """Without asking first whether the queue is there."""
        self.spawn_cluster()
        self.guard()

    def spawn_pusher(self) -> Any:
        return self.spawn_process(
            _push, self.own_tasks, self.task_queue, self.event_out, self.broker
        )

    def reincarnate(self, process: Any) -> None:
        killed = (process.exitcode or 0) < 0
        if killed and (process not in self.pool or process.timer.value == _IDLE):
            for one in (self.pusher, *self.pool):
                if one is self.pusher or one.timer.value == _IDLE:
                    one.kill()  # nothing more is taken out of the queue, to no avail
            raise Stuck(process.pid)
        super().reincarnate(process)


def _push(own_tasks: Sequence[str], into: Any, event: Any, broker: Any) -> None:
    """Bring its own to the workers, then what is in the queue.

    Where that is away this ends, and begins anew some seconds later.
    """
    for path in own_tasks:
        name, key = uuid()
        task = {"id": key, "name": name, "func": path, "args": (), "kwargs": {}}
        into.put({**task, "started": timezone.now()})
    pusher(into, event, broker)


class ClusterProcess:
    """One cluster and its lifeline. Whoever makes it has neither threads nor open connections.

    Its workers serve the queue of this name; schedules are for those of the queue of settings.
    `own_tasks` are paths of tasks that do no harm when they are done once too often.
    """

    def __init__(self, queue: str, workers: int, own_tasks: Sequence[str] = ()) -> None:
        self._queue, self._workers, self._own_tasks = queue, workers, own_tasks
        self.name = f"{os.uname().nodename[:40]}:{uuid4().hex[:8]}"
        self._hangs, self._held = tie()
        self._pid = self._fork()
        os.close(self._hangs)
        self._is_cut = False

    @property
    def over(self) -> bool:
        """Whether the process that watches over its workers has ended."""
        if self._pid:
            try:
                ended, _ = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:
                ended = self._pid
            if ended:
                self._group, self._pid = self._pid, 0
        return self._pid == 0

    @property
    def gone(self) -> bool:
        """Whether none of its processes is left."""
        if not self.over:
            return False
        try:
            os.killpg(self._group, 0)
        except ProcessLookupError:
            return True
        return False

    def cut(self) -> None:
        """Tell all of it to end."""
        if not self._is_cut:
            self._is_cut = True
            cut(self._held)

    def kill(self) -> None:
        """End what is left of it."""
        self.cut()
        try:
            os.killpg(self._pid or self._group, signal.SIGKILL)
        except ProcessLookupError:
            return
        if self._pid:
            os.waitpid(self._pid, 0)
            self._group, self._pid = self._pid, 0

    def _fork(self) -> int:
        connections.close_all()
        sys.stdout.flush()
        sys.stderr.flush()
        if (pid := os.fork()) > 0:
            self._group = pid
            return pid
        status = 1
        try:
            self._live()
            status = 0
        except BaseException:
            log.critical("cluster.died", exc_info=True)
        finally:
            os._exit(status)

    def _live(self) -> None:
        os.setsid()
        let_go()
        membership.name, membership.lifeline = self.name, Lifeline(self._hangs)
        register_after_fork(membership, _outlive_nobody)
        Conf.SCHEDULER = self._queue == Conf.CLUSTER_NAME
        sentinel = _Sentinel(
            membership.lifeline, Event(), uuid4(), broker=get_broker(self._queue), start=False
        )
        sentinel.pool_size, sentinel.own_tasks = self._workers, self._own_tasks
        sentinel.start()


def _outlive_nobody(member: Membership) -> None:
    """In a process of a cluster: if whoever would end it is killed, it ends by itself."""
    Thread(target=_end_after, args=(member.lifeline,), daemon=True).start()


def _end_after(lifeline: Lifeline | NoLifeline) -> None:
    while not lifeline.wait():
        pass
    time.sleep(settings.CHATTER_STOP_S + MARGIN_S)
    os._exit(1)
