"""Executions that ended wait here for a thread that makes their traces, off everybody's path.

There is no timer: what queues up while the last traces are sent goes together. What a process has
not sent when it is killed is lost; the log and the ledger are not.
"""

import os
import queue
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.util import Finalize
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction

from telemetry.tracing.exporting import Exporter
from telemetry.tracing.spans import spans_of
from workflows.tracking.ending import ExecutionEnded

log = structlog.get_logger(__name__)
_MOST_WAITING = 10_000  # executions; a collector that is away costs no more memory than that
_AT_ONCE = 100
_LAST_WORDS_S = 5.0


def note_ended(facts: Sequence[ExecutionEnded]) -> Mapping[UUID, Any]:
    """An outcome (`CHATTER_OUTCOMES`): once these ends are committed, their traces are sent."""
    ids = [fact.execution_id for fact in facts]
    transaction.on_commit(lambda: outbox.put(ids))
    return {}


class Outbox:
    """One thread of each process that ends executions; it begins with the first of them."""

    def __init__(self) -> None:
        self._pid = 0
        self._starting = threading.Lock()
        self._queue: queue.SimpleQueue[UUID | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, ids: Sequence[UUID]) -> None:
        with self._starting:
            if self._pid != os.getpid():  # a fork has the parent's memory and none of its threads
                self._begin()
        if self._thread is None or not self._thread.is_alive():
            return  # it could not begin, and has said why
        if self._queue.qsize() > _MOST_WAITING:
            log.warning("traces.dropped", executions=len(ids))
            return
        for one in ids:
            self._queue.put(one)

    def close(self) -> None:
        """Send what waits, within some seconds."""
        if self._thread is not None and self._pid == os.getpid():
            self._queue.put(None)
            self._thread.join(_LAST_WORDS_S)

    def _begin(self) -> None:
        self._pid, self._queue = os.getpid(), queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()
        Finalize(None, self.close, exitpriority=0)  # at the end of workers, too, unlike `atexit`

    def _run(self) -> None:
        try:
            exporter = Exporter()
        except Exception:  # a variable of OpenTelemetry's that makes no sense
            log.exception("traces.off")
            return
        while (first := self._queue.get()) is not None:
            waiting, go_on = self._waiting(first)
            for execution_id in waiting:
                _add(exporter, execution_id)
            _send(exporter)
            if not go_on:
                return

    def _waiting(self, first: UUID) -> tuple[list[UUID], bool]:
        """This one and what else waits; and False when told to stop."""
        found = [first]
        while len(found) < _AT_ONCE:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return found, False
            found.append(following)
        return found, True


def _add(exporter: Exporter, execution_id: UUID) -> None:
    try:
        exporter.add(spans_of(execution_id))
    except Exception:
        log.exception("traces.failed", execution=str(execution_id))


def _send(exporter: Exporter) -> None:
    try:
        connection.close()  # to the pool, where there is one
        exporter.send()
    except Exception:
        log.exception("traces.failed")


outbox = Outbox()
