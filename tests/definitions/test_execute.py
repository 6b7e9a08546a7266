"""The three doors to a run: a definition, a template, a graph sent once; each in three modes."""

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.definitions.graphs import graph, waits
from tests.drills.mortal import until
from workflows.models import WorkflowDefinition, WorkflowExecution, WorkflowTemplate
from workflows.pump.pump import Pump
from workflows.tracking.writer import writer

ONCE = "/api/v1/workflows/execute/"
HELLO = {"input": {"message": "hello"}}


@pytest.fixture
def background(client, drain):
    """Start behind, run to the end, and look at what became of it."""

    def run(address, body=HELLO, **options):
        started = client.post(address, {**body, "mode": "background"}, **options)
        assert started.status_code == 202, started.json()
        drain()
        pk = started.json()["execution"]["id"]
        return client.get(f"/api/v1/executions/{pk}/").json()

    return run


def test_a_definition_runs_its_published_version(background, client, made, address):
    echo = graph({"id": "v", "type": "variable", "config": {"name": "x", "value": 7}})
    client.patch(address, {"graph": echo})
    before = background(address + "execute/")
    assert (before["kind"], before["status"]) == ("definition", "completed")
    assert (before["definition"], before["version"]) == (made["id"], made["version"])
    client.post(address + "versions/2/publish/")
    after = background(address + "execute/")
    assert after["output"]["text"] == "hello"
    assert after["version"] != made["version"]


def test_a_template_runs_by_its_id_with_ones_own_parameters(background):
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    address = f"/api/v1/templates/{template.id}/execute/"
    ran = background(address, {**HELLO, "parameters": {"system": "Be brief."}})
    assert (ran["kind"], ran["template"], ran["status"]) == (
        "template",
        "universal_chat",
        "completed",
    )
    assert ran["parameters"]["system"] == "Be brief."


def test_a_graph_sent_once_is_kept_on_its_execution_only(background):
    ran = background(ONCE, {**HELLO, "graph": graph(waits(0))})
    assert (ran["kind"], ran["output"]["text"]) == ("custom", "hello")
    assert (ran["definition"], ran["template"]) == (None, None)
    assert WorkflowDefinition.objects.count() == 0


def test_a_graph_that_cannot_run_starts_nothing(client):
    answer = client.post(ONCE, {"graph": graph({"id": "x", "type": "teleport"})})
    assert (answer.status_code, answer.json()["code"]) == (400, "graph_refused")
    assert WorkflowExecution.objects.count() == 0


@pytest.mark.parametrize(
    "body", [{"mode": "later"}, {"input": "hello"}, {"owner": 1}, {"parameters": []}]
)
def test_what_the_door_does_not_know_is_refused(client, address, body):
    assert client.post(address + "execute/", body).json()["code"] == "invalid"
    assert WorkflowExecution.objects.count() == 0


def test_the_same_key_starts_one_run(background, client, address):
    key = {"headers": {"Idempotency-Key": "k1"}}
    first = background(address + "execute/", **key)
    assert background(address + "execute/", **key)["id"] == first["id"]
    assert WorkflowExecution.objects.count() == 1
    other = client.post(address + "execute/", {"mode": "background"}, **key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_the_key_says_so_when_it_is_none(client, address):
    answer = client.post(address + "execute/", HELLO, headers={"Idempotency-Key": "k" * 256})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")


@pytest.mark.parametrize("pk", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_what_does_not_exist_cannot_run(client, pk):
    for kind in ("definitions", "templates"):
        assert client.post(f"/api/v1/{kind}/{pk}/execute/", HELLO).status_code == 404


@pytest.mark.parametrize("mode", ["wait", "stream"])
def test_who_waits_gets_the_output_and_who_streams_the_events(client, alice, address, mode):
    client.patch(address, {"graph": graph(waits(0))})
    client.post(address + "versions/2/publish/")

    async def scenario():
        browser = AsyncClient()
        await browser.aforce_login(alice)
        body = {**HELLO, "mode": mode}
        posted = browser.post(address + "execute/", body, content_type="application/json")
        answer, _ = await asyncio.gather(posted, run_what_starts())
        if not answer.streaming:
            return answer.status_code, answer.content.decode()
        return answer.status_code, b"".join([part async for part in answer]).decode()

    status, text = async_to_sync(scenario)()
    if mode == "wait":
        ran = json.loads(text)["execution"]
        assert (status, ran["status"], ran["output"]["text"]) == (201, "completed", "hello")
    else:
        assert status == 200
        assert text.startswith("id: 1\nevent: execution.created\n")
        assert "event: execution.completed\n" in text


@pytest.mark.parametrize("kind", ["definitions", "templates"])
def test_no_body_runs_it_with_nothing_given(client, alice, made, kind):
    pk = made["id"] if kind == "definitions" else "universal_chat"

    async def scenario():
        browser = AsyncClient()
        await browser.aforce_login(alice)
        posted = browser.generic("POST", f"/api/v1/{kind}/{pk}/execute/", content_type="")
        return (await asyncio.gather(posted, run_what_starts()))[0]

    answer = async_to_sync(scenario)()
    ran = answer.json()["execution"]
    assert (answer.status_code, ran["input"]) == (201, {})


async def run_what_starts():
    await until(WorkflowExecution.objects.exists)
    await Pump(writer).drain()
