"""Records what units did elsewhere, as other programs report it."""

from django.db import IntegrityError, transaction

from core import clock
from core.errors import Conflict, NotFound
from experiments.models import Experiment, ExperimentStatus, Unit, UnitEvent


class UnitNotFound(NotFound):
    code = "unit_not_found"
    message = "This experiment has not shown anything to '{unit}'."


class NotCounting(Conflict):
    code = "experiment_over"
    message = "This experiment is over; what happens now is not counted."


def tell_event(
    experiment: Experiment, *, name: str, unit: str, value: float = 1.0, key: str = ""
) -> tuple[UnitEvent, bool]:
    """Note what a unit did, and whether that is new; what has been told by this `key` stands.

    `unit` is the id of the user or conversation. Raises UnitNotFound, NotCounting.
    """
    found = Unit.objects.filter(experiment=experiment, key=f"{experiment.unit}:{unit}").first()
    if found is None:
        raise UnitNotFound(unit=unit)
    if experiment.status == ExperimentStatus.COMPLETED:
        if (before := _told_before(experiment, key)) is None:
            raise NotCounting
        return before, False
    told = UnitEvent(
        created_at=clock.now(), experiment=experiment, unit=found, name=name, value=value, key=key
    )
    try:
        with transaction.atomic():
            told.save(force_insert=True)
    except IntegrityError:
        if (before := _told_before(experiment, key)) is None:
            raise
        return before, False
    return told, True


def _told_before(experiment: Experiment, key: str) -> UnitEvent | None:
    return UnitEvent.objects.filter(experiment=experiment, key=key).first() if key else None
