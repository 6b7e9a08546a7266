"""A workflow's graph: nodes with ports, and edges between them."""

import hashlib
import json
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

OUT = "out"
ERROR = "error"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(_Part):
    """Where an editor draws a node; it changes nothing that runs."""

    x: float = 0
    y: float = 0


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
    def canonical(self) -> str:
        """What runs, as one JSON text: positions do not count."""
        content = self.model_dump(mode="json", exclude={"nodes": {"__all__": {"position"}}})
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the whole graph with its layout, for a stored version is what was drawn."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")
