"""The winner becomes what is run from now on."""

from typing import Any

from django.db import transaction

from accounts.models import User
from audit.record import record
from core.errors import Conflict
from experiments.models import Changes, Experiment, ExperimentStatus, Variant
from experiments.services.acts import ExperimentTargetGone, complete_experiment, variant_of
from experiments.services.experiments import locked
from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition, drawn
from workflows.models import WorkflowDefinition, WorkflowTemplate
from workflows.registry import NODE_TYPES
from workflows.services.definitions import change_definition, definition_for
from workflows.services.planning import MissingParameter
from workflows.services.targets import template_called
from workflows.services.templates import change_template, create_template
from workflows.services.versions import entry_of, publish_version


class NotBegun(Conflict):
    code = "experiment_not_begun"
    message = "Nothing has been put to the test yet."


class AlreadyPromoted(Conflict):
    code = "already_promoted"
    message = "'{name}' was promoted before."


@transaction.atomic
def promote_variant(experiment: Experiment, pk: Any, *, by: User) -> dict[str, Any]:
    """End the experiment, if it is not over, and have its target run as this variant did.

    A definition publishes the variant's version; parameters are put in their places in a new one. A
    template of one's own takes the graph and defaults; of one that one may not change, a copy is
    made. Returns `{definition, number}` or `{template, copied}`.

    Raises NotBegun, AlreadyPromoted, ExperimentTargetGone, VariantNotFound, DefinitionNotFound and
    TemplateNotFound for what `by` may no longer see, and what publishing or changing raises.
    """
    experiment = locked(experiment)
    variant = variant_of(experiment, pk)
    if experiment.status == ExperimentStatus.DRAFT:
        raise NotBegun
    if experiment.winner_id is not None:
        raise AlreadyPromoted(name=str(experiment.winner))
    became = _become(experiment, variant, by)
    if experiment.status != ExperimentStatus.COMPLETED:
        experiment = complete_experiment(experiment, by=by)
    experiment.winner = variant
    experiment.save(update_fields=["winner", "updated_at"])
    record(
        "experiments.experiment.promoted",
        actor=by,
        target=experiment,
        detail={"variant": str(variant.pk), **became},
        personal={"variant": variant.name},
    )
    return became


def _become(experiment: Experiment, variant: Variant, by: User) -> dict[str, Any]:
    if experiment.definition is not None:
        seen = definition_for(by, experiment.definition.pk)
        definition = _published(seen, variant, by)
        return {"definition": str(definition.pk), "number": definition.published}
    if experiment.template is None or variant.version is None:
        raise ExperimentTargetGone
    return _template(template_called(str(experiment.template.pk), by), variant, by)


def _published(definition: WorkflowDefinition, variant: Variant, by: User) -> WorkflowDefinition:
    history = definition.history.filter(version=variant.version_id).order_by("-number")
    numbered = history.filter(number=variant.number or definition.published)
    entry = numbered.first() or history.first()
    if entry is None:
        raise ExperimentTargetGone
    if variant.parameters:
        try:
            before = GraphDefinition.model_validate(entry.version.graph)
            graph = bound(before, variant.parameters, NODE_TYPES)
        except BadExpression as error:
            raise MissingParameter(reason=str(error)) from error
        whole = drawn(graph.content, entry.layout)
        definition = change_definition(definition, by=by, graph=whole)
        entry = entry_of(definition)
    return publish_version(entry, by=by)


def _template(template: WorkflowTemplate, variant: Variant, by: User) -> dict[str, Any]:
    """Its owner's, changed; or a copy of one's own."""
    source = template
    if variant.changes == Changes.TEMPLATE:
        if variant.template is None:
            raise ExperimentTargetGone
        source = template_called(str(variant.template.pk), by)
    graph = drawn(variant.version.graph, source.layout)  # type: ignore[union-attr]
    declared = source.parameters if variant.declared is None else variant.declared
    parameters = _with_defaults(declared, variant.parameters)
    if template.may_change(by):
        changed = change_template(template, by=by, graph=graph, parameters=parameters)
        return {"template": str(changed.pk), "copied": False}
    made = create_template(
        owner=by,
        name=f"{template.name}: {variant.name}"[:255],
        graph=graph,
        parameters=parameters,
        description=source.description,
        category=source.category,
        detail={"template": str(template.pk), "experiment": str(variant.experiment_id)},
    )
    return {"template": str(made.pk), "copied": True}


def _with_defaults(declared: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    properties = declared.get("properties", {})
    changed = {
        name: {**part, "default": values[name]} if name in values else part
        for name, part in properties.items()
    }
    return {**declared, "properties": changed} if properties else declared
