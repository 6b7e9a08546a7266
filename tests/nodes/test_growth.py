"""What a run puts together stays small enough to be kept, however it is put together."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.definitions.graphs import graph
from tests.drills.mortal import take_up
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
EDGES = ["start>first", "first>loop", "loop.continue>more", "more>loop", "loop.done>each"]
EDGES += ["each.each>note", "note>each", "each.done>end"]


def ended(alice_api: APIClient, rounds: int, more: dict[str, Any], **each: Any) -> Any:
    """A run that changes x so many times, then maps over it if that is wanted; its error."""
    whole = graph(
        {"id": "first", "type": "variable", "config": {"name": "x", "value": [1]}},
        {"id": "loop", "type": "loop", "config": {"max_iterations": rounds}},
        {"id": "more", "type": "variable", "config": {"name": "x", **more}},
        {"id": "each", "type": "map", "config": {"items": "[1, 2, 3, 4, 5]", **each}},
        {"id": "note", "type": "prompt", "config": {"template": "."}},
        edges=EDGES,
    )
    whole["nodes"][-1]["config"] = {"output": "."}
    return error_of(alice_api, whole)


def error_of(alice_api: APIClient, whole: Any, message: str = "") -> Any:
    body = {"graph": whole, "input": {"message": message}, "mode": "background"}
    answer = alice_api.post("/api/v1/workflows/execute/", body)
    assert answer.status_code == 202, answer.json()
    take_up()
    execution = WorkflowExecution.objects.get(pk=answer.json()["execution"]["id"])
    return execution.error and (execution.error["code"], execution.error["node"])


@pytest.mark.parametrize(
    ("rounds", "more"),
    [
        (19, {"value": ["{{variables.x}}", "{{variables.x}}"]}),
        (19, {"operation": "append", "value": "{{variables.x}}"}),
        (300, {"value": "{{variables}}"}),
    ],
    ids=["doubled", "appended to itself", "nested"],
)
def test_a_value_that_is_put_into_itself_ends_the_run_and_not_the_server(
    alice: User, api: Callable[[User], APIClient], built_in: None, rounds: int, more: dict[str, Any]
) -> None:
    assert ended(api(alice), rounds, more) == ("bad_expression", "more")


def test_results_that_are_too_large_together_are_not_written_one_below_the_other(
    alice: User, api: Callable[[User], APIClient], built_in: None
) -> None:
    twice = {"value": ["{{variables.x}}", "{{variables.x}}"]}
    assert ended(api(alice), 14, twice, result="{{nodes.each.index}}") is None
    error = ended(api(alice), 14, twice, result="{{variables.x}}")
    assert error == ("bad_expression", "each")


def test_texts_that_meet_again_and_again_end_the_run_and_not_the_server(
    alice: User, api: Callable[[User], APIClient], built_in: None
) -> None:
    forks = [
        {"id": f"{name}{at}", "type": "delay", "config": {"seconds": 0}}
        for at in range(9)
        for name in "abc"
    ]
    edges = [
        edge.format(at=at, next=f"a{at + 1}" if at < 8 else "end")
        for at in range(9)
        for edge in ("a{at}>b{at}", "a{at}>c{at}", "b{at}>{next}", "c{at}>{next}")
    ]
    whole = graph(*forks, edges=["start>a0", *edges])
    assert error_of(api(alice), whole, "x" * 50_000) == ("text_too_long", "a8")
