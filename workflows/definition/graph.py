"""A workflow's graph: nodes with ports, and edges between them."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OUT = "out"
ERROR = "error"

Layout = Mapping[str, Mapping[str, float]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(_Part):
    """Where an editor draws a node; it changes nothing that runs."""

    x: float = Field(default=0.0, allow_inf_nan=False)
    y: float = Field(default=0.0, allow_inf_nan=False)


class NodeSpec(_Part):
    """One node; `config` is checked by its type. `label` is what people see, the id by default."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    type: str = Field(min_length=1, max_length=40)
    label: str = Field(default="", max_length=120)
    config: dict[str, Any] = Field(default_factory=dict)
    position: Position = Position()


class Edge(_Part):
    """`target` runs after `source` left through `source_port`."""

    source: str
    source_port: str = OUT
    target: str


class GraphDefinition(_Part):
    """Nodes and edges; what each node may be is known to `workflows.validation`."""

    nodes: tuple[NodeSpec, ...]
    edges: tuple[Edge, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, NodeSpec]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def incoming(self) -> dict[str, tuple[Edge, ...]]:
        """Edges into each node, in the order of the definition."""
        return {
            node.id: tuple(edge for edge in self.edges if edge.target == node.id)
            for node in self.nodes
        }

    @cached_property
    def content(self) -> dict[str, Any]:
        """What runs, as JSON: the whole graph but for where its nodes are drawn."""
        return self.model_dump(mode="json", exclude={"nodes": {"__all__": {"position"}}})

    @cached_property
    def canonical(self) -> str:
        """What runs, as one JSON text that is the same for equal graphs."""
        return json.dumps(self.content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what runs: to move a node makes no other graph."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @cached_property
    def layout(self) -> Layout:
        """Where each node is drawn."""
        return {node.id: {"x": node.position.x, "y": node.position.y} for node in self.nodes}

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def drawn(content: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """The graph's JSON with its nodes where they were drawn; a node without a place is at 0, 0."""
    nodes = [{**node, "position": _place(layout.get(node["id"], {}))} for node in content["nodes"]]
    return {**content, "nodes": nodes}


def _place(kept: Mapping[str, float]) -> dict[str, float]:
    """Always decimal, never -0.0: 0 and 0.0 are one place, but not the same bytes of a file."""
    return {axis: float(kept.get(axis, 0)) + 0.0 for axis in ("x", "y")}
