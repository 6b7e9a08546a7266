"""What somebody may no longer run is neither put to the test by them nor becomes theirs."""

from collections.abc import Callable
from typing import Any

import pytest

from experiments.models import Experiment
from tests.definitions.graphs import graph
from tests.experiments.conftest import EXPERIMENTS
from workflows.models import WorkflowDefinition, WorkflowTemplate

pytestmark = pytest.mark.django_db


def said(text: str) -> dict[str, Any]:
    return graph({"id": "say", "type": "prompt", "config": {"template": text}})


def template_of(client: Any, name: str, **more: Any) -> str:
    made = client.post("/api/v1/templates/", {"name": name, "graph": said(name)}).json()["id"]
    assert client.patch(f"/api/v1/templates/{made}/", more).status_code == 200
    return str(made)


def definition_of(client: Any) -> str:
    made = client.post("/api/v1/definitions/", {"name": "Says", "graph": said("one")}).json()["id"]
    assert client.patch(f"/api/v1/definitions/{made}/", {"graph": said("two")}).status_code == 200
    return str(made)


VERSIONS = [{"name": "one", "control": True}, {"name": "two", "number": 2}]


@pytest.fixture
def withdraw(api: Any, charlie: Any) -> Callable[[str], None]:
    """Charlie writes something else into a template, for their eyes only."""

    def withdrawn(pk: str) -> None:
        change = {"public": False, "graph": said("private")}
        assert api(charlie).patch(f"/api/v1/templates/{pk}/", change).status_code == 200

    return withdrawn


def promoted_or_started(client: Any, made: Any, begun: bool) -> Any:
    """What is done next with an experiment: one that has begun is promoted."""
    door = f"{EXPERIMENTS}{made['id']}/"
    if begun:
        return client.post(f"{door}promote/", {"variant": made["variants"][1]["id"]})
    return client.post(f"{door}start/")


@pytest.mark.parametrize("about", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_a_template_that_is_no_longer_shared_is_neither_begun_nor_promoted(
    api, experiment, alice, charlie, withdraw, about, begun
):
    theirs = template_of(api(charlie), "Theirs", public=True)
    target = theirs if about else template_of(api(alice), "Mine", public=False)
    variants = [{"name": "a", "control": True}, {"name": "b", "template": theirs}]
    made = experiment(start=begun, template=target, variants=variants)
    withdraw(theirs)
    refused = promoted_or_started(api(alice), made, begun)
    assert (refused.status_code, refused.json()["code"]) == (404, "template_not_found")
    assert Experiment.objects.get().status == ("running" if begun else "draft")
    assert WorkflowTemplate.objects.filter(owner=alice).count() == (0 if about else 1)


@pytest.mark.parametrize("begun", [True, False])
def test_who_is_no_longer_staff_neither_begins_nor_promotes_what_is_anothers(
    api, experiment, admin, alice, begun
):
    pk = definition_of(api(alice))
    made = experiment(by=admin, start=begun, definition=pk, variants=VERSIONS)
    admin.is_staff = False
    admin.save()
    refused = promoted_or_started(api(admin), made, begun)
    assert (refused.status_code, refused.json()["code"]) == (404, "definition_not_found")
    assert WorkflowDefinition.objects.get().published == 1


def test_what_is_archived_is_not_put_to_the_test(api, experiment, alice):
    pk = definition_of(api(alice))
    made = experiment(start=False, definition=pk, variants=VERSIONS)
    assert api(alice).patch(f"/api/v1/definitions/{pk}/", {"archived": True}).status_code == 200
    refused = api(alice).post(f"{EXPERIMENTS}{made['id']}/start/")
    assert (refused.status_code, refused.json()["code"]) == (409, "definition_archived")
