"""An experiment begins, pauses, goes on and ends; a variant is stopped."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from audit.record import record
from core import clock, locks
from core.errors import Conflict, Invalid, NotFound
from core.models import writes_id
from experiments.models import (
    Audience,
    Changes,
    Experiment,
    ExperimentStatus,
    Variant,
    sources_of,
)
from experiments.services.experiments import audit_detail, experiment_for, locked
from experiments.services.routing import forget_running
from workflows.models import WorkflowVersion
from workflows.parameters import checked, unused_in
from workflows.services.definitions import definition_for
from workflows.services.planning import author_of, check_graph
from workflows.services.targets import DefinitionArchived, template_called
from workflows.services.versions import entry_of

UNDER_WAY = (ExperimentStatus.RUNNING, ExperimentStatus.PAUSED)


class ExperimentMoved(Conflict):
    code = "experiment_cannot_move"
    message = "An experiment that is {status} cannot become {to}."


class ExperimentTargetGone(Conflict):
    code = "target_gone"
    message = "What this is about, or what one of its variants runs, has been deleted."


class ExperimentInTheWay(Conflict):
    code = "experiment_in_the_way"
    message = "'{name}' is about the same and is under way; complete it first."


class TooManyExperiments(Conflict):
    code = "too_many_experiments"
    message = "{most} of your experiments are under way already; complete one first."


class ParametersUnused(Invalid):
    """Ignored, it would compare a workflow with itself."""

    code = "parameters_unused"
    message = "What '{variant}' runs uses no parameter {names}, so setting it changes nothing."


class VariantNotFound(NotFound):
    code = "variant_not_found"
    message = "This experiment has no such variant."


class NotUnderWay(Conflict):
    code = "experiment_not_under_way"
    message = "Variants are stopped while they answer; this experiment is {status}."


class ControlStays(Conflict):
    code = "control_stays"
    message = "The control answers whoever nothing else answers; complete the experiment instead."


@transaction.atomic
def start_experiment(experiment: Experiment, *, by: User) -> Experiment:
    """From now on its variants answer, each with the graph and the defaults it has now, whatever
    is published later.

    Raises ExperimentMoved, ExperimentTargetGone, ExperimentInTheWay, TooManyExperiments,
    ParametersUnused, and what a start of a variant by the owner raises.
    """
    list(User.objects.select_for_update(of=("self",), no_key=True).filter(pk=experiment.owner_id))
    experiment = locked(experiment)
    if experiment.status == ExperimentStatus.DRAFT:
        if experiment.target is None:
            raise ExperimentTargetGone
        # Of two owners who begin at once one waits here until the other's has begun, and sees it.
        with locks.locked(f"experiments about {experiment.target.pk}"):
            _refuse_second(experiment)
        _refuse_more(experiment)
        for variant in experiment.variants.select_related("template"):
            variant.version, variant.declared = _runs(experiment, variant)
            _refuse_unused(variant.version, variant)
            variant.save(update_fields=["version", "declared"])
    return _move(experiment, ExperimentStatus.RUNNING, by, "started", started_at=clock.now())


@transaction.atomic
def pause_experiment(experiment: Experiment, *, by: User) -> Experiment:
    """Turns are answered as asked until it goes on. Raises ExperimentMoved."""
    return _move(locked(experiment), ExperimentStatus.PAUSED, by, "paused")


@transaction.atomic
def resume_experiment(experiment: Experiment, *, by: User) -> Experiment:
    """It goes on, every unit with its variant. Raises ExperimentMoved."""
    experiment = locked(experiment)
    if experiment.status == ExperimentStatus.DRAFT:
        raise ExperimentMoved(status=experiment.status, to=ExperimentStatus.RUNNING)
    return _move(experiment, ExperimentStatus.RUNNING, by, "resumed")


@transaction.atomic
def complete_experiment(experiment: Experiment, *, by: User) -> Experiment:
    """It is over: turns are answered as asked. Raises ExperimentMoved."""
    experiment = locked(experiment)
    return _move(experiment, ExperimentStatus.COMPLETED, by, "completed", completed_at=clock.now())


@transaction.atomic
def stop_variant(
    experiment: Experiment, pk: Any, *, by: User | None, because: str = "by hand"
) -> bool:
    """Its units are answered by the control from now on; whether it was stopped just now.

    `by` None: a guard rail. Raises VariantNotFound, ControlStays, NotUnderWay.
    """
    experiment = locked(experiment)
    variant = variant_of(experiment, pk)
    if variant.control:
        raise ControlStays
    if experiment.status not in UNDER_WAY:
        raise NotUnderWay(status=experiment.status)
    now = clock.now()
    going = Variant.objects.filter(pk=variant.pk, stopped_at=None)
    if not going.update(stopped_at=now, stopped_because=because[:200]):
        return False
    record(
        "experiments.variant.stopped",
        actor=by,
        target=experiment,
        detail={"variant": str(variant.pk), "because": because},
        personal={"variant": variant.name},
    )
    transaction.on_commit(forget_running)
    return True


def variant_of(experiment: Experiment, pk: Any) -> Variant:
    """Raises VariantNotFound."""
    variants = experiment.variants.select_related("template")
    found: Variant | None = next((one for one in variants if writes_id(str(pk), one.pk)), None)
    if found is None:
        raise VariantNotFound
    return found


def _move(
    experiment: Experiment, to: ExperimentStatus, by: User, verb: str, **fields: Any
) -> Experiment:
    sources = sources_of(to)
    if verb == "started":
        sources = [ExperimentStatus.DRAFT]
    if not Experiment.objects.move(experiment.pk, to=to, sources=sources, **fields):
        raise ExperimentMoved(status=experiment.status, to=to)
    record(
        f"experiments.experiment.{verb}", actor=by, target=experiment, **audit_detail(experiment)
    )
    transaction.on_commit(forget_running)
    return experiment_for(by, experiment.pk)


def _refuse_second(experiment: Experiment) -> None:
    """Two about the same, of one owner or both reaching others, would take one another's units."""
    same = Q(template=experiment.template_id, definition=experiment.definition_id)
    under_way = Q(status__in=UNDER_WAY)
    whose = Q(owner=experiment.owner_id)
    if experiment.audience != Audience.OWN and experiment.may_reach_others():
        whose |= ~Q(audience=Audience.OWN) & Q(owner__is_staff=True)
    other = Experiment.objects.filter(same, under_way, whose).first()
    if other is not None:
        raise ExperimentInTheWay(name=other.name)


def _refuse_more(experiment: Experiment) -> None:
    """Every turn is held against all that run. The caller has locked the owner."""
    most = settings.EXPERIMENTS_PER_USER
    under_way = Experiment.objects.filter(owner=experiment.owner_id, status__in=UNDER_WAY)
    if under_way.count() >= most:
        raise TooManyExperiments(most=most)


def _refuse_unused(version: WorkflowVersion, variant: Variant) -> None:
    if unused := unused_in(version.graph, variant.parameters):
        raise ParametersUnused(variant=variant.name, names=", ".join(unused))


def _runs(
    experiment: Experiment, variant: Variant
) -> tuple[WorkflowVersion, Mapping[str, Any] | None]:
    """The graph this variant runs, which a run of the owner's could begin with now; and what
    parameters its template declares.
    """
    owner = experiment.owner
    if experiment.definition is not None:
        definition = definition_for(owner, experiment.definition.pk)
        if definition.archived:
            raise DefinitionArchived
        number = variant.number or definition.published
        version: WorkflowVersion = entry_of(definition, number).version
        check_graph(version, variant.parameters, owner, author=author_of(None, definition))
        return version, None
    template = experiment.template
    if variant.changes == Changes.TEMPLATE:
        template = variant.template
    if template is None:
        raise ExperimentTargetGone
    template = template_called(str(template.pk), owner)
    version = template.version
    parameters = checked(template.parameters, variant.parameters)
    check_graph(version, parameters, owner, author=author_of(template, None))
    return version, template.parameters
