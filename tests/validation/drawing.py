"""Graphs drawn in a line: nodes by id, edges as "a>b" or "a.port>b"; and types yet to come."""

from typing import Any, ClassVar

from llms.profiles import ProfileSpec
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit
from workflows.registry import NODE_TYPES
from workflows.validation.bounds import Limits
from workflows.validation.issue import Issue
from workflows.validation.validator import WorkflowValidator


class _Idle(NodeType[Any]):
    async def run(self, config: Any, inputs: Inputs, visit: Visit) -> Outputs:
        raise NotImplementedError


class Asking(NodeConfig):
    model: str = ""
    fallbacks: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    output_schema: dict[str, Any] | None = None
    max_tokens: int | None = None
    timeout_s: float | None = None


class Asker(_Idle):
    key: ClassVar[str] = "asker"
    label: ClassVar[str] = "A model with everything"
    config = Asking


class Types:
    """The registered node types, and those above."""

    _more = {kind.key: kind for kind in (Asker(),)}

    def get(self, key: str) -> Any:
        return self._more.get(key) or NODE_TYPES.get(key)


class FakeWorld:
    """Knows these models and workflows, and nothing else."""

    def __init__(self, *profiles: ProfileSpec, **workflows: Any) -> None:
        self._profiles = {profile.name: profile for profile in profiles}
        self._workflows = workflows

    def model(self, name: str) -> ProfileSpec | None:
        return self._profiles.get(name)

    def may_use(self, tool: str) -> bool:
        return tool == "clock"

    def may_approve(self, name: str) -> bool:
        return name in ("alice", "group:editors")

    def may_call(self, tool: str) -> bool:
        return True

    def trusts_author(self) -> bool:
        return True

    def hosts_of(self, secret: str) -> Any:
        return None

    def workflow(self, name: str) -> Any:
        return self._workflows.get(name)


def drawn(nodes: dict[str, Any], *edges: str) -> dict[str, Any]:
    """`nodes` maps an id to a type, or to a type and its settings."""
    return {
        "nodes": [_node(node_id, kind) for node_id, kind in nodes.items()],
        "edges": [_edge(edge) for edge in edges],
    }


def line(**nodes: Any) -> dict[str, Any]:
    """start → these nodes in their order → end."""
    everything = {"start": "start", **nodes, "end": "end"}
    ids = list(everything)
    return drawn(everything, *(f"{a}>{b}" for a, b in zip(ids, ids[1:], strict=False)))


def check(document: Any, *profiles: ProfileSpec, limits: Limits | None = None) -> list[Issue]:
    """All issues, with every type of node and, where profiles are given, their world."""
    validator = WorkflowValidator(Types(), limits or Limits())
    return validator.validate(document, world=FakeWorld(*profiles) if profiles else None)


def told(issues: list[Issue]) -> list[tuple[str, str]]:
    return [(issue.code, issue.path) for issue in issues]


def errors(document: Any) -> list[tuple[str, str]]:
    return told([issue for issue in check(document) if issue.severity == "error"])


def _node(node_id: str, kind: Any) -> dict[str, Any]:
    node_type, config = (kind, {}) if isinstance(kind, str) else kind
    return {"id": node_id, "type": node_type, "config": config}


def _edge(text: str) -> dict[str, str]:
    source, target = text.split(">")
    source, _, port = source.partition(".")
    return {"source": source, "source_port": port or "out", "target": target}
