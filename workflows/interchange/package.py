"""Our own format: one version of a workflow, with references and without secrets.

It holds nothing that belongs to one installation (no ids, dates or owners), so what was exported,
imported and exported again is the same to the byte.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.limits import RunLimits
from workflows.interchange.foreign import Known
from workflows.interchange.loose import Loose
from workflows.interchange.report import Imported, NodeReport, Unreadable

FORMAT = "chatter.workflow"


class Package(BaseModel):
    """What a file holds; the graph is checked where it is saved."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["chatter.workflow"]
    format_version: Literal[1]
    name: str = Field(min_length=1, max_length=255)
    description: str = Field(default="", max_length=10_000)
    graph: dict[str, Any]
    limits: RunLimits = RunLimits()


def packed(
    name: str, description: str, graph: Mapping[str, Any], limits: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a file, its keys in a fixed order; limits where there are any."""
    package = Package(
        format="chatter.workflow",
        format_version=1,
        name=name,
        description=description,
        graph=dict(graph),
        limits=RunLimits.model_validate(limits),
    )
    content = package.model_dump(exclude={"limits"})
    return {**content, "limits": given} if (given := package.limits.given()) else content


def is_package(document: Loose) -> bool:
    return document.text("format") == FORMAT


def read_package(document: Loose, known: Known) -> Imported:
    """Raises Unreadable."""
    try:
        package = Package.model_validate(document.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        raise Unreadable(f"{path}: {first['msg']}") from error
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
