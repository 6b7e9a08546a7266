"""What the server says of a thing and does not ask for cannot be written: generated."""

from typing import Any

import pytest

from tests.isolation.asking import Asked, client_of, nothing_changed
from tests.isolation.document import Operation, operations
from tests.isolation.policies import Own, SignedIn
from tests.isolation.routes import route_at
from tests.isolation.test_routes import asked, policy_of
from workflows.models import WorkflowDefinition

# Columns that APIs of this kind were taken over by, whether or not ours tell of them.
COLUMNS = {"id", "pk", "owner", "owner_id", "user", "user_id", "created_at", "is_staff", "status"}
WRITES = [
    one
    for one in operations()
    if one.verb in ("post", "put", "patch")
    and isinstance(policy_of(route_at(one.path)), Own | SignedIn)
]


def servers(one: Operation) -> list[str]:
    """What its answer tells, and what other APIs let in, that its body does not have."""
    asked_for = one.request["properties"] if one.request else {}
    return sorted((set(one.response.get("properties", ())) | COLUMNS) - set(asked_for))


@pytest.mark.parametrize("one", [one for one in WRITES if one.request], ids=str)
def test_a_field_of_the_servers_is_refused(one, town):
    client = client_of(town.charlie.owner)
    right = asked(route_at(one.path), one.verb, town.charlie.things)
    with nothing_changed():
        for name in servers(one):
            body = {**right.body, name: str(town.alice.owner.pk)}
            told = Asked(one.verb, right.url, body).by(client)
            assert told.status == 400, (name, told.text)
            assert name in told.text


@pytest.mark.parametrize("one", [one for one in WRITES if not one.request], ids=str)
def test_where_nothing_is_asked_for_nothing_is_taken(one, town):
    client = client_of(town.charlie.owner)
    url = asked(route_at(one.path), one.verb, town.charlie.things).url
    body: Any = dict.fromkeys(servers(one), "taken-over")
    told = Asked(one.verb, url, body).by(client)
    assert told.status < 500
    answer = told.response.json() if told.text else {}
    assert [name for name in body if answer.get(name) == "taken-over"] == []
    assert answer.get("owner") in (None, "charlie", str(town.charlie.owner.pk))


def test_a_file_that_names_an_owner_and_an_id_is_whoevers_imports_it(town):
    alices = town.alice.things["definition"]
    export = f"/api/v1/definitions/{alices}/export/"
    file = Asked("get", export).by(client_of(town.alice.owner)).response.json()
    before = WorkflowDefinition.objects.values().get(pk=alices)
    taken = {**file, "id": alices, "owner": "alice", "owner_id": str(town.alice.owner.pk)}
    for body in (file, taken):
        told = Asked("post", "/api/v1/definitions/import/", body).by(client_of(town.charlie.owner))
        assert told.status in (201, 400), told.text
        if told.status == 201:
            made = told.response.json()["definition"]
            assert made["owner"] == "charlie"
            assert made["id"] != alices
    assert WorkflowDefinition.objects.values().get(pk=alices) == before
