"""The tables of triggers."""

from triggers.models.chain import Chain, ChainFiring, ChainFiringStatus
from triggers.models.schedule import FiringStatus, Schedule, ScheduleFiring, ScheduleKind

__all__ = [
    "Chain",
    "ChainFiring",
    "ChainFiringStatus",
    "FiringStatus",
    "Schedule",
    "ScheduleFiring",
    "ScheduleKind",
]
