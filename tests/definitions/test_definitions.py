"""A workflow is kept, changed without losing anybody's work, and never lost while runs need it."""

import json

import pytest

from audit.models import AuditEntry
from tests.definitions.conftest import DEFINITIONS
from tests.definitions.graphs import asks, graph, waits
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowVersion


def acts(definition):
    label = f"workflows.workflowdefinition:{definition}"
    return list(
        AuditEntry.objects.filter(target=label).order_by("id").values_list("action", flat=True)
    )


def test_what_was_drawn_comes_back_as_it_was_drawn(client, made, address):
    assert made["graph"] == graph(asks("Be kind."))
    assert client.get(address).json() == made
    assert (made["latest"], made["published"], made["revision"]) == (1, 1, 1)


def test_a_new_workflow_is_listed_and_audited(client, made):
    page = client.get(DEFINITIONS).json()
    assert [one["name"] for one in page["results"]] == ["Letters"]
    assert "graph" not in page["results"][0]
    assert acts(made["id"]) == ["workflows.definition.created"]


def test_a_graph_that_cannot_run_is_refused_with_every_issue(client, made):
    bad = graph(waits(-1), {"id": "x", "type": "teleport"})
    answer = client.post(DEFINITIONS, {"name": "bad", "graph": bad})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == "graph_refused"
    assert {"unknown_node_type", "greater_than_equal"} <= {
        issue["code"] for issue in told["detail"]["errors"]
    }
    assert WorkflowDefinition.objects.count() == 1


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("input.n > 3 and input.n < 9", "Write &&."),
        ("not input.flag", "Write !."),
        ("input.name is None", "Write null."),
        ("input.n = 3", "write == where two values are compared"),
        ("{{input.n > 3}}", "without {{ and }}"),
        ("text == “yes”", "straight quotes"),
    ],
)
def test_a_condition_in_the_words_of_another_language_is_told_ours(client, condition, told):
    node = {"id": "when", "type": "conditional", "config": {"condition": condition}}
    drawn = graph(node, edges=["start>when", "when.true>end", "when.false>end"])
    [issue] = client.post("/api/v1/workflows/validate/", drawn).json()["issues"]
    assert told in issue["message"] + issue["hint"]


def test_saving_what_runs_makes_a_version_that_runs_only_once_published(client, made, address):
    saved = client.patch(address, {"graph": graph(asks("Be brief."))}).json()
    assert (saved["latest"], saved["published"], saved["revision"]) == (2, 1, 2)
    assert saved["version"] == made["version"]
    assert saved["graph"]["nodes"][1]["config"]["system"] == "Be brief."


def test_moving_a_node_makes_no_version_but_is_kept(client, made, address):
    moved = client.patch(address, {"graph": graph(asks("Be kind."), moved=90)}).json()
    assert (moved["latest"], moved["revision"]) == (1, 2)
    assert moved["graph"]["nodes"][1]["position"] == {"x": 200.0, "y": 90.0}
    assert WorkflowVersion.objects.filter(id=made["version"]).count() == 1


def test_saving_the_same_again_changes_nothing(client, made, address):
    same = client.patch(address, {"name": "Letters", "graph": made["graph"]}).json()
    assert same == made
    assert acts(made["id"]) == ["workflows.definition.created"]


def test_two_people_with_the_same_graph_share_a_version_but_not_a_layout(
    client, made, api, charlie
):
    body = {"name": "Mine", "graph": graph(asks("Be kind."), moved=50)}
    other = api(charlie).post(DEFINITIONS, body).json()
    assert other["version"] == made["version"]
    assert other["graph"] == body["graph"]
    assert client.get(f"{DEFINITIONS}{made['id']}/").json()["graph"] == made["graph"]


@pytest.mark.parametrize("by", ["header", "body"])
def test_who_saves_what_somebody_else_changed_meanwhile_is_told_so(client, made, address, by):
    etag = client.get(address).headers["ETag"]
    client.patch(address, {"name": "Notes"}, headers={"If-Match": etag})
    late = {"description": "Mine."}
    answer = (
        client.patch(address, late, headers={"If-Match": etag})
        if by == "header"
        else client.patch(address, {**late, "revision": made["revision"]})
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "definition_changed")
    assert answer.json()["detail"] == {"revision": 2}
    kept = client.get(address).json()
    assert (kept["name"], kept["description"]) == ("Notes", "Writes letters.")


@pytest.mark.parametrize(
    ("verb", "where"),
    [("post", "versions/1/publish/"), ("post", "versions/1/restore/"), ("delete", "")],
)
def test_nobody_publishes_restores_or_deletes_what_somebody_else_changed_meanwhile(
    client, address, verb, where
):
    client.patch(address, {"graph": graph(asks("Be brief."))})
    before = client.post(address + "versions/2/publish/")
    late = client.generic(verb.upper(), address + where, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "definition_changed")
    assert client.get(address).json() == before.json()
    now = {"If-Match": before.headers["ETag"]}
    assert client.generic(verb.upper(), address + where, headers=now).status_code in (200, 204)


@pytest.mark.parametrize("etag", ["yesterday", "9" * 5000])
def test_an_etag_that_is_none_is_refused(client, address, etag):
    answer = client.patch(address, {"name": "x"}, headers={"If-Match": f'"{etag}"'})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_revision")


@pytest.mark.parametrize(
    "body",
    [
        {"owner": 1},
        {"version": "x"},
        {"name": ""},
        {"graph": [1]},
        {"graph": {"nodes": [], "x": {"deep": json.loads("[" * 80 + "]" * 80)}}},
    ],
)
def test_nothing_else_can_be_set(client, made, address, body):
    assert client.patch(address, body).status_code == 400
    assert client.get(address).json() == made


def test_nul_characters_are_dropped_from_a_name_and_told_of_in_a_graph(client, made, address):
    assert client.patch(address, {"name": "a\x00b"}).json()["name"] == "ab"
    refused = client.patch(address, {"graph": graph(asks("c\x00d"))}).json()
    [issue] = refused["detail"]["errors"]
    assert (issue["code"], issue["path"]) == ("bad_character", "nodes[1].config.system")


def test_an_archived_workflow_is_listed_apart(client, made, address):
    client.patch(address, {"archived": True})
    assert client.get(DEFINITIONS + "?archived=false").json()["results"] == []
    assert len(client.get(DEFINITIONS + "?archived=true").json()["results"]) == 1
    assert client.patch(address, {"archived": False}).json()["archived"] is False
    assert acts(made["id"]) == [
        "workflows.definition.created",
        "workflows.definition.changed",
        "workflows.definition.changed",
    ]


def test_a_fork_goes_its_own_way(client, made, address):
    forked = client.post(address + "fork/", {"name": "Poems"})
    assert forked.status_code == 201
    fork = forked.json()
    assert (fork["name"], fork["graph"], fork["latest"]) == ("Poems", made["graph"], 1)
    client.patch(f"{DEFINITIONS}{fork['id']}/", {"graph": graph(asks("Rhyme."))})
    assert client.get(address).json() == made
    assert acts(fork["id"])[0] == "workflows.definition.forked"


def test_a_workflow_that_never_ran_can_be_deleted(client, made, address):
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert DefinitionVersion.objects.count() == 0
    assert acts(made["id"])[-1] == "workflows.definition.deleted"


def test_a_workflow_that_ran_is_archived_rather_than_deleted(client, made, address):
    say = {"message": "hi", "definition": made["id"], "mode": "background"}
    assert client.post("/api/v1/chat/", say).status_code == 202
    answer = client.delete(address)
    assert (answer.status_code, answer.json()["code"]) == (409, "definition_in_use")
    client.patch(address, {"archived": True})
    refused = client.post("/api/v1/chat/", say)
    assert (refused.status_code, refused.json()["code"]) == (409, "definition_archived")


def test_a_template_keeps_its_drawing(client):
    template = client.get("/api/v1/templates/?slug=universal_chat").json()["results"][0]
    assert [node["position"]["x"] for node in template["graph"]["nodes"]] == [0, 200, 400, 400, 600]
