"""Experiments of a user: made, changed and deleted while they are drafts."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from audit.changes import entry_value
from audit.record import AuditDetail, record
from core.errors import Conflict, Invalid, NotFound, Refused
from core.json_values import same
from experiments.metrics import EVENT, LEDGER
from experiments.models import Audience, Changes, Experiment, ExperimentStatus, UnitKind, Variant
from workflows.models import WorkflowTemplate
from workflows.services.definitions import definition_for
from workflows.services.targets import template_called
from workflows.services.versions import entry_of

_MOST_VARIANTS = 8
_ALWAYS = {"name", "hypothesis"}
_SET = ("unit", "audience", "traffic_percent", "better", "window_min", "planned_units")
_WORDS = ("name", "hypothesis", "primary", "events", "guards")  # also those of metrics are people's


class ExperimentNotFound(NotFound):
    code = "experiment_not_found"
    message = "There is no such experiment, or it is not yours."


class OneExperimentTarget(Invalid):
    code = "one_target"
    message = "An experiment is about a template or a definition: name one of them."


class InvalidExperiment(Invalid):
    code = "invalid_experiment"
    message = "{reason}"


class OnlyStaff(Refused):
    code = "experiment_only_staff"
    message = "Only staff may put the turns of others to the test."


class ExperimentBegun(Conflict):
    code = "experiment_begun"
    message = "It has begun: only its name and hypothesis can be changed, and it stays."


def experiment_for(user: User, pk: UUID | str) -> Experiment:
    """One experiment this user may see. Raises ExperimentNotFound."""
    try:
        found: Experiment = Experiment.objects.visible_to(user).for_list().get(pk=pk)
    except (Experiment.DoesNotExist, ValidationError, ValueError) as error:
        raise ExperimentNotFound from error
    return found


@transaction.atomic
def create_experiment(
    *,
    owner: User,
    variants: Sequence[Mapping[str, Any]],
    definition: UUID | None = None,
    template: str = "",
    users: Sequence[str] = (),
    groups: Sequence[str] = (),
    once: str = "",
    **fields: Any,
) -> Experiment:
    """A draft; with the same `once` as one that was made before, that one.

    Raises OneExperimentTarget, InvalidExperiment, OnlyStaff, DefinitionNotFound, TemplateNotFound,
    VersionNotFound.
    """
    if bool(definition) == bool(template):
        raise OneExperimentTarget
    experiment = Experiment(owner=owner, once=once, **fields)
    experiment.definition = definition_for(owner, definition) if definition else None
    experiment.template = template_called(template, owner) if template else None
    _check(experiment)
    try:
        with transaction.atomic():
            experiment.save()
    except IntegrityError:
        before = Experiment.objects.filter(owner=owner, once=once).first()
        if not once or before is None:
            raise
        return experiment_for(owner, before.pk)
    _set_audience(experiment, users, groups)
    _set_variants(experiment, variants)
    record(
        "experiments.experiment.created", actor=owner, target=experiment, **audit_detail(experiment)
    )
    return experiment_for(owner, experiment.pk)


@transaction.atomic
def change_experiment(
    experiment: Experiment,
    *,
    by: User,
    variants: Sequence[Mapping[str, Any]] | None = None,
    users: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    **fields: Any,
) -> Experiment:
    """Set what is given; `variants` take the place of all. Of an event that decides from now on
    `events` says which way is better, if `better` does not; else higher is.

    Raises ExperimentBegun, and what `create_experiment` raises.
    """
    experiment = locked(experiment)
    before, kept = audit_detail(experiment), {name: getattr(experiment, name) for name in fields}
    given = set(fields) | {
        name
        for name, value in (("variants", variants), ("users", users), ("groups", groups))
        if value is not None
    }
    if given - _ALWAYS and experiment.status != ExperimentStatus.DRAFT:
        raise ExperimentBegun
    primary = experiment.primary
    for name, value in fields.items():
        setattr(experiment, name, value)
    if experiment.primary != primary and "better" not in fields:
        event = experiment.primary.removeprefix(EVENT)
        experiment.better = experiment.events.get(event, "higher")
    if given - _ALWAYS:
        _check(experiment)
    experiment.save()
    if {"audience", "users", "groups"} & given:
        stay = experiment.audience == Audience.CHOSEN
        now = [one.username for one in experiment.users.all() if stay]
        called = [one.name for one in experiment.groups.all() if stay]
        _set_audience(
            experiment, now if users is None else users, called if groups is None else groups
        )
    if variants is not None:
        experiment.variants.all().delete()
        _set_variants(experiment, variants)
    else:
        keys = experiment.variants.values("template")
        for template in WorkflowTemplate.objects.filter(pk__in=keys):
            _shared(template, experiment)
    changed = [name for name in given if name not in kept or not same(kept[name], fields[name])]
    _tell_change(experiment, by, before, changed)
    return experiment_for(by, experiment.pk)


def _tell_change(
    experiment: Experiment, by: User, before: AuditDetail, changed: Sequence[str]
) -> None:
    if not changed:
        return
    after = audit_detail(experiment)
    record(
        "experiments.experiment.changed",
        actor=by,
        target=experiment,
        detail={"changed": sorted(changed), "from": before["detail"], "to": after["detail"]},
        personal={"from": before["personal"], "to": after["personal"]},
    )


@transaction.atomic
def delete_experiment(experiment: Experiment, *, by: User) -> None:
    """Delete a draft. Raises ExperimentBegun: what was shown to people stays known."""
    experiment = locked(experiment)
    if experiment.status != ExperimentStatus.DRAFT:
        raise ExperimentBegun
    record(
        "experiments.experiment.deleted", actor=by, target=experiment, **audit_detail(experiment)
    )
    experiment.delete()


def locked(experiment: Experiment) -> Experiment:
    """The row as it is now, locked until the transaction ends. Raises ExperimentNotFound."""
    rows = Experiment.objects.select_for_update(of=("self",)).select_related("owner")
    found: Experiment | None = rows.filter(pk=experiment.pk).first()
    if found is None:
        raise ExperimentNotFound
    return found


def audit_detail(experiment: Experiment, **more: Any) -> AuditDetail:
    """What the audit trail says of it; the words of people stand in the part that can be erased."""
    variants = list(experiment.variants.all())
    target = experiment.target
    detail = {
        **more,
        "about": f"{target._meta.label_lower}:{target.pk}" if target else "",
        **{name: getattr(experiment, name) for name in _SET},
        "users": sorted(map(str, experiment.users.values_list("pk", flat=True))),
        "groups": sorted(experiment.groups.values_list("pk", flat=True)),
        "variants": {
            str(one.pk): {
                "weight": one.weight,
                "changes": one.changes,
                "number": one.number,
                "template": str(one.template_id) if one.template_id else None,
            }
            for one in variants
        },
    }
    words = {str(one.pk): [one.name, *sorted(one.parameters)] for one in variants}
    written = {name: entry_value(getattr(experiment, name)) for name in _WORDS}
    return {"detail": detail, "personal": {**written, "variants": words}}


def _check(experiment: Experiment) -> None:
    if experiment.audience != Audience.OWN and not experiment.may_reach_others():
        raise OnlyStaff
    if experiment.audience == Audience.OWN and experiment.unit == UnitKind.USER:
        raise InvalidExperiment(reason="One's own turns are dealt out by conversation.")
    events = experiment.primary.startswith(EVENT) and len(experiment.primary) > len(EVENT)
    if not events and experiment.primary not in LEDGER:
        raise InvalidExperiment(reason=f"'{experiment.primary}' is no metric.")
    if not events:
        experiment.better = LEDGER[experiment.primary].better
    decides = experiment.primary.removeprefix(EVENT)
    if events and experiment.events.get(decides, experiment.better) != experiment.better:
        raise InvalidExperiment(reason=f"Of '{decides}', 'better' and 'events' say two things.")


def _set_audience(experiment: Experiment, users: Sequence[str], groups: Sequence[str]) -> None:
    chosen = experiment.audience == Audience.CHOSEN
    if (users or groups) and not chosen:
        raise InvalidExperiment(reason="Users and groups are named for the audience 'chosen'.")
    people = list(User.objects.filter(username__in=users))
    named = list(Group.objects.filter(name__in=groups))
    if len(people) < len(set(users)) or len(named) < len(set(groups)):
        raise InvalidExperiment(reason="One of these users or groups is not there.")
    if chosen and not people and not named:
        raise InvalidExperiment(reason="Name the users or groups that are chosen.")
    experiment.users.set(people)
    experiment.groups.set(named)


def _set_variants(experiment: Experiment, given: Sequence[Mapping[str, Any]]) -> None:
    if not 2 <= len(given) <= _MOST_VARIANTS:  # noqa: PLR2004 - one has nothing to be held against
        raise InvalidExperiment(reason=f"An experiment has 2 to {_MOST_VARIANTS} variants.")
    if sum(bool(one.get("control")) for one in given) != 1:
        raise InvalidExperiment(reason="One of the variants is the control.")
    if len({one["name"] for one in given}) < len(given):
        raise InvalidExperiment(reason="Variants have different names.")
    rows = [_variant(experiment, place, one) for place, one in enumerate(given)]
    Variant.objects.bulk_create(rows)


def _variant(experiment: Experiment, place: int, given: Mapping[str, Any]) -> Variant:
    number, template = given.get("number"), given.get("template") or ""
    made = Variant(
        experiment=experiment,
        position=place,
        name=given["name"],
        weight=given.get("weight", 1),
        control=bool(given.get("control")),
        parameters=given.get("parameters") or {},
    )
    if number is not None:
        if experiment.definition is None:
            raise InvalidExperiment(reason="A number is a version of the definition it is about.")
        made.changes, made.number = Changes.NUMBER, entry_of(experiment.definition, number).number
    if template:
        if experiment.template is None:
            raise InvalidExperiment(reason="A variant of a definition is a number of its versions.")
        made.changes = Changes.TEMPLATE
        made.template = _shared(template_called(template, experiment.owner), experiment)
    return made


def _shared(template: WorkflowTemplate, experiment: Experiment) -> WorkflowTemplate:
    """What others are to be answered by, they must be able to run."""
    if experiment.audience != Audience.OWN and not (template.built_in or template.public):
        raise InvalidExperiment(reason=f"'{template.name}' is not public: others cannot run it.")
    return template
