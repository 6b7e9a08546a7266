"""What a run has shown to a node, the checks let this node name."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given

from tests.laws.blocks import whole_graphs
from tests.laws.running import World, result_of
from workflows.engine.engine import ExecutionEngine
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit
from workflows.registry import NODE_TYPES
from workflows.validation import validate

_TEXTS = {
    **{"prompt": "template", "end": "output", "error_handler": "text", "approval": "question"},
    **{"model": "system", "variable": "value"},
}


@dataclass
class _Watched:
    """A type of node that writes down what its visits can name."""

    kind: NodeType[Any]
    shown: dict[str, set[tuple[str, str]]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind, name)

    async def run(self, config: NodeConfig, inputs: Inputs, visit: Visit) -> Outputs:
        names = inputs.names(visit.context)["nodes"]
        self.shown[visit.node] |= {(one, key) for one, left in names.items() for key in left}
        return await self.kind.run(config, inputs, visit)


@dataclass
class _Types:
    shown: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def get(self, key: str) -> Any:
        kind = NODE_TYPES.get(key)
        return kind and _Watched(kind, self.shown)


@given(whole_graphs())
def test_what_a_node_has_been_shown_it_may_name(graph: dict[str, Any]) -> None:
    types = _Types()
    result_of(ExecutionEngine(types), graph, World())
    for node in graph["nodes"]:
        names = types.shown[node["id"]]
        if names and (setting := _TEXTS.get(node["type"])):
            text = " ".join(
                f"{{{{ text == '' ? nodes.{one}.{key} : 0 }}}}" for one, key in sorted(names)
            )
            config = {**node["config"], setting: text}
            others = [one for one in graph["nodes"] if one is not node]
            asked = {**graph, "nodes": [*others, {**node, "config": config}]}
            assert [one for one in validate(asked) if one.code == "unknown_field"] == []
