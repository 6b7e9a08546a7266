"""Every fault there is, family by family."""

from drills.fault import Fault, nothing
from drills.faults.clocks import CLOCKS
from drills.faults.deliveries import DELIVERIES
from drills.faults.disks import DISKS
from drills.faults.processes import PROCESSES
from drills.faults.providers import PROVIDERS
from drills.faults.services import SERVICES

CALM = "calm"
FAULTS = (
    Fault(CALM, "nothing: what the others are compared with", nothing),
    *PROCESSES,
    *SERVICES,
    *DISKS,
    *CLOCKS,
    *DELIVERIES,
    *PROVIDERS,
)
