"""Our own format: one version of a workflow, with references and without secrets.

It holds nothing that belongs to one installation (no ids, dates or owners), and nothing of how its
database keeps a graph, so what was exported, imported and exported again is the same to the byte.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.json_values import number
from core.limits import RunLimits
from core.refusals import told
from workflows.definition.graph import GraphDefinition
from workflows.interchange.foreign import Known
from workflows.interchange.loose import Loose
from workflows.interchange.report import Imported, NodeReport, Unreadable
from workflows.validation.secrets import masked

FORMAT = "chatter.workflow"
_LONGEST_NAME, _LONGEST_DESCRIPTION = 255, 10_000


class Package(BaseModel):
    """What a file holds; the graph is checked where it is saved."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["chatter.workflow"]
    format_version: Literal[1]
    name: str = Field(min_length=1, max_length=_LONGEST_NAME)
    description: str = Field(default="", max_length=_LONGEST_DESCRIPTION)
    graph: dict[str, Any]
    limits: RunLimits = RunLimits()


def packed(
    name: str, description: str, graph: Mapping[str, Any], limits: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a file, its keys in a fixed order; limits where there are any.

    A name or a description may hold what no graph may: a mark stands in the place of a secret.
    """
    package = Package(
        format="chatter.workflow",
        format_version=1,
        name=masked(name)[:_LONGEST_NAME],
        description=masked(description)[:_LONGEST_DESCRIPTION],
        graph=_in_one_form(graph),
        limits=RunLimits.model_validate(limits),
    )
    content = package.model_dump(exclude={"limits"})
    return {**content, "limits": given} if (given := package.limits.given()) else content


def _in_one_form(graph: Mapping[str, Any]) -> dict[str, Any]:
    """The graph's JSON as it is from every database, whoever stored it first."""
    whole = GraphDefinition.model_validate(graph).to_json()
    nodes = [{**node, "config": _sorted(node["config"])} for node in whole["nodes"]]
    return {**whole, "nodes": nodes}


def _sorted(value: Any) -> Any:
    """The value with its keys in order, and its numbers as jsonb gives them back.

    It knows no exponents and no zero below zero.
    """
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, float):
        return number(int(Decimal(repr(value)))) if "e+" in repr(value) else value + 0.0
    return value


def is_package(document: Loose) -> bool:
    return document.text("format") == FORMAT


def read_package(document: Loose, known: Known) -> Imported:
    """Raises Unreadable."""
    try:
        package = Package.model_validate(document.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise Unreadable(f"{path}: {told(first)}") from error
    graph = Loose(package.graph)
    known.check_size(len(list(graph.each("nodes"))), len(list(graph.each("edges"))))
    nodes = [
        NodeReport(one.text("id"), one.text("type"), one.text("label"), [one.text("id")])
        for one in graph.each("nodes")
    ]
    return Imported(
        source="chatter",
        name=package.name,
        description=package.description,
        graph=package.graph,
        nodes=tuple(nodes),
        limits=package.limits,
    )
