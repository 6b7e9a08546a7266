"""Whose graph it is decides whether one's secrets are used as it says."""

from typing import Any

import pytest

from accounts.models import User
from accounts.services.secrets import create_secret
from tests.definitions.graphs import graph

pytestmark = pytest.mark.django_db
ASKS = graph(
    {
        "id": "ask",
        "type": "http_request",
        "config": {
            "url": "https://api.example.com/mine",
            "secret_headers": {"X-Key": "{secret:example}"},
        },
    }
)
TEMPLATE = {"name": "Asks", "slug": "asks", "graph": ASKS, "public": True}
REFUSED = ("secret_not_for_author", 'nodes[1].config.secret_headers["X-Key"]')


@pytest.fixture
def owners(alice: User, charlie: User, admin: User, built_in: None) -> None:
    for owner in (alice, charlie, admin):
        create_secret(owner=owner, name="example", value="s3cret-s3cret", hosts=["api.example.com"])


def public_template(door: Any) -> str:
    answer = door.post("/api/v1/templates/", TEMPLATE)
    assert answer.status_code == 201, answer.json()
    return str(answer.json()["id"])


def started(door: Any, address: str) -> Any:
    return door.post(f"/api/v1/{address}/execute/", {"input": {}, "mode": "background"})


def refused(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 400, answer.json()
    (issue,) = answer.json()["detail"]["errors"]
    return issue["code"], issue["path"]


def test_no_secret_is_used_by_a_template_of_somebody_else(
    api: Any, alice: User, charlie: User, owners: None
) -> None:
    template = public_template(api(charlie))
    assert refused(started(api(alice), f"templates/{template}")) == REFUSED
    chat = {"message": "hi", "template": template, "mode": "background"}
    assert refused(api(alice).post("/api/v1/chat/", chat)) == REFUSED
    assert started(api(charlie), f"templates/{template}").status_code == 202


def test_a_secret_is_used_by_a_workflow_that_one_has_made_of_it(
    api: Any, alice: User, charlie: User, owners: None
) -> None:
    template = public_template(api(charlie))
    made = api(alice).post(f"/api/v1/templates/{template}/definition/", {"name": "Mine"})
    assert made.status_code == 201, made.json()
    assert started(api(alice), f"definitions/{made.json()['id']}").status_code == 202


def test_a_secret_is_used_by_a_template_of_staff(
    api: Any, alice: User, admin: User, owners: None
) -> None:
    template = public_template(api(admin))
    assert started(api(alice), f"templates/{template}").status_code == 202


def published(door: Any, drawn: Any = ASKS) -> str:
    made = door.post("/api/v1/definitions/", {"name": "Asks", "graph": drawn}).json()["id"]
    door.post(f"/api/v1/definitions/{made}/versions/1/publish/")
    return str(made)


def test_no_secret_of_staff_is_used_by_the_workflow_of_a_user(
    api: Any, alice: User, admin: User, owners: None
) -> None:
    theirs = published(api(alice))
    assert refused(started(api(admin), f"definitions/{theirs}")) == REFUSED
    assert started(api(alice), f"definitions/{theirs}").status_code == 202


def test_nor_where_a_workflow_of_staff_runs_it(
    api: Any, alice: User, admin: User, owners: None
) -> None:
    def within(definition: str) -> Any:
        return graph({"id": "sub", "type": "subworkflow", "config": {"definition": definition}})

    own, theirs = published(api(admin)), published(api(alice))
    drawn = {"name": "Around", "graph": within(theirs)}
    told = refused(api(admin).post("/api/v1/definitions/", drawn))
    assert told == ("unknown_workflow", "nodes[1].config.definition")
    assert (
        started(api(admin), f"definitions/{published(api(admin), within(own))}").status_code == 202
    )
    around = published(api(alice), within(theirs))
    assert started(api(admin), f"definitions/{around}").status_code == 400
    assert started(api(alice), f"definitions/{around}").status_code == 202
