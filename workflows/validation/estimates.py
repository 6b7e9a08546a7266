"""What a run may take and cost at most, by a rule of thumb: a warning before, not a bill.

Time is the longest way through the graph. Cost is that of the dearest set of nodes one run can
take: of each node the dearest port, of each port all that follows it. What a loop repeats counts
as often as it may be repeated.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from core import clock
from llms.estimate import estimated_tokens, most_output
from llms.pricing import dollars_text, highest_cost_nano_usd, in_force
from llms.profiles import ProfileSpec
from workflows.validation.issue import Issue, warning
from workflows.validation.models import models_asked
from workflows.validation.subject import Node, Subject

# What is assumed where nothing is known.
QUESTION_TOKENS = 1_000
ANSWER_TOKENS = 1_000
TOKENS_PER_S = 50
NANO_USD_PER_CALL = 20_000_000  # 1,000 tokens in at $5 and 1,000 out at $15 a million
_NANO = 1_000_000_000
_MOST_ROUNDS = 1_000_000


def check_estimates(subject: Subject) -> Iterator[Issue]:
    rounds = _rounds(subject)
    seconds = _longest(subject, {n.id: _seconds(subject, n) * rounds[n.id] for n in subject.nodes})
    yield from _delays_too_long(subject)
    if (most_s := subject.run.run_time_s) is not None and seconds > most_s:
        message = f"A run may take about {seconds:,.0f} s, and is ended after {most_s:,g} s."
        yield warning("estimated_time_above_limit", "", message)
    if seconds > subject.limits.warn_seconds:
        message = f"A run may take about {seconds:,.0f} s."
        yield warning("estimated_time", "", message, "Shorter delays, loops or answers help.")
    now = clock.now()
    cost = _dearest(
        subject, {n.id: _nano_usd(subject, n, now) * rounds[n.id] for n in subject.nodes}
    )
    if (most := subject.run.cost_nano_usd) is not None and cost > most:
        message = f"A run may cost about ${dollars_text(cost)}; its limit is ${dollars_text(most)}."
        yield warning("estimated_cost_above_limit", "", message)
    if cost > subject.limits.warn_usd * _NANO:
        message = f"A run may cost about ${dollars_text(cost)}."
        yield warning("estimated_cost", "", message, "Set max_tokens, or ask a cheaper model.")


def _delays_too_long(subject: Subject) -> Iterator[Issue]:
    most_s = subject.run.step_time_s
    for node in subject.nodes:
        pause = node.setting("seconds", 0) if node.key == "delay" else 0
        if most_s is not None and isinstance(pause, int | float) and pause > most_s:
            message = f"This waits for {pause:,g} s, and a node is stopped after {most_s:,g} s."
            yield warning("delay_above_limit", node.path("config", "seconds"), message)


def _rounds(subject: Subject) -> Mapping[str, int]:
    """How often each node may run: the product of the loops it stands in."""
    rounds = dict.fromkeys(subject.by_id, 1)
    for loop in subject.flow.loops.values():
        head = subject.by_id[loop.head]
        most = head.setting("max_iterations") or head.setting("max_rounds", 1)
        for node in (loop.head, *loop.body) if isinstance(most, int) else ():
            rounds[node] = min(rounds[node] * max(most, 1), _MOST_ROUNDS)
    return rounds


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
    question = QUESTION_TOKENS + estimated_tokens(str(node.setting("system", "")))
    cost = highest_cost_nano_usd(tiers[-1:], question, _answer_tokens(node, profile))
    return NANO_USD_PER_CALL if cost is None else cost


def _answer_tokens(node: Node, profile: ProfileSpec | None) -> int:
    wanted = node.setting("max_tokens")
    most = profile.max_output_tokens if profile else None
    return most_output(wanted if isinstance(wanted, int) else ANSWER_TOKENS, most) or ANSWER_TOKENS


def _profiles(subject: Subject, node: Node) -> list[ProfileSpec | None]:
    """Those it may ask; None for one that is not known."""
    world = subject.world
    return [world.model(asked.name) if world else None for asked in models_asked(node)]


def _longest(subject: Subject, seconds: Mapping[str, float]) -> float:
    flow, arrived = subject.flow, dict.fromkeys(subject.flow.order, 0.0)
    for node in flow.order:
        arrived[node] += seconds[node]
        for targets in flow.targets.get(node, {}).values():
            for target in targets:
                arrived[target] = max(arrived[target], arrived[node])
    return max((arrived[node] for node in flow.reached), default=0)


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
    return max((cost(taken[start]) for start in starts), default=0)
