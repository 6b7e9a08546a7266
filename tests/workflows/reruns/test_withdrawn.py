"""What somebody may no longer run is not run again for them either, and tells them nothing new."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from accounts.models import User
from tests.definitions.graphs import graph
from tests.drills.mortal import events_of, take_up
from workflows.models import WorkflowExecution

SAYS = {"id": "say", "type": "prompt", "config": {"template": "{{params.tone}} {{input.message}}"}}
Again = Callable[..., Any]


def declared(**defaults: str) -> dict[str, Any]:
    properties = {name: {"type": "string", "default": text} for name, text in defaults.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


@pytest.fixture
def charlies(api: Any, charlie: User, built_in: None) -> APIClient:
    return api(charlie)


@pytest.fixture
def template(charlies: APIClient) -> str:
    body = {"name": "Open", "graph": graph(SAYS), "parameters": declared(tone="kind")}
    return str(charlies.post("/api/v1/templates/", {**body, "public": True}).json()["id"])


@pytest.fixture
def withdrawn(charlies: APIClient, template: str) -> Callable[[], None]:
    def withdraw() -> None:
        body = {"name": "Secret plan", "slug": "secret-plan", "public": False}
        change = {**body, "parameters": declared(tone="kind", plan="Hush")}
        assert charlies.patch(f"/api/v1/templates/{template}/", change).status_code == 200

    return withdraw


@pytest.fixture
def again(client: APIClient) -> Again:
    def run(source: WorkflowExecution, how: str, **body: Any) -> Any:
        body = {"node": "start", **body} if how == "fork" else body
        url = f"/api/v1/executions/{source.pk}/{how}/"
        return client.post(url, {**body, "mode": "background"})

    return run


def test_a_template_that_is_no_longer_shared_is_not_run_again(
    posted, client, template, withdrawn, again
):
    source = posted(f"/api/v1/templates/{template}/execute/", {"input": {"message": "hello"}})
    take_up()
    failed = posted(f"/api/v1/templates/{template}/execute/", {"input": {"message": "hello"}})
    assert client.post(f"/api/v1/executions/{failed.pk}/cancel/").status_code == 200
    withdrawn()
    for told in (
        again(source, "fork"),
        again(source, "fork", parameters={"tone": "rude"}),
        again(source, "fork", parameters={"plan": "guessed"}),
        again(failed, "retry"),
    ):
        assert (told.status_code, told.json()["code"]) == (404, "template_not_found")


def test_a_replay_does_not_tell_what_a_template_is_called_now(posted, template, withdrawn, again):
    source = posted(f"/api/v1/templates/{template}/execute/", {"input": {"message": "hello"}})
    take_up()
    withdrawn()
    told = again(source, "replay")
    take_up()
    replay = WorkflowExecution.objects.get(rerun="replay")
    assert replay.output == {**replay.output, "text": "kind hello"}
    for text in (told.text, str(events_of(replay))):
        assert "ecret" not in text


def test_what_was_deleted_is_run_again_as_it_was(posted, charlies, template, again):
    source = posted(f"/api/v1/templates/{template}/execute/", {"input": {"message": "hello"}})
    take_up()
    assert charlies.delete(f"/api/v1/templates/{template}/").status_code == 204
    assert again(source, "fork", parameters={"tone": "rude"}).status_code == 202
    take_up()
    assert WorkflowExecution.objects.get(rerun="fork").output["text"] == "rude hello"


@pytest.mark.parametrize("within", [True, False])
def test_the_workflow_of_another_is_not_run_again_by_who_is_no_longer_staff(
    posted, charlies, client, alice, again, within
):
    body = {"name": "Charlie's", "graph": graph({**SAYS, "config": {"template": "private"}})}
    wanted = theirs = charlies.post("/api/v1/definitions/", body).json()["id"]
    get_user_model().objects.filter(pk=alice.pk).update(is_staff=True)
    if within:
        runs = graph({"id": "run", "type": "subworkflow", "config": {"definition": theirs}})
        wanted = client.post("/api/v1/definitions/", {"name": "Mine", "graph": runs}).json()["id"]
    source = posted(f"/api/v1/definitions/{wanted}/execute/", {"input": {"message": "hello"}})
    take_up()
    get_user_model().objects.filter(pk=alice.pk).update(is_staff=False)
    told = again(source, "fork", input={"message": "anew"})
    refused = (400, "graph_refused") if within else (404, "definition_not_found")
    assert (told.status_code, told.json()["code"]) == refused
    assert again(source, "replay").status_code == 202
