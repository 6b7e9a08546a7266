"""The templates that Chatter comes with: each of them runs."""

import json
import re
from collections.abc import Callable

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import AuditEntry
from llms.models import ModelCall
from tools.models import ToolCall
from workflows.built_in import TEMPLATES
from workflows.models import WorkflowExecution, WorkflowTemplate
from workflows.services.built_in import seed_templates

SLUGS = [spec["slug"] for spec in TEMPLATES]


@pytest.fixture
def client(alice: User, api: Callable[[User], APIClient], built_in: None) -> APIClient:
    return api(alice)


@pytest.fixture
def ran(client: APIClient, drain: Callable[[], None]) -> Callable[..., WorkflowExecution]:
    """Say something to a template, and run it."""

    def asked(slug: str, message: str) -> WorkflowExecution:
        body = {"message": message, "template": slug, "mode": "background"}
        told = client.post("/api/v1/chat/", body)
        assert told.status_code == 202, told.json()
        drain()
        return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])

    return asked


@pytest.mark.parametrize("slug", SLUGS)
def test_every_built_in_template_runs(ran, slug):
    execution = ran(slug, "say 20 words")
    assert execution.status == "completed", execution.error
    assert execution.output["text"]
    assert execution.template.slug == slug


@pytest.mark.parametrize("slug", SLUGS)
def test_every_built_in_template_runs_for_who_asks_the_demo_for_help(ran, slug):
    """What it can be told is in its answer, which is the next node's question."""
    execution = ran(slug, "How can a bakery get help with taxes?")
    assert (execution.status, execution.error) == ("completed", None)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_built_in_template_becomes_a_workflow_that_runs(client, slug, drain):
    made = client.post(f"/api/v1/templates/{slug}/definition/")
    assert (made.status_code, made.json().get("issues")) == (201, []), made.json()
    body = {"input": {"message": "say 20 words"}, "mode": "background"}
    told = client.post(f"/api/v1/definitions/{made.json()['id']}/execute/", body).json()
    drain()
    execution = WorkflowExecution.objects.get(pk=told["execution"]["id"])
    assert (execution.status, execution.error) == ("completed", None)


def test_a_workflow_made_of_a_template_without_tools_has_no_place_for_any(client):
    made = client.post("/api/v1/templates/universal_chat/definition/").json()
    assert [node["id"] for node in made["graph"]["nodes"]] == ["start", "memory", "model", "end"]
    with_one = {"parameters": {"tools": ["calculator"]}}
    made = client.post("/api/v1/templates/universal_chat/definition/", with_one).json()
    assert "tools" in [node["id"] for node in made["graph"]["nodes"]]


def test_the_analyst_calculates_with_a_tool(ran):
    execution = ran("data_analyst", 'use the tool calculator {"expression": "7 * 6"}')
    assert execution.output["text"] == "The tool answered: 42"


def test_a_post_is_outlined_written_and_edited(ran):
    execution = ran("blog_writing_assistant", "Ferries")
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    assert [call.node for call in calls] == ["outline", "draft", "polish"]


def test_a_document_is_looked_at_from_three_sides_and_counted_by_a_tool(ran):
    execution = ran("document_reviewer", 'use the tool text_statistics {"text": "One. Two."}')
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    assert {call.node for call in calls[:3]} == {"language", "readability", "substance"}
    assert [call.node for call in calls[3:]] == ["readability", "report"]
    counted = ToolCall.objects.get(origin=execution.origin)
    assert (counted.tool, counted.data["words"]) == ("text_statistics", 2)


def test_a_workflow_is_read_with_a_tool_and_told_of_in_three_parts(ran):
    document = {"nodes": [{"id": "a"}], "edges": []}
    asked = json.dumps({"query": "nodes[].id", "document": document})
    execution = ran("workflow_validator", f"use the tool json_query {asked}")
    assert ToolCall.objects.get(origin=execution.origin).data == ["a"]
    calls = ModelCall.objects.filter(origin=execution.origin).order_by("id")
    assert [call.node for call in calls[:2]] == ["reading", "reading"]
    assert {call.node for call in calls[2:]} == {"faults", "cases"}
    headings = ("## What it does", "## What may go wrong", "## Test cases")
    assert re.findall("^## .*", execution.output["text"], re.M) == list(headings)


def test_one_that_an_older_release_did_not_have_is_added_by_prepare(built_in):
    new = ("document_reviewer", "workflow_validator")
    WorkflowTemplate.objects.filter(slug__in=new).delete()
    call_command("prepare", verbosity=0)
    assert WorkflowTemplate.objects.filter(slug__in=new, owner=None, public=True).count() == 2


def test_templates_are_seeded_once_and_not_changed_again(built_in):
    entries = AuditEntry.objects.count()
    versions = dict(WorkflowTemplate.objects.values_list("slug", "version"))
    seed_templates()
    assert AuditEntry.objects.count() == entries
    assert dict(WorkflowTemplate.objects.values_list("slug", "version")) == versions
    assert set(versions) == set(SLUGS)


def test_one_that_a_release_changed_tells_before_and_after(built_in):
    WorkflowTemplate.objects.filter(slug="data_analyst").update(description="As it was.")
    seed_templates()
    entry = AuditEntry.objects.get(action="workflows.template.changed")
    assert entry.detail["changed"] == ["description"]
    told = entry.detail["values"]["description"]
    assert told["from"] == "As it was."
    assert WorkflowTemplate.objects.get(slug="data_analyst").description.startswith(told["to"])
