"""What a run may use at most: a bound by its graph, and none where nobody knows one.

A call counts as what a budget reserves for it, its question as if it filled the model's context;
it is made as often as it may be attempted, of each model that may be asked, at each visit that
loops, items, tools and retries allow. Of a node the dearest port is taken, of a port all that
follows it; where branches meet again the sum of all nodes may be less. What is behind the handler
of the graph comes on top. A run is ended when it reaches a limit of its own, but for the last call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from core import clock
from llms.bounding import most_of
from llms.parameters import merged_parameters
from llms.pricing import in_force
from llms.profiles import ProfileSpec
from workflows.definition.graph import ERROR
from workflows.definition.loops import Loop
from workflows.definition.nesting import NESTING
from workflows.validation.flow import Flow
from workflows.validation.issue import shortened
from workflows.validation.models import models_named_by
from workflows.validation.schema import is_parameter, read_nodes
from workflows.validation.subject import Node, Subject
from workflows.validation.subworkflows import filled, known_name

# The settings that bound how often a node begins a round.
_ROUNDS = ("max_items", "max_iterations", "max_rounds")
# Those that hand on what a model and its tools said, by which its rounds are counted.
_IN_A_DIALOGUE = frozenset({"tools", "approval"})
_MOST_WORKFLOWS = 100


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why there is no bound: a stable `code`, and the node as log and ledger have it."""

    code: str
    node: str
    message: str


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What a run may use at most; None where that is not known, for the reasons in `unknown`.

    `seconds` is when a run is ended; None: never.
    """

    seconds: float | None
    tokens: int | None
    nano_usd: int | None
    unknown: Sequence[Unknown] = ()


class _Use(NamedTuple):
    tokens: int = 0
    nano_usd: int = 0


def worst_case(subject: Subject) -> WorstCase:
    """Of a run of a sound graph, with the workflows in it, under the limits of `subject.run`."""
    reckoning, run = _Reckoning(subject), subject.run
    use, last = reckoning.of(subject), reckoning.dearest
    unknown, unpriced = reckoning.unknown, reckoning.unpriced
    tokens, cost = run.tokens, run.cost_nano_usd
    return WorstCase(
        seconds=run.run_time_s,
        tokens=None if unknown else _limited(use.tokens, tokens, last.tokens),
        nano_usd=None if unknown or unpriced else _limited(use.nano_usd, cost, last.nano_usd),
        unknown=tuple(dict.fromkeys([*unknown, *unpriced])),
    )


def _limited(use: int, limit: int | None, last: int) -> int:
    """A call begins below the limit only if all calls under way cannot pass it."""
    return use if limit is None else min(use, limit + last)


class _Reckoning:
    """A graph and the workflows in it. `dearest` is what one single call may use."""

    def __init__(self, whole: Subject) -> None:
        self._whole = whole
        self._now: datetime = clock.now()
        self.dearest = _Use()
        self.unknown: list[Unknown] = []
        self.unpriced: list[Unknown] = []
        self._known: dict[str, _Use] = {}  # of workflows with their parameters in their places

    def of(self, subject: Subject, path: str = "", depth: int = 0) -> _Use:
        visits = self._visits(subject, path)
        tokens, costs = {}, {}
        for node in subject.nodes:
            asked, within = self._asked(node, path), self._within(node, path, depth)
            tokens[node.id] = (asked.tokens + within.tokens) * visits[node.id]
            costs[node.id] = (asked.nano_usd + within.nano_usd) * visits[node.id]
        return _Use(_dearest_way(subject.flow, tokens), _dearest_way(subject.flow, costs))

    def _visits(self, subject: Subject, path: str) -> Mapping[str, int]:
        """How often each node may be visited: by loops, items and tools around it, and retries."""
        tries = {node.id: 1 + self._retries(subject, node, path) for node in subject.nodes}
        visits = dict(tries)
        for loop in subject.flow.loops.values():
            rounds = self._rounds(subject, loop, path)
            whole = loop.head in subject.flow.bodies
            for node in loop.body:
                visits[node] *= rounds * (tries[loop.head] if whole else 1)
            if not whole:
                visits[loop.head] *= rounds + 1
        most = self._whole.run.steps
        return {node: times if most is None else min(times, most) for node, times in visits.items()}

    def _retries(self, subject: Subject, node: Node, path: str) -> int:
        """How often the handlers of its errors have it tried again."""
        retries = 0
        for handler in _handlers_of(subject, node):
            if handler.kind is None:
                continue
            if _is_settled(handler):
                retries += len(handler.kind.waits_s(handler.spec.config))
            else:
                self._not_settled(handler, path)
        return retries

    def _rounds(self, subject: Subject, loop: Loop, path: str) -> int:
        head = subject.by_id[loop.head]
        if head.has("max_rounds") and _is_settled(head) and not head.setting("tools"):
            return 0  # a model without tools has none called
        between = {subject.by_id[node].key for node in loop.body}
        counted = not head.has("max_rounds") or between <= _IN_A_DIALOGUE
        most = next((head.setting(name) for name in _ROUNDS if head.has(name)), None)
        if counted and _is_settled(head) and isinstance(most, int):
            return most
        if self._whole.run.steps is None:
            message = f"How often '{shortened(head.id)}' may begin another round is not bounded."
            self.unknown.append(Unknown("rounds_not_bounded", path + head.id, message))
        return self._whole.run.steps or 1

    def _asked(self, node: Node, path: str) -> _Use:
        """What one visit may use."""
        if node.kind is None or not node.has("model"):
            return _Use()
        if not _is_settled(node):
            self._not_settled(node, path)
            return _Use()
        times = node.kind.asks_at_most(node.spec.config)
        calls = [self._call(node, named.name, path) for named in models_named_by(node) if times]
        return _Use(
            times * sum(call.tokens for call in calls), times * sum(call.nano_usd for call in calls)
        )

    def _not_settled(self, node: Node, path: str) -> None:
        message = f"A setting of '{shortened(node.id)}' is a parameter that only the run knows."
        self.unknown.append(Unknown("not_settled", path + node.id, message))

    def _call(self, node: Node, name: str, path: str) -> _Use:
        profile = self._whole.world.model(name) if self._whole.world else None
        if profile is None:
            message = f"There is no model '{shortened(name)}', or you may not use it."
            self.unknown.append(Unknown("unknown_model", path + node.id, message))
            return _Use()
        most = most_of(profile, _parameters(node, profile))
        if (tokens := most.tokens) is None:
            message = f"Nobody knows how much {profile.name} reads and answers at most."
            self.unknown.append(Unknown("context_not_known", path + node.id, message))
            return _Use()
        if (cost := most.nano_usd(in_force(profile.prices, self._now))) is None:
            message = f"{profile.name} has no price."
            self.unpriced.append(Unknown("unpriced_model", path + node.id, message))
        self.dearest = _Use(max(tokens, self.dearest.tokens), max(cost or 0, self.dearest.nano_usd))
        return _Use(tokens, cost or 0)

    def _within(self, node: Node, path: str, depth: int) -> _Use:
        """What the workflow that it runs may use."""
        whole = self._whole
        if node.key not in NESTING or depth >= whole.limits.workflow_depth:
            return _Use()
        name = known_name(node)
        found = whole.workflow(name) if name else None
        if found is None or whole.node_types is None:
            message = f"Which workflow '{shortened(node.id)}' runs is not known."
            self.unknown.append(Unknown("unknown_workflow", path + node.id, message))
            return _Use()
        graph = filled(found, node, whole.node_types)
        if graph.canonical not in self._known:
            if len(self._known) >= _MOST_WORKFLOWS:
                message = f"More than {_MOST_WORKFLOWS} workflows run in one another."
                self.unknown.append(Unknown("too_many_workflows", path + node.id, message))
                return _Use()
            self._known[graph.canonical] = _Use()
            nodes, _ = read_nodes(graph, whole.node_types)
            inner = Subject(
                graph, nodes, whole.limits, world=whole.world, node_types=whole.node_types
            )
            self._known[graph.canonical] = self.of(inner, f"{path}{node.id}/", depth + 1)
        return self._known[graph.canonical]


def _handlers_of(subject: Subject, node: Node) -> Sequence[Node]:
    """Those at its `error` port, else the graph's, which tries no single node of an item again."""
    edges = [edge for edge in subject.graph.edges if edge.source == node.id]
    handlers = [subject.by_id[edge.target] for edge in edges if edge.source_port == ERROR]
    if handlers or node.id in subject.flow.behind or subject.flow.body_of(node.id):
        return handlers
    return subject.handlers


def _parameters(node: Node, profile: ProfileSpec) -> Mapping[str, Any]:
    wanted = node.setting("max_tokens")
    return merged_parameters(profile, {"max_tokens": wanted} if wanted else {})


def _is_settled(node: Node) -> bool:
    """Whether no parameter is still to say more than texts."""
    fallbacks = node.setting("fallbacks", ())
    if node.kind is None or any(map(is_parameter, (node.setting("model"), *fallbacks))):
        return False
    try:
        node.kind.config.model_validate(node.spec.config)
    except ValidationError:
        return False
    return True


def _dearest_way(flow: Flow, worth: Mapping[str, int]) -> int:
    """What is taken from the start, and behind the handler, comes to no more than this.

    From a node by the dearest port, and by the one of its rounds too. What two branches share is
    counted with both, which may be more than all there is.
    """
    onwards: dict[str, int] = {}
    for node in reversed(flow.order):
        ports = flow.targets.get(node, {}).items()
        ways = {port: sum(onwards[target] for target in targets) for port, targets in ports}
        again = ways.pop(flow.loops[node].port, 0) if node in flow.loops else 0
        onwards[node] = worth[node] + again + max(ways.values(), default=0)
    entered = {edge.target for edge in flow.onwards}
    starts = [node for node in flow.reached if node not in entered]
    parts = ((starts, flow.reached), (flow.handlers, flow.behind))
    return sum(
        min(sum(onwards[node] for node in first), sum(worth[node] for node in part))
        for first, part in parts
    )
