"""The tables of experiments."""

from experiments.models.experiment import (
    MOVES,
    Audience,
    Experiment,
    ExperimentStatus,
    UnitKind,
    sources_of,
)
from experiments.models.exposure import Exposure, Unit, UnitEvent
from experiments.models.variant import Changes, Variant

__all__ = [
    "MOVES",
    "Audience",
    "Changes",
    "Experiment",
    "ExperimentStatus",
    "Exposure",
    "Unit",
    "UnitEvent",
    "UnitKind",
    "Variant",
    "sources_of",
]
