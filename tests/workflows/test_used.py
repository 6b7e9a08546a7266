"""What a run used besides other workflows stands on it, by hashes that change with what it is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import take_up
from tests.factories.llms import ProfileFactory
from tools.catalogue import catalogue
from workflows.models import WorkflowTemplate
from workflows.services.definitions import create_definition

DEMO, CALCULATOR = "model:demo:chatter-demo", "tool:calculator"


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def used(client: APIClient) -> Callable[..., dict[str, str]]:
    """What a run of this graph is told to use, as it began."""

    def told(*nodes: Any, **body: Any) -> dict[str, str]:
        sent = {"graph": graph(*nodes), "mode": "background", **body}
        return dict(started(client, "/api/v1/workflows/execute/", sent)["used"])

    return told


def started(client: APIClient, address: str, body: Any) -> Any:
    answer = client.post(address, {"mode": "background", **body})
    assert answer.status_code == 202, answer.json()
    return answer.json()["execution"]


def change(**fields: Any) -> None:
    ModelProfile.objects.filter(model="chatter-demo").update(**fields)
    forget_profiles()


def test_models_and_tools_are_there_and_nothing_else(used: Any) -> None:
    model = asks(tools=["calculator"])
    assert used(model).keys() == {DEMO, CALCULATOR}
    page = {"id": "page", "type": "http_request", "config": {"url": "https://example.com"}}
    assert used(page).keys() == {"tool:http_request"}
    assert used({"id": "p", "type": "prompt", "config": {"template": "x"}}) == {}


def test_what_a_workflow_within_names_is_there_too(used: Any, alice: User) -> None:
    within = create_definition(owner=alice, name="in", graph=graph(asks(tools=["calculator"])))
    node = {"id": "sub", "type": "subworkflow", "config": {"definition": str(within.pk)}}
    assert used(node).keys() == {DEMO, CALCULATOR}


@pytest.mark.parametrize("levels", [1, 2])
def test_so_is_what_a_workflow_within_is_given_the_name_of(
    used: Any, alice: User, levels: int
) -> None:
    given = asks(model="{{params.model}}", tools="{{params.tools}}")
    model = ProfileFactory()
    forget_profiles()
    node = given
    for level in range(levels):
        within = create_definition(owner=alice, name=f"in {level}", graph=graph(node))
        told = {"model": "{{params.model}}", "tools": "{{params.tools}}"}
        config = {"definition": str(within.pk), "parameters": told}
        node = {"id": "sub", "type": "subworkflow", "config": config}
    node["config"]["parameters"] = {"model": model.name, "tools": ["calculator"]}
    assert used(node).keys() == {f"model:{model.name}", CALCULATOR}
    told = {"model": "{{ input.message }}", "tools": ["calculator"]}
    node["config"]["parameters"] = told  # only the run knows
    assert used(node, input={"message": model.name}).keys() == {CALCULATOR}


@pytest.mark.parametrize(
    ("fields", "is_another"),
    [
        ({"parameters": {"temperature": 0.5}}, True),
        ({"context_window": 4_321}, True),
        ({"max_output_tokens": 321}, True),
        ({"parameters": {"default_headers": {"x-key": "one"}}}, True),
        ({}, False),
    ],
)
def test_a_model_has_another_hash_when_what_decides_its_answers_is_another(
    used: Any, fields: Any, is_another: bool
) -> None:
    before = used(asks())
    change(**fields)
    assert (used(asks()) != before) is is_another


def test_secrets_of_a_model_are_not_in_its_hash(used: Any) -> None:
    profile = ProfileFactory(parameters={"default_headers": {"x-key": "one"}})
    forget_profiles()
    node = asks(model=profile.name)
    before = used(node)
    profile.parameters["default_headers"]["x-key"] = "another"
    profile.save()
    profile.provider.api_key = "sk-another"
    profile.provider.save()
    forget_profiles()
    assert used(node) == before


def test_a_template_has_another_hash_when_its_parameters_are_others(
    client: APIClient, alice: User
) -> None:
    first = started(client, "/api/v1/templates/universal_chat/execute/", {})["used"]
    assert first.keys() >= {"template:universal_chat", DEMO}
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    body = {"name": "Mine", "graph": template.version.graph, "parameters": template.parameters}
    made = client.post("/api/v1/templates/", body).json()
    address = f"/api/v1/templates/{made['id']}/"
    slug = f"template:{made['slug']}"
    assert (
        started(client, f"{address}execute/", {})["used"][slug] == first["template:universal_chat"]
    )
    next(iter(body["parameters"]["properties"].values()))["description"] = "Another."
    revision = client.get(address).json()["revision"]
    changed = client.patch(address, {"parameters": body["parameters"], "revision": revision})
    assert changed.status_code == 200, changed.json()
    assert (
        started(client, f"{address}execute/", {})["used"][slug] != first["template:universal_chat"]
    )


def test_a_replay_keeps_them_and_a_retry_tells_of_what_it_asks_anew(client: APIClient) -> None:
    fails = {"id": "p", "type": "prompt", "config": {"template": "{{ input.nothing }}"}}
    sent = {"graph": graph(asks(), fails), "input": {"message": "hello"}}
    first = started(client, "/api/v1/workflows/execute/", sent)
    take_up()
    change(context_window=4_321)
    address = f"/api/v1/executions/{first['id']}/"
    replay = started(client, f"{address}replay/", {})
    assert replay["used"] == first["used"]
    retry = started(client, f"{address}retry/", {})
    assert retry["used"].keys() == first["used"].keys()
    assert retry["used"] != first["used"]


def test_where_nothing_has_changed_they_cost_no_query(
    client: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llms.services.profiles._KEPT_S", 60.0)
    monkeypatch.setattr("tools.catalogue._KEPT_S", 60.0)
    catalogue.forget()
    within = create_definition(owner=alice, name="in", graph=graph(asks(tools=["calculator"])))
    sub = {"id": "sub", "type": "subworkflow", "config": {"definition": str(within.pk)}}
    nodes = asks(tools=["calculator"]), sub
    made = create_definition(owner=alice, name="out", graph=graph(*nodes))
    address = f"/api/v1/definitions/{made.pk}/execute/"
    started(client, address, {})
    with CaptureQueriesContext(connection) as asked:
        assert started(client, address, {})["used"].keys() == {DEMO, CALCULATOR}
    told = [one["sql"] for one in asked.captured_queries]
    assert told
    assert not [sql for sql in told if "llms_" in sql or "tools_mcptool" in sql]


def test_the_back_office_shows_them(client: APIClient, admin: User, used: Any) -> None:
    used(asks())
    pk = client.get("/api/v1/executions/").json()["results"][0]["id"]
    client.force_login(admin)
    page = client.get(f"/admin/workflows/workflowexecution/{pk}/change/", follow=True)
    assert DEMO in page.content.decode()
