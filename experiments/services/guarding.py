"""Guard rails: an arm that harms is stopped, whether or not anybody looks."""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import Q

from core import clock
from experiments.comparing import breaches
from experiments.models import Experiment, ExperimentStatus
from experiments.outcomes import first_outcomes_of, outcomes_of
from experiments.services.acts import NotUnderWay, stop_variant

EVERY_S = 60.0
_RESTS = 20  # times as long as a look took: 0.5 s for 10,000 units, 5 s for 50,000 (measured)


def watch_guards() -> int:
    """Look at every running experiment that has guard rails; how many arms were stopped."""
    running = Experiment.objects.filter(status=ExperimentStatus.RUNNING).exclude(guards=[])
    return sum(_look(one) for one in running.select_related("owner"))


def _look(experiment: Experiment) -> int:
    """Of several processes one looks, and then nobody for a while."""
    now, began = clock.now(), time.monotonic()
    due = Q(guard_due_at=None) | Q(guard_due_at__lte=now)
    row = Experiment.objects.filter(pk=experiment.pk)
    if not row.filter(due).update(guard_due_at=_after(now, EVERY_S)):
        return 0
    stopped = stop_harmful(experiment)
    rest_s = max(EVERY_S, _RESTS * (time.monotonic() - began))
    row.update(guard_due_at=_after(now, rest_s))
    return stopped


def _after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


def stop_harmful(experiment: Experiment) -> int:
    """Stop the arms that are worse than its guard rails allow; how many."""
    variants = list(experiment.variants.all())
    if all(one.control or one.stopped_at for one in variants):
        return 0
    stopped = 0
    found, first = outcomes_of(experiment), first_outcomes_of(experiment)
    for one in breaches(experiment, variants, found, first):
        with suppress(NotUnderWay):  # it was completed meanwhile
            stopped += stop_variant(experiment, one.variant.pk, by=None, because=one.because)
    return stopped
