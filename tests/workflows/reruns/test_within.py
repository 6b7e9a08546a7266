"""Reruns of runs that have others within them."""

from collections import Counter

from tests.approvals.desk import says
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT, GPT_TOO
from tests.workflows.reruns.conftest import answered_by
from workflows.engine.paths import around
from workflows.services.definitions import create_definition


def inner(owner, *nodes, **more):
    """The id of a workflow of theirs."""
    return str(create_definition(owner=owner, name="inner", graph=graph(*nodes, **more)).id)


def runs(workflow, **config):
    return {"id": "sub", "type": "subworkflow", "config": {"definition": workflow, **config}}


def test_names_tell_the_visits_they_are_within():
    assert list(around("a#2/b#3[1]/c[0]/d")) == [("a#2/b#3[1]/c", 1), ("a#2/b", 3), ("a", 2)]
    assert list(around("d")) == []


def finds(owner, model):
    """A workflow that leaves the variable `found` when the model says so."""
    chooses = {"id": "good", "type": "conditional", "config": {"condition": "text == 'good'"}}
    sets = {"id": "sets", "type": "variable", "config": {"name": "found", "value": "{{ text }}"}}
    edges = ["start>m", "m>good", "good.true>sets", "good.false>end", "sets>end"]
    return runs(inner(owner, model, chooses, sets, edges=edges), output={"ours": "found"})


def test_what_failed_by_itself_is_run_anew_with_all_within_it(ran, again, wire, alice):
    """Every try of it; but not what another node had found out."""
    sub = finds(alice, asks(node="m", model=GPT))
    handler = {"id": "h", "type": "error_handler", "config": {"retries": 1, "wait_s": 0}}
    handler["config"]["then"] = "fail"
    edges = ["start>first", "first>sub", "sub>end", "sub.error>h", "h>end"]
    wire.script("say=bad", next=3)
    source = ran(graph(asks(node="first", model=GPT), sub, handler, edges=edges))
    assert (source.error["code"], source.error["node"]) == ("no_such_output", "sub")
    wire.script("say=good")
    retry = again(source, "retry")
    assert (retry.status, retry.output["variables"]) == ("completed", {"ours": "good"})
    assert answered_by(retry) == [
        ("first", 1, "succeeded", "recording"),
        ("sub/m", 1, "succeeded", "provider"),
    ]


def test_only_the_visit_that_failed_by_itself_is_run_anew(ran, again, wire, alice):
    loop = {"id": "loop", "type": "loop", "config": {"max_iterations": 2}}
    edges = ["start>loop", "loop.continue>sub", "sub>loop", "loop.done>end"]
    wire.script("say=good", next=1)
    wire.script("say=bad", next=1)
    source = ran(graph(loop, finds(alice, asks(node="m", model=GPT)), edges=edges))
    assert (source.error["code"], source.error["node"]) == ("no_such_output", "sub")
    wire.script("say=good")
    retry = again(source, "retry")
    assert retry.status == "completed"
    assert answered_by(retry) == [
        ("sub/m", 1, "succeeded", "recording"),
        ("sub#2/m", 1, "succeeded", "provider"),
    ]


def test_a_fork_may_choose_another_workflow_to_run_within(ran, again, alice, built_in):
    one, other = (inner(alice, says("p", letter)) for letter in "AB")
    source = ran(graph(runs("{{ params.which }}")), parameters={"which": one})
    assert source.output["text"] == "A"
    fork = again(source, "fork", node="sub", parameters={"which": other})
    assert (fork.status, fork.output["text"]) == ("completed", "B")
    assert again(fork, "replay").output == fork.output
    assert fork.pins.keys() == {one, other}


def test_a_retry_runs_the_version_that_was_run_whatever_became_of_the_workflow(
    ran, again, wire, client, alice
):
    workflow = inner(alice, asks(node="m", model=GPT))
    wire.script("fault=400", next=1)
    source = ran(graph(runs(workflow)))
    assert client.delete(f"/api/v1/definitions/{workflow}/").status_code == 204
    assert again(source, "retry").status == "completed"


def test_a_handler_within_tells_anew_but_items_that_ran_on_are_not_asked_again(
    ran, again, wire, alice, asked
):
    within = [
        {"id": "late", "type": "delay", "config": {"seconds": "{{ params.seconds }}"}},
        asks(node="m", model=GPT, retry={"attempts": 1}),
        {"id": "h", "type": "error_handler", "config": {"scope": "graph", "then": "fail"}},
        {"id": "told", "type": "prompt", "config": {"template": "{{ nodes.h.code }}"}},
        asks(node="explains", model=GPT_TOO),
        {"id": "sorry", "type": "end"},
    ]
    edges = ["start>late", "late>m", "m>end", "h>told", "told>explains", "explains>sorry"]
    each = {"id": "each", "type": "map", "config": {"items": "[0, 0.5]"}}
    sub = runs(inner(alice, *within, edges=edges), parameters={"seconds": "{{ nodes.each.item }}"})
    around_it = ["start>each", "each.each>sub", "sub>each", "each.done>end"]
    wire.script("fault=500", model="gpt-test", next=1)
    source = ran(graph(each, sub, edges=around_it))
    assert (source.error["node"], source.error["code"]) == ("each[0]/sub/m", "provider_failed")
    wire.script("fault=400", model="gpt-test", next=1)
    retry = again(source, "retry")
    assert Counter(asked()) == {"0": 2, "0.5": 1, "provider_failed": 1, "provider_refused": 1}
    assert ("each[1]/sub/m", 1, "succeeded", "recording") in answered_by(retry)


def test_a_fork_may_change_what_reaches_a_node_of_a_run_within(ran, again, alice, built_in):
    each = {"id": "each", "type": "map", "config": {"items": "input['items']"}}
    sub = runs(inner(alice, says("p", "got {{ text }}")))
    edges = ["start>each", "each.each>sub", "sub>each", "each.done>end"]
    source = ran(graph(each, sub, edges=edges), input={"message": "x", "items": ["a", "b"]})
    assert source.output["text"] == "got a\n\ngot b"
    for node in ("each[1]/sub/start", "each[1]/sub/p", "each[1]/sub"):
        fork = again(source, "fork", node=node, text="other")
        assert fork.output["text"] == "got a\n\ngot other"
    assert again(fork, "replay").output == fork.output
    missed = again(source, "fork", node="each[1]/sub", text="other", input={"items": ["a"]})
    assert (missed.error["code"], missed.error["node"]) == ("fork_not_reached", "each[1]/sub")
