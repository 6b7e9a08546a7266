"""Variables that branches of a foreign workflow set at once, which branches here may not.

There the last of them counts. Here the first in the file does, and the others read what it is.
"""

from dataclasses import replace
from typing import Any

from workflows.interchange.foreign import Known
from workflows.interchange.report import Imported
from workflows.registry import NODE_TYPES
from workflows.validation.schema import read_graph, read_nodes
from workflows.validation.subject import Subject
from workflows.validation.variables import collisions


def without_collisions(imported: Imported, known: Known) -> Imported:
    """What is not set any more is told at its node. A graph that is too large stays as it is."""
    graph, _ = read_graph(imported.graph)
    if graph is None or len(graph.nodes) > known.limits.nodes:
        return imported
    nodes, _ = read_nodes(graph, NODE_TYPES)
    set_by: dict[str, str] = {}
    for name, one, other in collisions(Subject(graph, nodes)):
        if one.id in set_by or other.id in set_by:
            continue
        set_by[other.id] = one.id
        for report in imported.nodes:
            if other.id in report.became:
                by = one.spec.label or one.id
                report.note(f"'{name}' is only read, for '{by}' may set it at the same time.")
    changed = [_reading(one) if one["id"] in set_by else one for one in imported.graph["nodes"]]
    return replace(imported, graph={**imported.graph, "nodes": changed})


def _reading(node: dict[str, Any]) -> dict[str, Any]:
    config = {"name": node["config"]["name"], "operation": "get", "default": None}
    return {**node, "config": config}
