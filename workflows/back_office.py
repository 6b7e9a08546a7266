"""What the back office shows of a workflow: picture, issues, history, executions, forecast."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accounts.models import User
from core.errors import ChatterError
from core.form_fields import once_of
from core.models import Record, new_id
from workflows.api.forecasts import forecast_out
from workflows.api.starting import keyed
from workflows.definition.diff import Difference, difference
from workflows.definition.graph import OUT, GraphDefinition
from workflows.definition.picture import Picture, picture
from workflows.engine.request import ExecutionRequest
from workflows.limits import limits_for
from workflows.models import DefinitionVersion, WorkflowDefinition
from workflows.registry import NODE_TYPES
from workflows.services.forecasts import forecast
from workflows.services.idempotency import NO_KEY, Idempotency
from workflows.validation import validate
from workflows.validation.issue import part_at

_ENTRIES = 20
_EXECUTIONS = 10


def once_of_page(request: HttpRequest, act: str, row: Record) -> Idempotency:
    """Of an act on a row of a list, which is meant once however often its page is sent."""
    shown = request.POST.get("csrfmiddlewaretoken", "")  # another on every page
    once = once_of(shown, [act, row.pk])
    return keyed(once, request.path.encode()) if once else NO_KEY


def picture_html(graph: Mapping[str, Any]) -> SafeString:
    """The graph as SVG, its colours from style sheets."""
    definition = GraphDefinition.model_validate(graph)
    drawn = picture(definition, _kind_label)
    return _rendered("picture", {"picture": drawn, "said": _in_words(definition, drawn)})


def issues_html(entry: DefinitionVersion) -> SafeString:
    definition = entry.definition
    limits = limits_for(definition.owner, definition)
    found = validate(entry.version.graph, definition.owner, within=definition.id, limits=limits)
    parts = [(issue, part_at(issue.path, entry.version.graph)) for issue in found]
    return _rendered("issues", {"issues": parts})


def history_html(definition: WorkflowDefinition) -> SafeString:
    """The newest versions, each with what it changed, and the way to the `older` ones."""
    entries = DefinitionVersion.objects.for_list().filter(definition=definition)
    newest = list(entries.order_by("-number")[: _ENTRIES + 1])
    shown = {"history": list(_changes(newest)), "older": newest[_ENTRIES:]}
    return _rendered("history", shown)


def executions_html(definition: WorkflowDefinition) -> SafeString:
    newest = definition.executions.select_related("user").order_by("-id")[:_EXECUTIONS]
    return _rendered("executions", {"executions": newest, "definition": definition})


def forecast_html(
    user: User, definition: WorkflowDefinition, parameters: Mapping[str, Any]
) -> SafeString:
    """What a run of it would cost this user, or why it cannot begin."""
    asked = ExecutionRequest(
        id=new_id(),
        user_id=user.pk,
        request_id="",
        input={},
        definition=definition.pk,
        parameters=parameters,
    )
    try:
        shown: dict[str, Any] = {"forecast": forecast_out(forecast(user, asked)).to_json()}
    except ChatterError as error:
        shown = {"problem": error}
    return _rendered("forecast", shown)


def _changes(
    newest: list[DefinitionVersion],
) -> Iterator[tuple[DefinitionVersion, Difference | None]]:
    graphs = [GraphDefinition.model_validate(entry.version.graph) for entry in newest]
    for at, entry in enumerate(newest[:_ENTRIES]):
        before = graphs[at + 1] if at + 1 < len(graphs) else None
        yield entry, difference(before, graphs[at]) if before else None


def _kind_label(key: str) -> str:
    kind = NODE_TYPES.get(key)
    return kind.label if kind else key


def _in_words(graph: GraphDefinition, drawn: Picture) -> str:
    """What the picture shows, for those who hear it."""
    titles = {box.id: box.title for box in drawn.boxes}
    ways = [
        f"{titles[edge.source]}{'' if edge.source_port == OUT else f' ({edge.source_port})'}"
        f" → {titles[edge.target]}"
        for edge in graph.edges
        if {edge.source, edge.target} <= titles.keys()
    ]
    nodes = f"{len(titles)} nodes: {', '.join(titles.values())}."
    return f"{nodes} {len(ways)} edges: {', '.join(ways)}."


def _rendered(name: str, context: dict[str, Any]) -> SafeString:
    return render_to_string(f"workflows/admin/{name}.html", context)
