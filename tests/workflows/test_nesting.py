"""Workflows within workflows: one log, one ledger, pinned when asked for, nothing paid twice."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from rest_framework.test import APIClient

from accounts.models import User
from audit.verification import verify
from core.aggregates import all_differences
from llms.metering import close_clients
from llms.models import ModelCall
from tests.drills.models import asks, chain, waits, wire_model
from tests.drills.mortal import events_of, live_and_die, logged, take_up, until
from tests.wire import WireServer
from tools.models import ToolCall
from workflows.models import WorkflowDefinition, WorkflowExecution
from workflows.pump.pump import Pump
from workflows.services.definitions import change_definition, create_definition
from workflows.services.executions import request_cancel
from workflows.services.versions import entry_of, publish_version
from workflows.tracking.writer import writer

SLOW = "[[words=400]] [[delay_ms=20]]"
ITEMS = ["alpha", "beta", "gamma"]


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def inner(alice: User, wire: WireServer, built_in: None) -> WorkflowDefinition:
    """A workflow that asks a model once."""
    return define(alice, asks("ask", wire_model(wire)))


def define(owner: User, *nodes: Any) -> WorkflowDefinition:
    return create_definition(owner=owner, name="inner", graph=drawn(*nodes))


def sub(definition: Any, node: str = "sub", **config: Any) -> dict[str, Any]:
    config = {"definition": str(definition.id), **config}
    return {"id": node, "type": "subworkflow", "config": config}


def each(definition: Any, **config: Any) -> list[dict[str, Any]]:
    """A map, and the workflow that it runs for each item."""
    inner = {name: config.pop(name) for name in ("input", "version") if name in config}
    config = {"items": "input.items", **config}
    return [{"id": "each", "type": "map", "config": config}, sub(definition, "one", **inner)]


def drawn(*nodes: Any) -> dict[str, Any]:
    """The nodes in a line, but for those that a map repeats."""
    line = [one[0] if isinstance(one, list) else one for one in nodes]
    graph = chain(*line)
    for map_, inner in (one for one in nodes if isinstance(one, list)):
        graph["nodes"].append(inner)
        for edge in graph["edges"]:
            if edge["source"] == map_["id"]:
                edge["source_port"] = "done"
        graph["edges"] += [
            {"source": map_["id"], "source_port": "each", "target": inner["id"]},
            {"source": inner["id"], "target": map_["id"]},
        ]
    return graph


def ask_for(client: APIClient, *nodes: Any, message: str = "hello") -> Any:
    """The answer to who wants a graph of these nodes to run behind."""
    body = {"input": {"message": message, "items": ITEMS}, "graph": drawn(*nodes)}
    return client.post("/api/v1/workflows/execute/", {**body, "mode": "background"})


def start(client: APIClient, *nodes: Any, message: str = "hello") -> WorkflowExecution:
    told = ask_for(client, *nodes, message=message)
    assert told.status_code == 202, told.json()
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])


def shown(client: APIClient, execution: WorkflowExecution) -> dict[str, Any]:
    return client.get(f"/api/v1/executions/{execution.pk}/").json()


def assert_whole(execution: WorkflowExecution) -> None:
    execution.refresh_from_db()
    events = events_of(execution)
    names = ("node", "visit", "call", "attempt", "offset")
    happened = Counter((e["type"], *(e["data"].get(name) for name in names)) for e in events)
    assert [one for one, times in happened.items() if times > 1] == []
    assert list(all_differences()) == []
    assert verify().ok


# --- one log, one ledger -------------------------------------------------------------------------


def test_calls_within_are_in_the_ledger_of_the_whole(
    client: APIClient, inner: WorkflowDefinition
) -> None:
    execution = start(client, sub(inner), each(inner))
    take_up()
    told = shown(client, execution)
    assert (told["status"], told["totals"]["calls"]) == ("completed", 4)
    calls = ModelCall.objects.filter(origin=execution.origin)
    names = ["each[0]/one/ask", "each[1]/one/ask", "each[2]/one/ask", "sub/ask"]
    assert sorted(call.node for call in calls) == names
    assert told["totals"]["total_tokens"] == sum(call.total_tokens for call in calls) > 0
    assert_whole(execution)


def test_an_error_within_fails_the_run_and_names_its_node(
    client: APIClient, inner: WorkflowDefinition
) -> None:
    execution = start(client, sub(inner), message="[[fault=400]]")
    take_up()
    told = shown(client, execution)
    assert (told["status"], told["error"]["node"]) == ("failed", "sub/ask")


def test_a_definitions_numbers_give_the_calls_within_to_the_node_that_runs_them(
    client: APIClient, alice: User, inner: WorkflowDefinition
) -> None:
    outer = define(alice, sub(inner), each(inner))
    body = {"input": {"message": "hello", "items": ITEMS}, "mode": "background"}
    assert client.post(f"/api/v1/definitions/{outer.id}/execute/", body).status_code == 202
    take_up()
    told = client.get(f"/api/v1/definitions/{outer.id}/analytics/").json()
    numbers = {node["node"]: (node["visits"], node["calls"]) for node in told["nodes"]}
    assert numbers == {"start": (1, 0), "sub": (1, 1), "each": (1, 0), "one": (3, 3), "end": (1, 0)}


# --- pinned --------------------------------------------------------------------------------------


def test_what_is_published_after_a_run_was_asked_for_is_not_what_it_runs(
    client: APIClient, alice: User, built_in: None
) -> None:
    deeper = define(alice, {"id": "p", "type": "prompt", "config": {"template": "old"}})
    middle = define(alice, sub(deeper))
    execution = start(client, sub(middle))
    new = chain({"id": "p", "type": "prompt", "config": {"template": "new"}})
    change_definition(deeper, by=alice, graph=new)
    publish_version(entry_of(deeper, 2), by=alice)
    take_up()
    told = shown(client, execution)
    assert told["output"]["text"] == "old"
    old = {one: one.version.content_hash for one in (deeper, middle)}
    assert told["pins"] == {str(one.id): content for one, content in old.items()}

    again = start(client, sub(middle))
    take_up()
    assert shown(client, again)["output"]["text"] == "new"

    first = start(client, sub(deeper, version=1))
    take_up()
    told = shown(client, first)
    assert (told["output"]["text"], list(told["pins"])) == ("old", [f"{deeper.id}@1"])


def test_a_workflow_that_is_deleted_while_a_run_waits_is_still_run(
    client: APIClient, alice: User, built_in: None
) -> None:
    gone = define(alice)
    execution = start(client, sub(gone))
    gone.delete()
    take_up()
    assert shown(client, execution)["status"] == "completed"
    refused = ask_for(client, sub(gone))
    assert refused.json()["detail"]["errors"][0]["code"] == "unknown_workflow"


def test_a_strangers_workflow_cannot_be_run_from_ones_own(
    client: APIClient, charlie: User, built_in: None
) -> None:
    theirs = define(charlie)
    for node in (sub(theirs), each(theirs), sub(theirs, version=1)):
        refused = ask_for(client, node)
        assert refused.status_code == 400
        codes = [issue["code"] for issue in refused.json()["detail"]["errors"]]
        assert codes == ["unknown_workflow"]


def test_a_workflow_that_names_itself_by_what_it_is_given_is_not_started(
    client: APIClient, alice: User, built_in: None
) -> None:
    """What a run may run is settled when it is asked for: here it would run itself for ever."""
    node = sub(WorkflowDefinition(id="{{ params.which }}"), "inner")
    node["config"]["parameters"] = {"which": "{{ params.which }}"}
    endless = define(alice, node)
    refused = ask_for(client, sub(endless, parameters={"which": str(endless.id)}))
    codes = [issue["code"] for issue in refused.json()["detail"]["errors"]]
    assert (refused.status_code, codes) == (400, ["recursive_workflow"])


# --- deaths and stops ----------------------------------------------------------------------------


@pytest.mark.parametrize("commits", range(5))
def test_a_process_may_die_in_the_middle_of_what_runs_within(
    client: APIClient, wire: WireServer, inner: WorkflowDefinition, commits: int
) -> None:
    """What was answered is not asked again, at whatever depth, and the end is the same."""
    nodes = [sub(inner, input={"message": "[[say=first]]"}), each(inner, parallel=1)]
    execution = start(client, *nodes)
    assert live_and_die(after_commits=commits)
    saved = set(ModelCall.objects.filter(status="succeeded").values_list("node", flat=True))
    take_up()

    assert_whole(execution)
    assert (execution.status, execution.attempt) == ("completed", 2)
    said = [line for line in execution.output["text"].split("\n\n") if line]
    assert [line.split(": ")[1].split()[0].strip(".") for line in said] == ITEMS
    sent = Counter(record.call for record in wire.meter.settled())
    assert set(sent.values()) == {1}
    for node in ("sub/ask", *(f"each[{at}]/one/ask" for at in range(3))):
        of_node = list(ModelCall.objects.filter(node=node).values_list("status", flat=True))
        assert of_node.count("succeeded") == 1
        assert node not in saved or of_node == ["succeeded"]


def test_a_delay_within_ends_when_it_was_to_end(
    client: APIClient, alice: User, built_in: None
) -> None:
    execution = start(client, each(define(alice, waits("nap", 0.2))))
    assert live_and_die(logged("delay.started", node="each[2]/one/nap"))
    take_up()
    assert_whole(execution)
    naps = [e["data"]["node"] for e in events_of(execution) if e["type"] == "delay.started"]
    assert sorted(naps) == [f"each[{at}]/one/nap" for at in range(3)]


def test_a_tool_within_is_called_once_however_often_the_run_is_taken_up(
    client: APIClient, alice: User, wire: WireServer, built_in: None
) -> None:
    model = wire_model(wire)
    agent = chain(asks("ask", model))
    agent["nodes"][1]["config"]["tools"] = ["calculator"]
    agent["nodes"].append({"id": "tools", "type": "tools"})
    agent["edges"] += [
        {"source": "ask", "source_port": "tool_calls", "target": "tools"},
        {"source": "tools", "target": "ask"},
    ]
    definition = create_definition(owner=alice, name="agent", graph=agent)
    call = 'Reckon. [[tool=calculator {"expression": "6*7"}]]'
    execution = start(client, sub(definition), waits("nap", 0.2), message=call)
    assert live_and_die(logged("delay.started", node="nap"))
    take_up()
    assert_whole(execution)
    assert execution.status == "completed"
    assert [(one.node, one.text) for one in ToolCall.objects.all()] == [("sub/tools", "42")]


def test_items_that_were_answered_are_not_asked_again_when_others_were_under_way(
    client: APIClient, wire: WireServer, inner: WorkflowDefinition
) -> None:
    wire.script("fault=hang after=2", model="gpt-test", next=1)
    execution = start(client, each(inner))
    assert live_and_die(two_are_answered)
    take_up()
    assert_whole(execution)
    assert execution.status == "completed"
    assert ModelCall.objects.filter(status="lost").count() == 1
    asked = Counter(record.question for record in wire.meter.settled())
    assert sorted(asked.values()) == [1, 1, 2]


def test_a_stop_reaches_what_runs_within(
    client: APIClient, wire: WireServer, inner: WorkflowDefinition
) -> None:
    """No item begins after it, and calls in flight are settled before the run is over."""
    execution = start(client, each(inner, parallel=2, input={"message": SLOW}))

    async def scenario() -> None:
        pump = Pump(writer)
        running = asyncio.create_task(pump.drain())
        await until(lambda: ModelCall.objects.filter(status="open").count() == 2)
        await sync_to_async(request_cancel)(execution.pk, by=await user_of(execution))
        pump.cancel(execution.pk)
        await running
        await close_clients()

    async_to_sync(scenario)()
    assert_whole(execution)
    assert execution.status == "cancelled"
    calls = ModelCall.objects.values_list("node", "status")
    assert set(calls) == {(f"each[{at}]/one/ask", "cancelled") for at in (0, 1)}


def two_are_answered() -> bool:
    return ModelCall.objects.filter(status="succeeded").count() == 2


async def user_of(execution: WorkflowExecution) -> User:
    return await User.objects.aget(pk=execution.user_id)
