"""What graphs are put together from."""

from collections.abc import Mapping
from typing import Any

from workflows.parameters import schema_of

Json = dict[str, Any]
STEP = 200  # from one node to the next in a drawing
MODEL: Json = {"type": "string", "default": "", "title": "Model (provider:model)"}


def node(key: str, kind: str, x: int, y: int = 0, **config: Any) -> Json:
    """A node in column `x` and row `y`."""
    position = {"x": x * STEP, "y": y * STEP}
    return {"id": key, "type": kind, "config": config, "position": position}


def edge(source: str, target: str, port: str = "out") -> Json:
    return {"source": source, "source_port": port, "target": target}


def line(*nodes: Json) -> list[Json]:
    """Edges from each node to the next."""
    return [edge(one["id"], other["id"]) for one, other in zip(nodes, nodes[1:], strict=False)]


def template(  # noqa: PLR0913 - a template reads best on one level
    slug: str,
    name: str,
    description: str,
    category: str,
    parameters: Mapping[str, Json],
    graph: Json,
) -> Json:
    return {
        "slug": slug,
        "name": name,
        "description": description,
        "category": category,
        "parameters": schema_of(parameters),
        "graph": graph,
    }
