"""Templates that people own: made, changed, published, deleted, and turned into workflows."""

from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.text import slugify

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from core.errors import ChatterError, Conflict, Refused
from core.json_values import same
from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition, drawn
from workflows.definition.parts import without_edges
from workflows.definition.references import references_in
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowTemplate
from workflows.parameters import check_declared, checked, names_of, schema_of
from workflows.registry import NODE_TYPES
from workflows.services.definitions import checked_graph, create_definition, version_of
from workflows.services.planning import MissingParameter
from workflows.services.revisions import locked_row, save_row
from workflows.services.targets import TemplateNotFound
from workflows.validation.schema import read_nodes

_LONGEST_SLUG = 80
# Where people write what they like.
_WORDS = ("name", "slug", "description", "category", "parameters", "layout")


class TemplateNotYours(Refused):
    code = "template_not_yours"
    message = "Templates are changed by their owners; copy it to change it."


class TemplateChanged(ChatterError):
    """Somebody else saved first."""

    code = "template_changed"
    status = 412
    message = "The template is at revision {revision} by now; load it and change that."


class SlugTaken(Conflict):
    code = "template_slug_taken"
    message = "A template of yours, or one of Chatter's, has the slug '{slug}' already."


def template_for(user: User, name: str) -> WorkflowTemplate:
    """One template this user may see, by slug or id. Raises TemplateNotFound."""
    seen = WorkflowTemplate.objects.visible_to(user).called(name, user)
    found: WorkflowTemplate | None = seen.for_list().first()
    if found is None:
        raise TemplateNotFound(template=name)
    return found


@transaction.atomic
def create_template(  # noqa: PLR0913 - a template reads best on one level
    *,
    owner: User,
    name: str,
    graph: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    slug: str = "",
    description: str = "",
    category: str = "general",
    public: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> WorkflowTemplate:
    """A new template of this owner. Raises GraphRefused, BadDeclaration, SlugTaken.

    Without `parameters` each that the graph names is needed and may be anything. `detail` tells the
    audit trail how it came about.
    """
    if parameters is None:
        checked_graph(graph, owner)  # what nests too deep cannot be searched for names
    declared = _named_in(graph) if parameters is None else dict(parameters)
    check_declared(declared)
    checked_one = checked_graph(graph, owner, params=names_of(declared))
    made = WorkflowTemplate(
        owner=owner,
        slug=_free_slug(slug) if slug else _slug_from(name, owner),
        name=name,
        description=description,
        category=category,
        parameters=declared,
        version=version_of(checked_one),
        layout=checked_one.layout,
        public=public,
    )
    _save(made, made.save)
    told = {"version": checked_one.content_hash, "public": public, **(detail or {})}
    record("workflows.template.created", actor=owner, target=made, detail=told)
    return made


@transaction.atomic
def change_template(
    template: WorkflowTemplate,
    *,
    by: User,
    revision: int | None = None,
    graph: Mapping[str, Any] | None = None,
    **fields: Any,
) -> WorkflowTemplate:
    """Set what is given; nothing is written where nothing differs, and what runs runs on.

    Raises TemplateNotYours, TemplateChanged if it is no longer at `revision`, GraphRefused,
    BadDeclaration, SlugTaken.
    """
    template = _locked(template, by, revision)
    if "parameters" in fields:
        check_declared(fields["parameters"])
    if "slug" in fields and fields["slug"] != template.slug:
        _free_slug(fields["slug"])
    fields |= _graph_fields(template, graph, fields.get("parameters", template.parameters))
    before = {name: getattr(template, name) for name in fields}
    for name, value in fields.items():
        setattr(template, name, value)
    if not same(before, fields):
        _save(template, lambda: save_row(template))
        _record_change(template, by, before, fields)
    return template


@transaction.atomic
def delete_template(template: WorkflowTemplate, *, by: User, revision: int | None = None) -> None:
    """Delete it; executions keep the graph they ran. Raises TemplateNotYours, TemplateChanged."""
    template = _locked(template, by, revision)
    told = {"slug": template.slug}
    record("workflows.template.deleted", actor=by, target=template, personal=told)
    template.delete()


@transaction.atomic
def definition_from_template(
    template: WorkflowTemplate,
    *,
    by: User,
    name: str = "",
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> WorkflowDefinition:
    """A workflow of `by` that begins as this template.

    Its parameters are put in their places, `parameters` over the defaults, and what they close is
    left out; with None they stay, to be given at each start. Raises InvalidParameters,
    MissingParameter, GraphRefused.
    """
    graph = drawn(template.version.graph, template.layout)
    if parameters is not None:
        values = checked(template.parameters, parameters)
        try:
            whole = bound(GraphDefinition.model_validate(graph), values, NODE_TYPES)
            graph = _opened(whole).to_json()
        except BadExpression as error:
            raise MissingParameter(reason=str(error)) from error
    return create_definition(
        owner=by,
        name=name or template.name,
        description=template.description if description is None else description,
        graph=graph,
        act="made_from_template",
        detail={"template": str(template.id), "bound": parameters is not None},
    )


def template_from_definition(
    entry: DefinitionVersion, *, by: User, **fields: Any
) -> WorkflowTemplate:
    """A template of `by` that begins as this version of a workflow; raises as `create_template`."""
    source = entry.definition
    given = {key: value for key, value in fields.items() if value is not None}
    return create_template(
        owner=by,
        graph=drawn(entry.version.graph, entry.layout),
        detail={"definition": str(source.id), "number": entry.number},
        **{"name": source.name, "description": source.description, **given},
    )


def locked_template(template: WorkflowTemplate, revision: int | None = None) -> WorkflowTemplate:
    """The row as it is now, locked. Raises TemplateChanged, TemplateNotFound."""
    found: WorkflowTemplate = locked_row(
        WorkflowTemplate.objects.for_list(),
        template.pk,
        revision,
        missing=TemplateNotFound(template=str(template.pk)),
        changed=TemplateChanged,
    )
    return found


def _locked(template: WorkflowTemplate, by: User, revision: int | None) -> WorkflowTemplate:
    found = locked_template(template, revision)
    if not found.may_change(by):
        raise TemplateNotYours
    return found


def _opened(graph: GraphDefinition) -> GraphDefinition:
    """The graph without the ports that its parameters closed: a model may have no tools now."""
    ports = {node.id: node.ports for node in read_nodes(graph, NODE_TYPES)[0] if node.ports}
    closed = [
        edge
        for edge in graph.edges
        if edge.source in ports and edge.source_port not in ports[edge.source]
    ]
    return without_edges(graph, closed)


def _graph_fields(
    template: WorkflowTemplate, graph: Mapping[str, Any] | None, declared: Mapping[str, Any]
) -> dict[str, Any]:
    """What another graph changes; the one there is must go with other parameters, too."""
    if graph is None and declared == template.parameters:
        return {}
    whole = drawn(template.version.graph, template.layout) if graph is None else graph
    checked_one = checked_graph(whole, template.owner, params=names_of(declared))
    return {"version": version_of(checked_one), "layout": dict(checked_one.layout)}


def _record_change(
    template: WorkflowTemplate, by: User, before: dict[str, Any], after: dict[str, Any]
) -> None:
    version = template.version.content_hash
    told = changes_for_audit(hashed(before), hashed(after), personal=_WORDS, version=version)
    record("workflows.template.changed", actor=by, target=template, **told)
    if before.get("public", template.public) != template.public:
        act = "published" if template.public else "withdrawn"
        record(f"workflows.template.{act}", actor=by, target=template, detail={"version": version})


def hashed(fields: dict[str, Any]) -> dict[str, Any]:
    """With a version told by what it is, not by its row."""
    version = fields.get("version")
    return {**fields, "version": version.content_hash} if version else fields


def _named_in(graph: Any) -> dict[str, Any]:
    """A declaration of all parameters that a graph names; empty for what is no graph."""
    nodes = graph.get("nodes") if isinstance(graph, Mapping) else None
    listed = nodes if isinstance(nodes, list) else []
    configs = [node.get("config") for node in listed if isinstance(node, Mapping)]
    steps = [name.split(".") for name in references_in(configs)]
    names = dict.fromkeys(step[1] for step in steps if step[0] == "params" and len(step) > 1)
    return schema_of({name: {} for name in names}, list(names)) if names else {}


def _slug_from(name: str, owner: User) -> str:
    """One made from a name; numbered where the owner, or Chatter, has one like it already."""
    plain = slugify(name)[:_LONGEST_SLUG] or "template"
    seen = WorkflowTemplate.objects.filter(Q(owner=None) | Q(owner=owner))
    taken = set(seen.values_list("slug", flat=True))
    ends = chain([""], (f"-{number}" for number in count(2)))
    slugs = (plain[: _LONGEST_SLUG - len(end)] + end for end in ends)
    return next(slug for slug in slugs if slug not in taken)


def _free_slug(slug: str) -> str:
    """Raises SlugTaken for one of Chatter's own, which would be found in its place."""
    if WorkflowTemplate.objects.filter(owner=None, slug=slug).exists():
        raise SlugTaken(slug=slug)
    return slug


def _save(template: WorkflowTemplate, save: Any) -> None:
    try:
        with transaction.atomic():
            save()
    except IntegrityError as error:
        raise SlugTaken(slug=template.slug) from error
