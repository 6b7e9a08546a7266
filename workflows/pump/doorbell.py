"""How a start wakes a pump: a call where one lives in this process, else a hint to all others.

Where no pump is known to live a task is put into the queue, for a worker to host one. Everything
here may be lost: pumps look for work by themselves, and whoever guards workers rings again.
"""

import time
from threading import Thread
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from django.conf import settings

from core.events import bell
from core.jobs import enqueue_once
from workflows.pump.presence import somebody_claims

if TYPE_CHECKING:
    from workflows.pump.pump import Pump

log = structlog.get_logger(__name__)
WORK, CANCELS = "pumps.work", "pumps.cancels"  # the groups of the bell in which pumps listen
HOST_A_PUMP = "workflows.tasks.host_pump"
_SURE_S = 1.0
_PATIENCE_S = 0.1


class Doorbell:
    """Where the pump of this process answers, when it hosts one."""

    def __init__(self) -> None:
        self.pump: Pump | None = None
        self._sure_until = 0.0
        self._calling: Thread | None = None

    def ring(self) -> None:
        """Say that there is work. Without a pump that claims here it may ask the database."""
        if not self.hint():
            self.see()

    def hint(self) -> bool:
        """Say that there is work, without asking anybody; False when it is time to `see`.

        To the pump of this process, unless there is none or it retires: then others are to hear.
        """
        pump = self.pump  # read once: it may leave meanwhile
        if pump is not None and pump.claiming:
            pump.wake()
            return True
        bell.ring({WORK: ()})
        return settings.CHATTER_PUMP != "workers" or self._sure_until > time.monotonic()

    def see(self) -> None:
        """Look into the database whether somebody hosts a pump; call a worker when nobody does."""
        if not somebody_claims():
            self._call_briefly()
        self._sure_until = time.monotonic() + _SURE_S

    def ring_elsewhere(self) -> None:
        """Say that there is work to the pumps of other processes."""
        bell.ring({WORK: ()})

    def cancel(self, execution_id: UUID) -> None:
        """Say that someone wants this execution to stop; whoever runs it sees it anyway."""
        if (pump := self.pump) is not None:
            pump.cancel(execution_id)
        bell.ring({CANCELS: ()})

    def _call_briefly(self) -> None:
        """Call, and leave a queue alone that takes its time: whoever starts a run waits for none.

        A queue in the database is no worse than the start itself, and is called in its connection.
        """
        if not settings.REDIS_URL:
            self.call()
        elif self._calling is None or not self._calling.is_alive():
            calling = Thread(target=self.call, name="doorbell", daemon=True)
            calling.start()
            self._calling = calling  # started before others see it: they may be starting runs, too
            calling.join(_PATIENCE_S)

    def call(self) -> None:
        """Have a worker host a pump."""
        try:
            enqueue_once(HOST_A_PUMP, settings.CHATTER_PUMPS_QUEUE)
        except Exception:  # the queue is away; whoever guards workers rings again
            log.warning("doorbell.not_heard", exc_info=True)


doorbell = Doorbell()
