"""A stranger's answer is the same for what is another's and for what is not there: 404."""

import uuid

import pytest
from rest_framework.test import APIClient

from tests.definitions.conftest import DEFINITIONS
from tests.definitions.graphs import graph
from workflows.models import (
    DefinitionVersion,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
)
from workflows.services.definitions import store_version

VERBS = [
    ("get", "", None),
    ("patch", "", {"name": "stolen"}),
    ("patch", "", {"graph": graph()}),
    ("delete", "", None),
    ("post", "fork/", {}),
    ("get", "versions/", None),
    ("get", "versions/1/", None),
    ("post", "versions/1/publish/", None),
    ("post", "versions/1/restore/", None),
    ("get", "versions/1/diff/1/", None),
    ("get", "export/", None),
    ("get", "analytics/", None),
    ("post", "execute/", {"input": {"message": "x"}}),
]


@pytest.mark.parametrize(("verb", "path", "body"), VERBS)
def test_a_stranger_gets_404_on_every_verb(api, charlie, client, made, address, verb, path, body):
    before = client.get(address).json()
    act = getattr(api(charlie), verb)
    foreign, unknown = (act(f"{DEFINITIONS}{pk}/{path}", body) for pk in (made["id"], uuid.uuid4()))
    assert foreign.status_code == unknown.status_code == 404
    for answer in (foreign, unknown):
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert foreign.json()["code"] == unknown.json()["code"] == "definition_not_found"
    assert client.get(address).json() == before
    assert WorkflowExecution.objects.count() == 0
    assert WorkflowDefinition.objects.count() == DefinitionVersion.objects.count() == 1


@pytest.mark.parametrize(("verb", "path", "body"), VERBS)
def test_who_is_nobody_gets_401(made, address, verb, path, body):
    assert getattr(APIClient(), verb)(address + path, body).status_code == 401


def test_a_stranger_sees_nothing_in_lists(api, charlie, made):
    assert api(charlie).get(DEFINITIONS).json()["results"] == []


def test_a_strangers_template_cannot_be_executed(api, alice, charlie, built_in):
    mine = WorkflowTemplate.objects.create(
        owner=alice, slug="mine", name="Mine", version=store_version(graph())
    )
    for name in (mine.id, "mine"):
        answer = api(charlie).post(f"/api/v1/templates/{name}/execute/", {})
        assert (answer.status_code, answer.json()["code"]) == (404, "template_not_found")


def test_a_list_costs_the_same_queries_for_many_rows_as_for_one(
    client, made, address, django_assert_max_num_queries
):
    for at in range(8):
        client.post(DEFINITIONS, {"name": f"n{at}", "graph": graph()})
    with django_assert_max_num_queries(5):
        assert len(client.get(DEFINITIONS).json()["results"]) == 9
    with django_assert_max_num_queries(6):
        client.get(address + "versions/")
