"""What a run may take and cost, by a rule of thumb: a warning before, not a bill, and no bound.

Time is the longest way through the graph. Cost is that of the dearest set of nodes one run can
take: of each node the dearest port, of each port all that follows it. What a loop repeats counts
as often as it may be repeated, and what is done for each item as often as there may be items;
there are as many at a time as there may be. What is behind the handler of a graph comes on top.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import ceil

from core import clock
from core.money import dollars_text
from llms.estimate import estimated_tokens, most_output
from llms.pricing import highest_cost_nano_usd, in_force
from llms.profiles import ProfileSpec
from workflows.definition.graph import GraphDefinition
from workflows.definition.nesting import NESTING
from workflows.validation.issue import Issue, warning
from workflows.validation.models import models_named_by
from workflows.validation.schema import read_nodes
from workflows.validation.subject import Node, Subject
from workflows.validation.subworkflows import known_name

# What is assumed where nothing is known.
QUESTION_TOKENS = 1_000
ANSWER_TOKENS = 1_000
TOKENS_PER_S = 50
NANO_USD_PER_CALL = 20_000_000  # 1,000 tokens in at $5 and 1,000 out at $15 a million
_NANO = 1_000_000_000
_MOST_ROUNDS = 1_000_000


def check_estimates(subject: Subject) -> Iterator[Issue]:
    seconds, cost = _Estimator(subject).of(subject)
    yield from _delays_too_long(subject)
    if (most_s := subject.run.run_time_s) is not None and seconds > most_s:
        message = f"A run may take about {seconds:,.0f} s, and is ended after {most_s:,g} s."
        yield warning("estimated_time_above_limit", "", message)
    if seconds > subject.limits.warn_seconds:
        message = f"A run may take about {seconds:,.0f} s."
        yield warning("estimated_time", "", message, "Shorter delays, loops or answers help.")
    if (most := subject.run.cost_nano_usd) is not None and cost > most:
        message = f"A run may cost about ${dollars_text(cost)}; its limit is ${dollars_text(most)}."
        yield warning("estimated_cost_above_limit", "", message)
    if cost > subject.limits.warn_usd * _NANO:
        message = f"A run may cost about ${dollars_text(cost)}."
        yield warning("estimated_cost", "", message, "Set max_tokens, or ask a cheaper model.")


class _Estimator:
    """Seconds and nano-dollars of a graph and of the workflows in it, each reckoned once."""

    def __init__(self, whole: Subject) -> None:
        self._whole = whole
        self._now = clock.now()
        self._known: dict[str, tuple[float, int]] = {}

    def of(self, subject: Subject, depth: int = 0) -> tuple[float, int]:
        times, in_a_row = _rounds(subject)
        seconds, costs = {}, {}
        for node in subject.nodes:
            inner_s, inner_cost = self._within(node, depth)
            seconds[node.id] = (_seconds(subject, node) + inner_s) * in_a_row[node.id]
            cost = _nano_usd(subject, node, self._now) + inner_cost
            costs[node.id] = cost * times[node.id]
        return _longest(subject, seconds), _dearest(subject, costs)

    def _within(self, node: Node, depth: int) -> tuple[float, int]:
        name = known_name(node) if node.key in NESTING else ""
        if not name or depth >= self._whole.limits.workflow_depth:
            return 0, 0
        if name not in self._known:
            self._known[name] = (0, 0)  # if it leads to itself, which is told elsewhere
            self._known[name] = self._of_workflow(name, depth)
        return self._known[name]

    def _of_workflow(self, name: str, depth: int) -> tuple[float, int]:
        whole = self._whole
        found = whole.workflow(name)
        if found is None or whole.node_types is None:
            return 0, 0
        graph = GraphDefinition.model_validate(found)
        nodes, _ = read_nodes(graph, whole.node_types)
        inner = Subject(graph, nodes, whole.limits, world=whole.world, node_types=whole.node_types)
        return self.of(inner, depth + 1)


def _delays_too_long(subject: Subject) -> Iterator[Issue]:
    most_s = subject.run.step_time_s
    for node in subject.nodes:
        pause = node.setting("seconds", 0) if node.key == "delay" else 0
        if most_s is not None and isinstance(pause, int | float) and pause > most_s:
            message = f"This waits for {pause:,g} s, and a node is stopped after {most_s:,g} s."
            yield warning("delay_above_limit", node.path("config", "seconds"), message)


def _rounds(subject: Subject) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """How often each node may run, and how often of these one after the other.

    The product of the loops and bodies it stands in.
    """
    times, in_a_row = dict.fromkeys(subject.by_id, 1), dict.fromkeys(subject.by_id, 1)
    for loop in subject.flow.loops.values():
        head = subject.by_id[loop.head]
        whole = loop.head in subject.flow.bodies
        most = _number(head, "max_items" if whole else "max_iterations", "max_rounds")
        beside = _number(head, "parallel") if whole else 1
        for node in loop.body if whole else (loop.head, *loop.body):
            times[node] = min(times[node] * most, _MOST_ROUNDS)
            in_a_row[node] = min(in_a_row[node] * ceil(most / beside), _MOST_ROUNDS)
    return times, in_a_row


def _number(node: Node, *settings: str) -> int:
    found = next((node.setting(name) for name in settings if node.setting(name)), 1)
    return max(found, 1) if isinstance(found, int) else 1


def _seconds(subject: Subject, node: Node) -> float:
    pause = node.setting("seconds", 0) if node.key == "delay" else 0
    asked = 0.0
    for profile in _profiles(subject, node)[:1]:
        asked = _answer_tokens(node, profile) / TOKENS_PER_S
    limit = node.setting("timeout_s")
    if isinstance(limit, int | float):
        asked = min(asked, limit)
    return asked + (pause if isinstance(pause, int | float) else 0)


def _nano_usd(subject: Subject, node: Node, now: datetime) -> int:
    return max((_call_cost(node, profile, now) for profile in _profiles(subject, node)), default=0)


def _call_cost(node: Node, profile: ProfileSpec | None, now: datetime) -> int:
    """Of one call: by the price in force, else NANO_USD_PER_CALL."""
    tiers = in_force(profile.prices, now) if profile else ()
    answer = _answer_tokens(node, profile)
    cost = highest_cost_nano_usd(tiers[-1:], _question_tokens(node), answer)
    return NANO_USD_PER_CALL if cost is None else cost


def _question_tokens(node: Node) -> int:
    return QUESTION_TOKENS + estimated_tokens(str(node.setting("system", "")))


def _answer_tokens(node: Node, profile: ProfileSpec | None) -> int:
    wanted = node.setting("max_tokens")
    most = profile.max_output_tokens if profile else None
    return most_output(wanted if isinstance(wanted, int) else ANSWER_TOKENS, most) or ANSWER_TOKENS


def _profiles(subject: Subject, node: Node) -> list[ProfileSpec | None]:
    """Those it may ask; None for one that is not known."""
    world = subject.world
    return [world.model(named.name) if world else None for named in models_named_by(node)]


def _longest(subject: Subject, seconds: Mapping[str, float]) -> float:
    flow, arrived = subject.flow, dict.fromkeys(subject.flow.order, 0.0)
    for node in flow.order:
        arrived[node] += seconds[node]
        for targets in flow.targets.get(node, {}).values():
            for target in targets:
                arrived[target] = max(arrived[target], arrived[node])
    parts = (flow.reached, flow.behind)
    return sum(max((arrived[node] for node in part), default=0) for part in parts)


def _dearest(subject: Subject, costs: Mapping[str, int]) -> int:
    flow = subject.flow
    taken: dict[str, frozenset[str]] = {}
    nothing: frozenset[str] = frozenset()

    def cost(nodes: frozenset[str]) -> int:
        return sum(costs[node] for node in nodes)

    for node in reversed(flow.order):
        following = nothing
        for targets in flow.targets.get(node, {}).values():
            way = nothing.union(*(taken[target] for target in targets))
            following = max(following, way, key=cost)
        taken[node] = following | {node}
    starts = [node.id for node in subject.nodes if node.key == "start"]
    behind = max((cost(taken[handler]) for handler in flow.handlers), default=0)
    return max((cost(taken[start]) for start in starts), default=0) + behind
