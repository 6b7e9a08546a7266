"""Guard rails: an arm that harms is stopped, whether or not anybody looks."""

from django.db import transaction

from experiments.comparing import breaches
from experiments.models import Experiment, ExperimentStatus
from experiments.outcomes import outcomes_of
from experiments.services.acts import stop_variant


def watch_guards() -> int:
    """Look at every running experiment that has guard rails; how many arms were stopped."""
    running = Experiment.objects.filter(status=ExperimentStatus.RUNNING).exclude(guards=[])
    return sum(stop_harmful(one) for one in running.select_related("owner"))


def stop_harmful(experiment: Experiment) -> int:
    """Of several processes that find the same, one stops it and says so."""
    variants = list(experiment.variants.all())
    if all(one.control or one.stopped_at for one in variants):
        return 0
    found = breaches(experiment, variants, outcomes_of(experiment))
    stopped = 0
    for one in found:
        with transaction.atomic():
            stopped += stop_variant(experiment, one.variant.pk, by=None, because=one.because)
    return stopped
