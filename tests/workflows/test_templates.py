"""Templates that people own, through the API: alice makes them, bob and charlie meet them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import UserFactory
from workflows.built_in import TEMPLATES as BUILT_IN
from workflows.models import WorkflowDefinition, WorkflowExecution, WorkflowTemplate
from workflows.parameters import check_declared

TEMPLATES = "/api/v1/templates/"
LETTER = {
    "type": "object",
    "properties": {
        "tone": {"type": "string", "default": "kind", "title": "Tone", "enum": ["kind", "stern"]},
        "words": {"type": "integer", "minimum": 10, "maximum": 500},
    },
    "required": ["words"],
}
TOKEN = "Ym7sB1xKd04uWq2LrT8cZv5NhP3gJf6Ea9Ho"  # drawn by lot, of no known shape
SYSTEM = "Be {{params.tone}}, in {{params.words}} words."


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory(username="bob")


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def made(client: APIClient) -> dict[str, Any]:
    return new(client)


@pytest.fixture
def address(made: dict[str, Any]) -> str:
    return f"{TEMPLATES}{made['id']}/"


def new(client: APIClient, **fields: Any) -> dict[str, Any]:
    body = {"name": "A letter", "parameters": LETTER, "graph": graph(asks(SYSTEM)), **fields}
    answer = client.post(TEMPLATES, body)
    assert answer.status_code == 201, answer.json()
    shown: dict[str, Any] = answer.json()
    return shown


def slugs(client: APIClient) -> set[str]:
    return {one["slug"] for one in client.get(TEMPLATES).json()["results"]}


def acts() -> list[str]:
    entries = AuditEntry.objects.filter(action__startswith="workflows.template.")
    return list(entries.exclude(actor_id=None).order_by("id").values_list("action", flat=True))


def test_a_template_is_made_and_is_its_owner_s_alone(client, api, charlie, admin, made, address):
    assert (made["slug"], made["owner"], made["public"], made["revision"]) == (
        "a-letter",
        "alice",
        False,
        1,
    )
    assert made["parameters"] == LETTER
    assert client.get(address).json() == made
    assert "a-letter" in slugs(client)
    assert "a-letter" not in slugs(api(charlie))
    assert api(charlie).get(address).json()["code"] == "template_not_found"
    assert api(admin).get(address).status_code == 200


def test_a_stranger_gets_404_on_every_verb_of_a_private_one(api, charlie, made, address):
    calls = [
        ("get", "", None),
        ("patch", "", {"name": "stolen"}),
        ("delete", "", None),
        ("post", "definition/", {}),
        ("post", "execute/", {}),
        ("get", "analytics/", None),
        ("put", "rating/", {"stars": 5}),
        ("delete", "rating/", None),
    ]
    for verb, path, body in calls:
        answer = getattr(api(charlie), verb)(address + path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "template_not_found"), path
    assert WorkflowTemplate.objects.get(pk=made["id"]).name == "A letter"


def test_a_public_one_is_seen_run_and_copied_by_all_and_changed_by_its_owner(
    client, api, bob, made, address, drain
):
    assert client.patch(address, {"public": True}).status_code == 200
    assert acts() == [
        "workflows.template.created",
        "workflows.template.changed",
        "workflows.template.published",
    ]
    assert "a-letter" in slugs(api(bob))
    for answer in (api(bob).patch(address, {"name": "x"}), api(bob).delete(address)):
        assert (answer.status_code, answer.json()["code"]) == (403, "template_not_yours")
    body = {"input": {"message": "hi"}, "parameters": {"words": 20}, "mode": "background"}
    ran = api(bob).post(f"{address}execute/", body)
    assert ran.status_code == 202, ran.json()
    drain()
    execution = WorkflowExecution.objects.get(pk=ran.json()["execution"]["id"])
    assert execution.status == "completed"
    assert execution.parameters == {"tone": "kind", "words": 20}
    copied = api(bob).post(f"{address}definition/", {"parameters": {"words": 30}})
    assert copied.json()["owner"] == "bob"
    client.patch(address, {"public": False})
    assert acts()[-1] == "workflows.template.withdrawn"
    assert api(bob).get(address).status_code == 404


def test_staff_may_change_it_and_nobody_a_built_in_one(client, api, admin, address):
    assert api(admin).patch(address, {"category": "office"}).json()["category"] == "office"
    built_in = WorkflowTemplate.objects.get(slug="universal_chat")
    for user in (client, api(admin)):
        answer = user.patch(f"{TEMPLATES}{built_in.pk}/", {"name": "Mine"})
        assert (answer.status_code, answer.json()["code"]) == (403, "template_not_yours")


def test_who_saves_what_was_changed_meanwhile_is_told(client, address):
    read = client.get(address)
    assert read.headers["ETag"] == '"1"'
    saved = client.patch(address, {"name": "B"}, headers={"If-Match": read.headers["ETag"]})
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')
    for late in (
        client.patch(address, {"name": "C"}, headers={"If-Match": '"1"'}),
        client.patch(address, {"name": "C", "revision": 1}),
        client.delete(address, headers={"If-Match": '"1"'}),
    ):
        assert (late.status_code, late.json()["code"]) == (412, "template_changed")
        assert late.json()["detail"]["revision"] == 2
    assert client.patch(address, {"name": "C"}, headers={"If-Match": "x"}).status_code == 400
    assert client.patch(address, {"name": "B"}).headers["ETag"] == '"2"'


@pytest.mark.parametrize("default", [True, 1.0])
def test_a_default_that_only_python_takes_for_another_is_changed(client, default):
    declared = {"type": "object", "properties": {"tone": {"default": 1}}}
    body = {"name": "One", "parameters": declared, "graph": graph(asks("Be {{params.tone}}."))}
    address = f"{TEMPLATES}{client.post(TEMPLATES, body).json()['id']}/"
    declared = {"type": "object", "properties": {"tone": {"default": default}}}
    assert client.patch(address, {"parameters": declared}).json()["revision"] == 2
    kept = client.get(address).json()["parameters"]["properties"]["tone"]["default"]
    assert (type(kept), kept) == (type(default), default)
    entry = AuditEntry.objects.get(action="workflows.template.changed")
    assert entry.detail["changed"] == ["parameters"]


def test_its_graph_is_checked_with_its_parameters(client, made, address):
    unknown = client.patch(address, {"graph": graph(asks("{{params.mood}}"))})
    assert unknown.json()["code"] == "graph_refused"
    assert [one["code"] for one in unknown.json()["detail"]["errors"]] == ["unknown_param"]
    fewer = {"type": "object", "properties": {"tone": {}}}
    gone = client.patch(address, {"parameters": fewer})
    assert [one["code"] for one in gone.json()["detail"]["errors"]] == ["unknown_param"]
    both = client.patch(address, {"parameters": fewer, "graph": graph(asks("{{params.tone}}"))})
    assert both.status_code == 200
    assert both.json()["version"] != made["version"]


@pytest.mark.parametrize("nodes", [5, True, None, "start", {"id": "start"}, [5]])
def test_what_is_no_graph_is_refused_as_everywhere(client, address, nodes):
    graph = {"nodes": nodes, "edges": []}
    made = client.post(TEMPLATES, {"name": "x", "graph": graph})
    changed = client.patch(address, {"graph": graph})
    for answer in (made, changed):
        assert (answer.status_code, answer.json()["code"]) == (400, "graph_refused")
        assert answer.json()["detail"]["errors"][0]["path"].startswith("nodes")


def test_a_slug_is_taken_once_by_each_and_chatter_s_are_chatter_s(client, api, bob, made):
    body = {"name": "Again", "graph": graph()}
    for slug in ("a-letter", "universal_chat"):
        answer = client.post(TEMPLATES, {**body, "slug": slug})
        assert (answer.status_code, answer.json()["code"]) == (409, "template_slug_taken")
    assert api(bob).post(TEMPLATES, {**body, "slug": "a-letter"}).status_code == 201


def test_a_slug_that_nobody_wrote_is_in_nobodys_way(client, api, bob, made):
    for name, slug in (
        ("A letter", "a-letter-2"),
        ("A letter", "a-letter-3"),
        ("Письмо", "template"),
        ("Ответ", "template-2"),
        ("Z" * 90, "z" * 80),
        ("Z" * 91, "z" * 78 + "-2"),
    ):
        assert new(client, name=name)["slug"] == slug
    assert new(api(bob))["slug"] == "a-letter"


def test_a_template_is_read_by_its_slug_as_by_its_id(client, api, bob, made):
    for name in ("universal_chat", "a-letter", made["id"]):
        assert client.get(f"{TEMPLATES}{name}/").json()["slug"] in {name, "a-letter"}
    client.patch(f"{TEMPLATES}a-letter/", {"public": True})
    assert api(bob).get(f"{TEMPLATES}{made['id']}/").status_code == 200
    assert api(bob).get(f"{TEMPLATES}a-letter/").json()["code"] == "template_not_found"


def test_a_slug_names_one_s_own_and_never_that_of_another(client, api, bob, built_in):
    theirs = new(api(bob), public=True)
    body = {"parameters": {"words": 20}, "mode": "background"}
    answer = client.post(f"{TEMPLATES}a-letter/execute/", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "template_not_found")
    mine = new(client)
    ran = client.post(f"{TEMPLATES}a-letter/execute/", body).json()["execution"]["id"]
    assert str(WorkflowExecution.objects.get(pk=ran).template_id) == mine["id"] != theirs["id"]


def test_what_is_deleted_leaves_its_executions(client, address, drain):
    body = {"parameters": {"words": 20}, "mode": "background"}
    ran = client.post(f"{address}execute/", body).json()["execution"]["id"]
    drain()
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert WorkflowExecution.objects.get(pk=ran).status == "completed"
    assert acts()[-1] == "workflows.template.deleted"


def test_a_workflow_begins_as_a_template_with_its_parameters_in_their_places(client, address):
    bound = client.post(f"{address}definition/", {"parameters": {"words": 30}, "name": "Mine"})
    assert bound.status_code == 201, bound.json()
    assert bound.json()["name"] == "Mine"
    assert bound.json()["graph"]["nodes"][1]["config"]["system"] == "Be kind, in 30 words."
    assert bound.json()["graph"]["nodes"][1]["position"]["x"] == 200.0
    kept = client.post(f"{address}definition/", {"parameters": None}).json()
    assert kept["graph"]["nodes"][1]["config"]["system"] == SYSTEM
    wrong = client.post(f"{address}definition/", {})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_parameters")
    told = AuditEntry.objects.filter(action="workflows.definition.made_from_template")
    assert [entry.detail["bound"] for entry in told.order_by("id")] == [True, False]


def test_a_template_begins_as_a_workflow(client, api, charlie, built_in):
    definition = client.post(
        "/api/v1/definitions/", {"name": "Letters", "graph": graph(asks(SYSTEM))}
    ).json()
    door = f"/api/v1/definitions/{definition['id']}/template/"
    assert api(charlie).post(door, {}).json()["code"] == "definition_not_found"
    made = client.post(door, {})
    assert made.status_code == 201, made.json()
    assert (made.json()["name"], made.json()["slug"]) == ("Letters", "letters")
    assert made.json()["parameters"] == {
        "type": "object",
        "properties": {"tone": {}, "words": {}},
        "required": ["tone", "words"],
    }
    named = client.post(door, {"name": "B", "parameters": LETTER, "public": True, "number": 1})
    assert (named.json()["parameters"], named.json()["public"]) == (LETTER, True)
    assert client.post(door, {"number": 7}).json()["code"] == "version_not_found"
    assert WorkflowDefinition.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({}, {"parameters.words": "required"}),
        ({"words": "ten"}, {"parameters.words": "type"}),
        ({"words": True}, {"parameters.words": "type"}),
        (
            {"words": 5, "tone": "rude", "mood": 1},
            {
                "parameters.words": "minimum",
                "parameters.tone": "enum",
                "parameters.mood": "unknown",
            },
        ),
    ],
)
def test_every_problem_of_the_parameters_is_told_with_its_path(client, address, given, problems):
    answer = client.post(f"{address}execute/", {"parameters": given})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameters")
    errors = answer.json()["detail"]["errors"]
    assert {one["path"]: one["code"] for one in errors} == problems
    assert "rude" not in answer.text
    assert not WorkflowExecution.objects.exists()


def test_problems_deep_inside_a_parameter_have_their_path(client):
    item = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    declared = {"type": "object", "properties": {"rows": {"type": "array", "items": item}}}
    made = new(client, parameters=declared, graph=graph(asks("{{params.rows}}")))
    body = {"parameters": {"rows": [{"n": 1}, {"n": "x"}, {}]}}
    errors = client.post(f"{TEMPLATES}{made['id']}/execute/", body).json()["detail"]["errors"]
    assert [(one["path"], one["code"]) for one in errors] == [
        ("parameters.rows.1.n", "type"),
        ("parameters.rows.2.n", "required"),
    ]


def test_what_is_declared_may_be_as_long_in_every_script(client):
    described = {"type": "string", "default": "", "description": "世" * 900}
    properties = {f"p{at}": described for at in range(20)}
    whole = {"type": "object", "properties": properties}
    made = client.post(TEMPLATES, {"name": "x", "graph": graph(), "parameters": whole})
    assert made.status_code == 201, made.json()


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        ({"tone": {"type": "string", "default": ""}}, "parameters"),
        ({"type": "array"}, "parameters"),
        ({"type": "object", "properties": {"a": {"type": "nothing"}}}, "parameters"),
        ({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}, ".a"),
        ({"type": "object", "properties": {"a": {"pattern": "(a+)+$"}}}, ".a"),
        ({"type": "object", "properties": {"a": {"items": [{"pattern": "a"}]}}}, ".a"),
        ({"type": "object", "properties": {"a b": {}}}, "a b"),
        ({"type": "object", "properties": {"a": {"default": "Bearer " + "a1" * 12}}}, ".a"),
        ({"type": "object", "properties": {"a": {"default": TOKEN}}}, ".a"),
        ({"type": "object", "properties": {}, "required": ["a"]}, ".a"),
        ({"type": "object", "properties": {"a": {"$ref": "http://x.y/"}}}, "parameters"),
        ({"type": "object", "anyOf": []}, ".anyOf"),
        ({"type": "object", "additionalProperties": True}, ".additionalProperties"),
    ],
)
def test_what_declares_no_parameters_is_refused_with_its_place(client, declared, path):
    body = {"name": "x", "graph": graph(), "parameters": declared}
    answer = client.post(TEMPLATES, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameters")
    assert any(one["path"].endswith(path) for one in answer.json()["detail"]["errors"])


@pytest.mark.parametrize("spec", BUILT_IN, ids=lambda spec: spec["slug"])
def test_built_in_templates_declare_their_parameters_as_a_schema(spec):
    check_declared(spec["parameters"])
    assert spec["parameters"]["properties"]["model"]["title"]


def test_the_back_office_changes_words_and_parameters_and_shows_what_is_wrong(admin, made):
    office = Client()
    office.force_login(admin)
    url = f"/admin/workflows/workflowtemplate/{made['id']}/change/"
    assert "<svg" in office.get(url).text
    given = {"name": "Office letter", "description": "", "category": "office", "public": "on"}
    given["seen"] = made["revision"]
    fewer = '{"type": "object", "properties": {"tone": {}}}'
    refused = office.post(url, {**given, "parameters": fewer})
    assert "There is no parameter" in refused.text
    more = '{"type": "object", "properties": {"tone": {}, "words": {}, "more": {"default": 1}}}'
    assert office.post(url, {**given, "parameters": more}).status_code == 302
    template = WorkflowTemplate.objects.get(pk=made["id"])
    assert (template.name, template.public, template.revision) == ("Office letter", True, 2)
    assert acts()[-1] == "workflows.template.published"


@pytest.mark.parametrize("written", ["[]", "false", "0", '""'])
def test_in_the_back_office_what_are_no_parameters_do_not_stand_for_none(admin, client, written):
    declared = {"type": "object", "properties": {"tone": {"default": "kind"}}}
    made = new(client, graph=graph(asks("Be kind.")), parameters=declared)
    office = Client()
    office.force_login(admin)
    given = {"name": "A letter", "description": "", "category": "general", "seen": 1}
    url = f"/admin/workflows/workflowtemplate/{made['id']}/change/"
    refused = office.post(url, {**given, "parameters": written})
    assert refused.status_code == 200
    assert "The parameters of a template are an object of JSON schema." in refused.text
    assert WorkflowTemplate.objects.get(pk=made["id"]).parameters == declared
    emptied = {**given, "parameters": "", "initial-parameters": json.dumps(declared)}
    assert office.post(url, emptied).status_code == 302
    assert WorkflowTemplate.objects.get(pk=made["id"]).parameters == {}


def test_in_the_back_office_who_saved_a_template_meanwhile_is_not_written_over(
    admin, client, address, made
):
    office = Client()
    office.force_login(admin)
    url = f"/admin/workflows/workflowtemplate/{made['id']}/change/"
    page = office.get(url).context["adminform"].form
    shown = {name: page[name].value() for name in page.fields if name != "public"}
    assert client.patch(address, {"description": "New words"}).status_code == 200
    told = office.post(url, {**shown, "name": "Office letter"})
    assert "is at revision 2 by now" in told.text
    del shown["seen"]
    assert office.post(url, {**shown, "name": "Office letter"}).status_code == 200
    template = WorkflowTemplate.objects.get(pk=made["id"])
    assert (template.name, template.description) == (made["name"], "New words")
