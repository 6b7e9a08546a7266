"""What ends starts what follows: once, with what it said, and never in a ring."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from audit.models import AuditEntry
from tests.triggers.conftest import CHAINS, follow
from triggers.models import ChainFiring
from triggers.services.following import follow as follow_one
from workflows.models import WorkflowExecution

SAYS = {"id": "note", "type": "prompt", "config": {"template": "Dear {{ input.message }}"}}
FAILS = {"id": "note", "type": "prompt", "config": {"template": "{{ input.nothing }}"}}


@pytest.fixture
def run(client, drain) -> Callable[..., dict[str, Any]]:
    """Run a workflow and what follows it, until nothing more does; gives the first execution."""

    def ran(definition: str, message: str = "Bob") -> dict[str, Any]:
        body = {"input": {"message": message}, "mode": "background"}
        told = client.post(f"/api/v1/definitions/{definition}/execute/", body).json()
        for _ in range(15):
            drain()
            follow()
        return client.get(f"/api/v1/executions/{told['execution']['id']}/").json()

    return ran


@pytest.fixture
def chain(client) -> Callable[..., dict[str, Any]]:
    def made(first: str, then: str, **body: Any) -> dict[str, Any]:
        named = {"name": "Then", "after_definition": first, "definition": then}
        answer = client.post(CHAINS, {**named, **body})
        assert answer.status_code == 201, answer.json()
        return answer.json()

    return made


def firings(client, made: dict[str, Any]) -> list[tuple[str, str]]:
    rows = client.get(f"{CHAINS}{made['id']}/firings/").json()["results"]
    return [(row["status"], row["code"]) for row in rows]


def test_what_follows_is_given_what_was_said(client, workflow, chain, run, alice):
    first, then = workflow(SAYS), workflow(SAYS, name="Then")
    made = chain(
        first,
        then,
        condition="execution.status == 'completed' && size(output.text) > 3",
        input={"message": "reader of: {{ output.text }}", "of": "{{ execution.input.message }}"},
    )
    source = run(first)
    follower = WorkflowExecution.objects.get(definition=then)
    assert (follower.cause, follower.status, follower.user_id) == ("chain", "completed", alice.id)
    assert follower.input == {"message": "reader of: Dear Bob", "of": "Bob"}
    assert follower.request_id == source["request_id"]
    assert firings(client, made) == [("started", "")]
    follow()
    assert WorkflowExecution.objects.count() == 2


def test_what_no_database_holds_is_not_handed_on(client, workflow, chain, run):
    first, then = workflow(SAYS), workflow(SAYS, name="Then")
    made = chain(first, then, input={"message": "{{ output.text + '\\u0000' }}"})
    run(first)
    assert WorkflowExecution.objects.get(definition=then).input == {"message": "Dear Bob"}
    assert firings(client, made) == [("started", "")]


@pytest.mark.parametrize(
    ("node", "on", "status"),
    [(SAYS, ["failed"], None), (FAILS, ["failed"], "started"), (FAILS, ["completed"], None)],
)
def test_only_the_ends_that_were_named_are_followed(client, workflow, chain, run, node, on, status):
    first, then = workflow(node), workflow(name="Then")
    made = chain(first, then, on=on, input={"message": "{{ execution.status }}"})
    run(first)
    assert firings(client, made) == ([(status, "")] if status else [])
    assert WorkflowExecution.objects.filter(definition=then).count() == (1 if status else 0)


def test_a_condition_that_does_not_hold_starts_nothing(client, workflow, chain, run):
    first, then = workflow(SAYS), workflow(name="Then")
    made = chain(first, then, condition="output.text == 'something else'")
    run(first)
    assert firings(client, made) == [("passed", "")]
    assert WorkflowExecution.objects.count() == 1


def test_the_history_says_what_in_the_workflow_cannot_run_any_more(client, workflow, chain, run):
    child, first = workflow(name="Child"), workflow(SAYS)
    node = {"id": "sub", "type": "subworkflow", "config": {"definition": child}}
    made = chain(first, workflow(node))
    assert client.delete(f"/api/v1/definitions/{child}/").status_code == 204
    run(first)
    [told] = client.get(f"{CHAINS}{made['id']}/firings/").json()["results"]
    assert told["code"] == "graph_refused"
    assert f"nodes[1].config.definition: There is no workflow '{child}'" in told["message"]


def test_what_cannot_be_told_is_refused_and_said(client, workflow, chain, run):
    first, then = workflow(SAYS), workflow(name="Then")
    made = chain(first, then, input={"message": "{{ output.nothing.here }}"})
    run(first)
    assert firings(client, made) == [("refused", "not_mapped")]
    entry = AuditEntry.objects.get(action="triggers.chain.refused")
    assert entry.detail["code"] == "not_mapped"


def test_a_replay_triggers_nothing_and_a_fork_does(client, workflow, chain, run, drain):
    first, then = workflow(SAYS), workflow(name="Then")
    made = chain(first, then)
    source = run(first)
    assert client.post(f"/api/v1/executions/{source['id']}/replay/", {}).status_code in (201, 202)
    drain()
    follow()
    assert len(firings(client, made)) == 1
    body = {"mode": "background", "node": "start", "text": "Eve"}
    assert client.post(f"/api/v1/executions/{source['id']}/fork/", body).status_code == 202
    drain()
    follow()
    assert [status for status, _ in firings(client, made)] == ["started", "started"]


@pytest.mark.parametrize("expression", ["input.message", "output.text +", "nodes", "f(output)"])
def test_expressions_are_read_when_they_are_saved(client, workflow, expression):
    named = {"name": "x", "after_definition": workflow(), "definition": workflow(name="Then")}
    for path, body in (
        ("condition", {"condition": expression}),
        ("input.message", {"input": {"message": f"{{{{ {expression} }}}}"}}),
    ):
        answer = client.post(CHAINS, {**named, **body})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_mapping"), answer.json()
        assert answer.json()["detail"]["errors"][0]["path"] == path


def test_a_ring_of_chains_is_refused_when_it_is_saved(client, workflow, chain):
    a, b, c = (workflow(name=name) for name in "abc")
    chain(a, b)
    second = chain(b, c, paused=True)
    for first, then in ((a, a), (b, a), (c, a), (c, b)):
        body = {"name": "x", "after_definition": first, "definition": then}
        answer = client.post(CHAINS, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "chain_loop")
    assert answer.json()["detail"]["through"] == "c → b → c"
    answer = client.patch(f"{CHAINS}{second['id']}/", {"definition": a})
    assert answer.json()["code"] == "chain_loop"


def test_a_long_line_ends_where_the_server_says(client, workflow, chain, run, settings):
    settings.CHATTER_TRIGGERS = {**settings.CHATTER_TRIGGERS, "chain_depth": 2}
    line = [workflow(name=f"w{at}") for at in range(5)]
    made = [chain(*pair) for pair in zip(line, line[1:], strict=False)]
    run(line[0])
    assert WorkflowExecution.objects.count() == 3
    assert [firings(client, one) for one in made] == [
        [("started", "")], [("started", "")], [("refused", "chain_too_deep")], [],
    ]  # fmt: skip
    assert AuditEntry.objects.get(action="triggers.chain.refused").detail["code"] == (
        "chain_too_deep"
    )


def test_a_line_is_not_begun_anew_by_running_a_part_of_it_again_and_again(
    client, workflow, chain, run, drain, settings
):
    settings.CHATTER_TRIGGERS = {**settings.CHATTER_TRIGGERS, "chain_depth": 1}
    line = [workflow(name=name) for name in "abc"]
    _, last = [chain(*pair) for pair in zip(line, line[1:], strict=False)]
    run(line[0])
    ran = str(WorkflowExecution.objects.get(definition=line[1]).id)
    body = {"mode": "background", "node": "start", "text": "Eve"}
    for _ in range(2):
        answer = client.post(f"/api/v1/executions/{ran}/fork/", body)
        ran = answer.json()["execution"]["id"]
        drain()
        follow()
    assert firings(client, last) == [("refused", "chain_too_deep")] * 3


def test_a_paused_chain_follows_nothing(client, workflow, chain, run):
    first, then = workflow(SAYS), workflow(name="Then")
    made = chain(first, then)
    client.patch(f"{CHAINS}{made['id']}/", {"paused": True})
    run(first)
    assert firings(client, made) == []


def test_whoever_follows_second_starts_nothing(client, workflow, chain, drain):
    first, then = workflow(SAYS), workflow(name="Then")
    chain(first, then)
    body = {"input": {"message": "Bob"}, "mode": "background"}
    client.post(f"/api/v1/definitions/{first}/execute/", body)
    drain()
    firing = ChainFiring.objects.get()

    async def both() -> None:
        await asyncio.gather(follow_one(firing.pk), follow_one(firing.pk))

    async_to_sync(both)()
    firing.refresh_from_db()
    assert firing.status == "started"
    assert WorkflowExecution.objects.filter(definition=then).count() == 1


def test_another_users_run_of_a_shared_template_is_not_followed(
    client, api, charlie, workflow, drain
):
    then = workflow(name="Then")
    body = {"name": "x", "after_template": "universal_chat", "definition": then}
    assert client.post(CHAINS, body).status_code == 201
    told = api(charlie).post(
        "/api/v1/templates/universal_chat/execute/",
        {"input": {"message": "hi"}, "mode": "background"},
    )
    assert told.status_code == 202
    drain()
    follow()
    assert not ChainFiring.objects.exists()
