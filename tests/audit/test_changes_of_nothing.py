"""The trail tells of changes what differs, and of what was only said again nothing."""

import pytest

from audit.models import AuditEntry
from llms.services.providers import make_default
from tests.factories.accounts import AdministratorFactory
from tests.factories.llms import ProfileFactory

pytestmark = pytest.mark.django_db
TALKS, EXPERIMENTS = "/api/v1/conversations/", "/api/v1/experiments/"
WAYS = [{"name": "as it is", "control": True}, {"name": "brief", "parameters": {"system": "Brief"}}]


def told(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("id"))


@pytest.fixture
def server(api, admin):
    url = {"transport": "streamable_http", "url": "https://desk.example/mcp?key=swordfish"}
    made = api(admin).post("/api/v1/mcp-servers/", {"name": "desk", **url}).json()
    return f"/api/v1/mcp-servers/{made['id']}/"


def test_a_conversation_that_is_called_as_it_was_is_not_changed(api, alice):
    made = api(alice).post(TALKS, {"title": "Letters"}).json()
    for same in ({}, {"title": "Letters"}, {"archived": False}):
        assert api(alice).patch(f"{TALKS}{made['id']}/", same).status_code == 200
    assert told("conversations.conversation.changed") == []


def test_an_experiment_tells_of_each_field_from_and_to_and_of_no_other(api, alice, built_in):
    draft = {"name": "Brief?", "template": "universal_chat", "primary": "tokens", "variants": WAYS}
    made = api(alice).post(EXPERIMENTS, draft).json()
    page = f"{EXPERIMENTS}{made['id']}/"
    said_again = {"audience": "own", "window_min": made["window_min"]}
    assert api(alice).patch(page, said_again).status_code == 200
    assert told("experiments.experiment.changed") == []
    changes = {"window_min": 7, "planned_units": 500, "guards": [{"metric": "cost", "margin": 0.1}]}
    answer = api(alice).patch(page, said_again | changes | {"hypothesis": "It is"})
    assert answer.status_code == 200
    [entry] = told("experiments.experiment.changed")
    assert entry.detail["changed"] == ["guards", "hypothesis", "planned_units", "window_min"]
    before, after = entry.detail["from"], entry.detail["to"]
    assert (before["window_min"], after["window_min"]) == (made["window_min"], 7)
    assert (before["planned_units"], after["planned_units"]) == (made["planned_units"], 500)
    before, after = (entry.personal_content[side] for side in ("from", "to"))
    assert (before["hypothesis"], after["hypothesis"]) == ("", "It is")
    assert before["guards"] == []
    assert "cost" in str(after["guards"])


def test_of_an_mcp_server_it_is_told_whether_it_was_switched_on_or_off(api, admin, server):
    for same in ({}, {"enabled": True}, {"headers": {}}):
        assert api(admin).patch(server, same).status_code == 200
    assert told("tools.mcpserver.changed") == []
    assert api(admin).patch(server, {"enabled": False}).status_code == 200
    [entry] = told("tools.mcpserver.changed")
    assert entry.detail["values"] == {"enabled": {"from": True, "to": False}}
    moved = {"url": "https://elsewhere.example/mcp", "headers": {"X-Key": "swordfish"}}
    assert api(admin).patch(server, moved).status_code == 200
    entry = told("tools.mcpserver.changed")[-1]
    assert entry.detail["values"] == {"url": "***", "headers": "***"}
    addresses = entry.detail["address_before"], entry.detail["address"]
    assert addresses == ("https://desk.example", "https://elsewhere.example")
    assert "swordfish" not in repr(list(AuditEntry.objects.values_list()))


def test_a_model_that_answers_by_default_already_is_not_made_to(db):
    profile = ProfileFactory()
    make_default(profile=profile)
    make_default(profile=profile, by=AdministratorFactory())
    assert len(told("llms.default_profile.changed")) == 1
