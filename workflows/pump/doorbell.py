"""How a start wakes the pump: an in-process call where the pump lives in this process."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows.pump.pump import Pump


class Doorbell:
    """Where the pump of this process answers, when it hosts one."""

    def __init__(self) -> None:
        self.pump: Pump | None = None

    def ring(self) -> None:
        """Say that there is work. May be lost: a pump looks for work every few seconds anyway."""
        if self.pump is not None:
            self.pump.wake()


doorbell = Doorbell()
