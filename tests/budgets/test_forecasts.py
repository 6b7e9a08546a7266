"""What a run would cost, before it begins: as those before it did, and at most."""

from unittest.mock import ANY

import pytest

from core.money import dollars_text
from llms.models import ModelPrice, ModelProfile
from llms.services.profiles import forget_profiles
from tests.budgets.runs import ANSWERED, USED, WORST, finished, one_call
from tests.definitions.graphs import graph
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo, says
from workflows.models import WorkflowExecution, WorkflowVersion


@pytest.fixture
def told(client):
    def forecast(execution, **body):
        url = f"/api/v1/definitions/{execution.definition_id}/forecast/"
        answer = client.post(url, body)
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return forecast


WINDOW = 500  # of the demo here: its longest question
CALL = WINDOW + ANSWERED
ATTEMPTS = 3  # of a model node that says nothing of them


@pytest.fixture
def client(client):
    able = ["text", "tools", "structured_output"]
    ModelProfile.objects.update(context_window=WINDOW, capabilities=able)
    forget_profiles()
    return client


@pytest.fixture
def at_most(client):
    """What a run of a graph that is sent once may use."""

    def told(*nodes, edges, **body):
        sent = {"graph": graph(*nodes, edges=edges), **body}
        answer = client.post("/api/v1/workflows/forecast/", sent)
        assert answer.status_code == 200, answer.json()
        return answer.json()["at_most"]

    return told


def node(name, kind, **config):
    return {"id": name, "type": kind, "config": config}


def asks(name="model", **config):
    return node(name, "model", retry={"attempts": 1}, **config)


def again(client, execution):
    url = f"/api/v1/definitions/{execution.definition_id}/execute/"
    assert client.post(url, {"mode": "background"}).status_code == 202
    finished(execution)


def test_it_tells_mean_and_p95_of_what_was(begin, client, told):
    price_of_the_demo(1_000)
    execution = finished(begin(one_call()))
    again(client, execution)
    shown = told(execution)["history"]
    assert shown["tokens"] == {"executions": 2, "mean": USED, "p95": USED}
    cost = dollars_text(execution.cost_nano_usd)
    assert shown["cost"] == {"executions": 2, "mean": cost, "p95": cost}
    assert shown["duration_ms"]["executions"] == 2


def test_a_retry_that_made_half_of_the_calls_is_no_run_to_go_by(begin, client, told):
    budget = a_budget(cap=WORST)
    failed = finished(begin(graph(*says(ANSWERED, "one"), *says(ANSWERED, "two"))))
    assert failed.error["node"] == "two"
    budget.delete()
    assert client.post(f"/api/v1/executions/{failed.pk}/retry/", {}).status_code == 202
    retried = finished(WorkflowExecution.objects.get(source=failed))
    assert (retried.status, told(failed)["history"]["tokens"]["executions"]) == ("completed", 0)
    again(client, failed)
    assert told(failed)["history"]["tokens"] == {"executions": 1, "mean": 2 * USED, "p95": 2 * USED}


def test_where_nothing_was_nothing_is_told(begin, told):
    shown = told(begin(one_call()))["history"]
    for one in shown.values():
        assert one == {"executions": 0, "mean": None, "p95": None}


def test_what_has_no_price_has_no_cost(begin, told):
    execution = begin(one_call())
    ModelPrice.objects.all().delete()
    forget_profiles()
    finished(execution)
    shown = told(execution)
    assert shown["history"]["cost"]["executions"] == 0
    assert shown["history"]["tokens"]["executions"] == 1
    assert shown["at_most"]["cost"] is None
    assert [one["code"] for one in shown["at_most"]["unknown"]] == ["unpriced_model"]
    assert shown["at_most"]["tokens"] == ATTEMPTS * CALL


def test_it_names_the_budgets_that_may_refuse_it(begin, told, alice):
    execution = begin(one_call())
    needs = told(execution)["at_most"]["tokens"]
    a_budget("user", alice.pk, name="Enough", cap=needs)
    a_budget("definition", execution.definition_id, name="Short", cap=needs - 1)
    a_budget(name="Asleep", cap=0, active=False)
    (short,) = told(execution)["short"]
    assert (short["name"], short["left"], short["needs"]) == ("Short", str(needs - 1), str(needs))


def test_a_model_that_was_kept_with_a_number_as_text_is_told_of_by_name(begin, told):
    ModelProfile.objects.update(parameters={"max_tokens": "4000"})
    forget_profiles()
    execution = begin(one_call())
    assert told(execution)["at_most"]["tokens"] == ATTEMPTS * CALL
    error = finished(execution).error
    assert error["code"] == "invalid_parameters"
    assert "max_tokens" in error["message"]


def test_templates_have_forecasts_too(client):
    shown = client.post("/api/v1/templates/universal_chat/forecast/", {})
    assert shown.status_code == 200, shown.json()
    assert shown.json()["at_most"]["tokens"] > 0


def test_at_most_is_what_budgets_reserve_for_each_attempt_of_each_model(at_most):
    price_of_the_demo(1_000)
    ways = ["start>model", "model>end"]
    once = at_most(asks(), edges=ways)
    assert (once["tokens"], once["unknown"]) == (CALL, [])
    assert once["cost"] == dollars_text(CALL * 10**6)
    assert at_most(asks(max_tokens=5), edges=ways)["tokens"] == WINDOW + 5
    assert at_most(asks(fallbacks=["demo:chatter-demo"]), edges=ways)["tokens"] == 2 * CALL
    assert at_most(asks(output_schema={"type": "object"}), edges=ways)["tokens"] == 2 * CALL
    assert at_most(node("model", "model"), edges=ways)["tokens"] == ATTEMPTS * CALL


def test_at_most_has_every_round_every_item_and_every_retry_in_it(at_most):
    loop, each = node("loop", "loop", max_iterations=7), node("each", "map", items="[1]")
    tools, handler = node("tools", "tools"), node("handler", "error_handler", retries=2)
    round_ = ["start>loop", "loop.continue>model", "model>loop", "loop.done>last", "last>end"]
    assert at_most(loop, asks(), asks("last"), edges=round_)["tokens"] == (7 + 1) * CALL
    items = ["start>each", "each.each>model", "model>each", "each.done>end"]
    assert at_most(each, asks(), edges=items)["tokens"] == 100 * CALL
    calls = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
    calling = asks(tools=["calculator"], max_rounds=4)
    assert at_most(calling, tools, edges=calls)["tokens"] == (4 + 1) * CALL
    none = at_most(asks(tools="{{params.tools}}"), tools, edges=calls, parameters={"tools": []})
    assert none["tokens"] == CALL
    tried = ["start>model", "model.error>handler", "handler>end", "model>end"]
    assert at_most(asks(), handler, edges=tried)["tokens"] == 3 * CALL
    config = {"scope": "graph", "retries": 2}
    behind = [node("handler", "error_handler", **config), asks("sorry"), node("last", "end")]
    ways = ["start>model", "model>end", "handler>sorry", "sorry>last"]
    assert at_most(asks(), *behind, edges=ways)["tokens"] == (3 + 1) * CALL
    whole = [*items, *ways[2:]]
    assert at_most(each, asks(), *behind, edges=whole)["tokens"] == (3 * 100 + 1) * CALL


def test_of_branches_at_most_has_the_dearer_and_of_parallel_ones_both(at_most):
    either = node("if", "conditional", condition="true")
    ways = ["start>if", "if.true>a", "if.false>b", "a>end", "b>end"]
    assert at_most(either, asks("a"), asks("b", max_tokens=5), edges=ways)["tokens"] == CALL
    both = ["start>a", "start>b", "a>c", "b>c", "c>end"]
    assert at_most(asks("a"), asks("b"), asks("c"), edges=both)["tokens"] == 3 * CALL


def test_at_most_is_no_more_than_the_limits_of_the_run_let_be_used(at_most, settings):
    settings.CHATTER_RUN_LIMITS = {"tokens": 1_000, "run_time_s": 60, "steps": 5}
    loop = node("loop", "loop", max_iterations=900)
    ways = ["start>loop", "loop.continue>model", "model>loop", "loop.done>end"]
    shown = at_most(loop, asks(), edges=ways)
    assert (shown["tokens"], shown["seconds"]) == (1_000 + CALL, 60), "the last call may pass it"
    settings.CHATTER_RUN_LIMITS = {"steps": 5}
    shown = at_most(loop, asks(), edges=ways)
    assert (shown["tokens"], shown["seconds"]) == (5 * CALL, None)


def test_where_nobody_knows_the_most_the_reason_is_told(at_most, settings):
    handler = node("handler", "error_handler")
    tools = [asks(tools=["calculator"]), node("tools", "tools"), handler]
    round_ = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
    settings.CHATTER_RUN_LIMITS = {}
    shown = at_most(*tools, edges=[*round_, "tools.error>handler", "handler>model"])
    assert (shown["tokens"], shown["cost"]) == (None, None)
    assert [(one["code"], one["node"]) for one in shown["unknown"]] == [
        ("rounds_not_bounded", "model")
    ]
    ModelProfile.objects.update(context_window=None)
    forget_profiles()
    shown = at_most(asks(), edges=["start>model", "model>end"])
    assert shown["tokens"] is None
    assert [(one["code"], one["node"]) for one in shown["unknown"]] == [
        ("context_not_known", "model")
    ]


def test_what_a_workflow_within_may_use_is_in_it(client, at_most):
    inner = graph(
        node("loop", "loop", max_iterations="{{params.rounds}}"),
        asks(),
        edges=["start>loop", "loop.continue>model", "model>loop", "loop.done>end"],
    )
    made = client.post("/api/v1/definitions/", {"name": "inner", "graph": inner}).json()
    ways = ["start>run", "run>end"]
    given = {"definition": made["id"], "parameters": {"rounds": 6}}
    assert at_most(node("run", "subworkflow", **given), edges=ways)["tokens"] == 6 * CALL
    given["parameters"] = {"rounds": "{{ 2 + 3 }}"}
    shown = at_most(node("run", "subworkflow", **given), edges=ways)
    assert shown["tokens"] == 1_000 * CALL, "no run has more steps"


def test_a_graph_sent_once_has_a_forecast_and_is_not_kept(client):
    sent = {"graph": one_call(), "input": {"message": "hello"}}
    shown = client.post("/api/v1/workflows/forecast/", sent).json()
    assert shown["at_most"]["tokens"] == ATTEMPTS * CALL
    assert shown["history"]["tokens"]["executions"] == 0
    kept = WorkflowVersion.objects.filter(content_hash=shown["version"])
    assert not kept.exists()
    assert not WorkflowExecution.objects.exists()
    client.post("/api/v1/workflows/execute/", {**sent, "mode": "background"})
    finished(WorkflowExecution.objects.get())
    assert client.post("/api/v1/workflows/forecast/", sent).json() == {
        **shown,
        "history": {
            **shown["history"],
            "tokens": {"executions": 1, "mean": USED, "p95": USED},
            "duration_ms": ANY,
            "cost": ANY,
        },
    }


def test_a_graph_that_cannot_run_has_no_forecast(client):
    broken = graph(node("model", "model"), edges=["start>model", "model>nowhere"])
    refused = client.post("/api/v1/workflows/forecast/", {"graph": broken})
    assert (refused.status_code, refused.json()["code"]) == (400, "graph_refused")


def test_a_stranger_is_told_of_nothing(begin, api, charlie):
    url = f"/api/v1/definitions/{begin(one_call()).definition_id}/forecast/"
    assert api(charlie).post(url, {}).status_code == 404
