"""A run never uses more than its limits and the bound of one call, and tells each limit once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from audit.verification import verify
from core.aggregates import all_differences
from llms.models import ModelCall, ModelProfile
from llms.services.profiles import forget_profiles
from tests.drills.mortal import leases_run_out, live_and_die, take_up, types_of
from tests.factories.accounts import UserFactory
from tests.laws.histories import undone
from tests.limits.runs import price_of_the_demo, reached, tokens_of
from tools.models import ToolCall
from workflows.models import WorkflowExecution

_PER_WORD = 1_000_000  # nano-dollars: the demo costs $1,000 a million here
SUM = 'use the tool calculator {"expression": "1 + 1"}'

limits = st.fixed_dictionaries(
    {},
    optional={
        "steps": st.integers(1, 40),
        "tokens": st.integers(0, 120),
        "cost": st.integers(0, 120).map(lambda words: f"{words / 1000:.3f}"),
        "tool_calls": st.integers(0, 4),
        "output_characters": st.integers(0, 60),
    },
)
branches = st.lists(st.integers(1, 25) | st.just("tool"), min_size=1, max_size=4)
deaths = st.lists(st.integers(0, 6), max_size=2)


@pytest.mark.usefixtures("built_in")
@given(branches, st.integers(1, 3), limits, deaths)
@example([25, 25, 25, 25], 1, {"tokens": 10}, [])
@example([25, 25, 25, 25], 1, {"cost": "0.010"}, [1])
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_run_passes_its_limits_by_more_than_one_call(
    branches: list[Any], rounds: int, limits: dict[str, Any], deaths: list[int]
) -> None:
    with undone():
        price_of_the_demo(1000)
        ModelProfile.objects.update(max_output_tokens=25)
        forget_profiles()
        execution = _begun(_graph(branches, rounds), limits)
        for commits in deaths:
            live_and_die(after_commits=commits)
            leases_run_out()
        take_up()
        execution.refresh_from_db()
        _holds(execution, limits)


def _holds(execution: WorkflowExecution, limits: dict[str, Any]) -> None:
    told, kinds = reached(execution), types_of(execution)
    if execution.status == "completed":
        assert told == []
    else:
        assert execution.error["code"] == f"limit_{told[0]['limit']}"
        assert len(told) == 1
    calls = list(ModelCall.objects.filter(origin=execution.origin))
    bound = max((_bound(call) for call in calls), default=0)
    if "tokens" in limits:
        assert tokens_of(execution) <= max(limits["tokens"] - 1, 0) + bound
    if "cost" in limits:
        most = round(float(limits["cost"]) * 1000) * _PER_WORD
        assert execution.cost_nano_usd <= max(most - 1, 0) + bound * _PER_WORD
    if "tool_calls" in limits:
        assert ToolCall.objects.filter(origin=execution.origin).count() <= limits["tool_calls"]
    if "steps" in limits:
        assert kinds.count("node.started") <= limits["steps"]
    if execution.output is not None and "output_characters" in limits:
        assert len(execution.output["text"]) <= limits["output_characters"]
    assert list(all_differences()) == []
    assert verify().ok


def _bound(call: ModelCall) -> int:
    """The upper bound of a metered call is not kept: a prompt of one message, and the answer."""
    return call.upper_bound_tokens or (call.input_tokens or 0) + 25


def _begun(graph: dict[str, Any], limits: dict[str, Any]) -> WorkflowExecution:
    client = APIClient()
    client.force_login(UserFactory())
    body = {"name": "x", "graph": graph, "limits": limits}
    made = client.post("/api/v1/definitions/", body)
    assert made.status_code == 201, made.json()
    address = f"/api/v1/definitions/{made.json()['id']}/execute/"
    told = client.post(address, {"mode": "background"})
    assert told.status_code == 202, told.json()
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])


def _graph(branches: list[Any], rounds: int) -> dict[str, Any]:
    """Rounds of branches side by side: each asks a model, which may call a tool."""
    nodes: list[dict[str, Any]] = [
        {"id": "start", "type": "start"},
        {"id": "loop", "type": "loop", "config": {"max_iterations": rounds}},
        {"id": "end", "type": "end"},
    ]
    edges = [("start", "out", "loop"), ("loop", "done", "end")]
    for at, said in enumerate(branches):
        text = SUM if said == "tool" else f"say {said} words"
        config = {"tools": ["calculator"]} if said == "tool" else {}
        nodes += [
            {"id": f"text{at}", "type": "prompt", "config": {"template": text}},
            {"id": f"model{at}", "type": "model", "config": config},
        ]
        edges += [
            ("loop", "continue", f"text{at}"),
            (f"text{at}", "out", f"model{at}"),
            (f"model{at}", "out", "loop"),
        ]
        if said == "tool":
            nodes.append({"id": f"tools{at}", "type": "tools"})
            edges += [
                (f"model{at}", "tool_calls", f"tools{at}"),
                (f"tools{at}", "out", f"model{at}"),
            ]
    return {
        "nodes": nodes,
        "edges": [
            {"source": source, "source_port": port, "target": target}
            for source, port, target in edges
        ],
    }
