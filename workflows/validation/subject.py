"""What the checks look at: a graph with its places in the document, its types and its world."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

from core.limits import RunLimits
from llms.profiles import ProfileSpec
from workflows.definition.graph import ERROR, GraphDefinition, NodeSpec
from workflows.nodes.base import NodeConfig, NodeType
from workflows.validation.bounds import Limits
from workflows.validation.flow import Flow, flow_of
from workflows.validation.issue import path_of

TEXT = "text"  # what every node leaves


class NodeTypes(Protocol):
    """The registry of node types."""

    def get(self, key: str) -> Any | None: ...


class World(Protocol):
    """What one user may name in a graph; unknown and foreign things look the same: None."""

    def model(self, name: str) -> ProfileSpec | None:
        """The model of this name; "" is the default."""
        ...

    def may_use(self, tool: str) -> bool:
        """Whether there is such a tool for models, and it may be called now."""
        ...

    def may_call(self, tool: str) -> bool:
        """The same of the tools that nodes call for themselves."""
        ...

    def hosts_of(self, secret: str) -> Collection[str] | None:
        """The hosts a secret may be sent to; None when there is no such secret."""
        ...

    def trusts_author(self) -> bool:
        """Whether secrets may be used as the graph has it."""
        ...

    def may_approve(self, name: str) -> bool:
        """Whether there is such a user, or such a group: `group:<name>`."""
        ...

    def workflow(self, name: str) -> Mapping[str, Any] | None:
        """The graph that a workflow would run, as JSON; `id`, or `id@number` of its history."""
        ...


@dataclass(frozen=True)
class Node:
    """A node at its place in the document.

    There is no `kind` or `config` when the schema refused them; of a configuration that parameters
    complete it is what stands there without them, where that can be read.
    """

    at: int
    spec: NodeSpec
    kind: NodeType[Any] | None
    config: NodeConfig | None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def key(self) -> str:
        """Its type without aliases; empty when there is no such type."""
        return self.kind.key if self.kind else ""

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Its configuration, defaults included where it can be read."""
        return self.spec.config if self.config is None else self.config.model_dump()

    @cached_property
    def ports(self) -> tuple[str, ...]:
        """The ways out of it, `error` too where it can fail; none when they cannot be known."""
        if self.kind is None or self.config is None:
            return ()
        own: tuple[str, ...] = self.kind.ports_of(self.spec.config)
        return (*own, ERROR) if self.kind.can_fail else own

    def fields(self, ports: Collection[str]) -> tuple[str, ...] | None:
        """What others may name of it when it left by one of these; None: nobody can say."""
        if self.kind is None:
            return None
        left = [self.kind.left_by(self.spec.config, port) for port in ports]
        known = [one for one in left if one is not None]
        if len(known) < len(left):
            return None
        return tuple(dict.fromkeys((TEXT, *chain.from_iterable(known))))

    def has(self, setting: str) -> bool:
        """Whether its type knows such a setting."""
        return self.kind is not None and setting in self.kind.settings()

    def setting(self, name: str, default: Any = None) -> Any:
        """What it is set to, defaults of its type included, or `default`."""
        held = self.spec.config if self.config is None else vars(self.config)
        found = held.get(name)
        return default if found is None else found

    def path(self, *steps: str | int) -> str:
        return path_of("nodes", self.at, *steps)


@dataclass(frozen=True)
class Subject:
    """One graph under examination. Without a `world` nobody asks, and nothing named is looked up.

    `params` are the names of the parameters there are; None: not known. `within` is the id of the
    workflow whose graph this is to become; None: of none yet. `run` is what limits its runs.
    """

    graph: GraphDefinition
    nodes: tuple[Node, ...]
    limits: Limits = field(default_factory=Limits)
    params: Collection[str] | None = None
    world: World | None = None
    within: str | None = None
    node_types: NodeTypes | None = None
    run: RunLimits = field(default_factory=RunLimits)

    def workflow(self, name: str) -> Mapping[str, Any] | None:
        """The graph that a workflow would run, as JSON; each is looked up once."""
        if name not in self._workflows:
            self._workflows[name] = self.world.workflow(name) if self.world else None
        return self._workflows[name]

    @cached_property
    def _workflows(self) -> dict[str, Mapping[str, Any] | None]:
        return {}

    @cached_property
    def by_id(self) -> dict[str, Node]:
        return {node.id: node for node in self.nodes}

    @cached_property
    def handlers(self) -> list[Node]:
        """Those that are to take up the errors of the whole graph."""
        return [n for n in self.nodes if n.kind and n.config and n.kind.takes_up(n.settings)]

    @cached_property
    def stops(self) -> frozenset[str]:
        """Those that end the run when an error leads there."""
        ending = [n.id for n in self.nodes if n.kind and n.config and n.kind.stops(n.settings)]
        return frozenset(ending)

    @cached_property
    def flow(self) -> Flow:
        starts = [node.id for node in self.nodes if node.key == "start"]
        rounds = {n.id: n.kind.round_port for n in self.nodes if n.kind and n.kind.round_port}
        entered = {edge.target for edge in self.graph.edges}
        return flow_of(
            list(self.by_id),
            self.graph.edges,
            starts,
            rounds,
            bodies=[node.id for node in self.nodes if node.kind and node.kind.has_body],
            handlers=[node.id for node in self.handlers if node.id not in entered],
            stops=self.stops,
        )
