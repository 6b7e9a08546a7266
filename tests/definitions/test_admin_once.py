"""Forms of the back office that are sent twice do what they ask for once."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph
from workflows.models import WorkflowDefinition, WorkflowExecution

LIST = "/admin/workflows/workflowdefinition/"
IMPORT = f"{LIST}import/"
SAID = {"input": '{"message": "hello"}'}


@pytest.fixture
def run(made) -> str:
    return f"{LIST}{made['id']}/run/"


def key_of(office: Client, address: str) -> dict[str, str]:
    """What the form carries, as it is shown now."""
    page = office.get(address)
    key = page.context["form"]["key"].value()
    assert f'<input type="hidden" name="key" value="{key}"' in page.content.decode()
    assert "field-key" not in page.content.decode()  # not as a line among those that are written
    return {"key": key}


def a_file(name: str = "Mine") -> dict[str, Any]:
    package = {"format": "chatter.workflow", "format_version": 1, "name": name}
    text = json.dumps({**package, "graph": graph(asks("Be kind."))})
    return {"file": SimpleUploadedFile("x.chatter.json", text.encode())}


def test_a_form_sent_twice_is_one_run(office, run):
    key = key_of(office, run)
    first, again = (office.post(run, {**SAID, **key}) for _ in range(2))
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.url == again.url
    assert WorkflowExecution.objects.count() == 1
    started = AuditEntry.objects.filter(action="workflows.execution.started")
    assert started.count() == 1


def test_another_input_another_page_and_another_person_are_other_runs(office, run, admin):
    key = key_of(office, run)
    addresses = {office.post(run, {**SAID, **key}).url}
    addresses.add(office.post(run, {"input": '{"message": "Gone back to"}', **key}).url)
    addresses.add(office.post(run, {**SAID, **key, "debug": "on"}).url)
    addresses.add(office.post(run, {**SAID, **key_of(office, run)}).url)
    addresses.add(office.post(run, SAID).url)
    addresses.add(office.post(run, SAID).url)
    assert len(addresses) == WorkflowExecution.objects.count() == 6


def test_a_form_that_was_refused_keeps_its_key(office, run):
    key = key_of(office, run)
    refused = office.post(run, {"input": "no JSON", **key})
    assert refused.context["form"]["key"].value() == key["key"]


def test_a_file_sent_twice_is_one_workflow_and_told_of_alike(office, admin):
    key = key_of(office, IMPORT)
    first, again = (office.post(IMPORT, {**a_file(), **key}) for _ in range(2))
    mine = WorkflowDefinition.objects.get(owner=admin)
    assert first.context["made"] == again.context["made"] == mine
    assert first.context["report"] == again.context["report"]
    assert mine.history.count() == 1
    imported = AuditEntry.objects.filter(action="workflows.definition.imported")
    assert imported.count() == 1


def test_another_file_and_the_same_on_another_page_are_other_workflows(office, admin):
    key = key_of(office, IMPORT)
    office.post(IMPORT, {**a_file(), **key})
    office.post(IMPORT, {**a_file("Another"), **key})
    office.post(IMPORT, {**a_file(), **key_of(office, IMPORT)})
    for _ in range(2):
        office.post(IMPORT, a_file())
    assert WorkflowDefinition.objects.filter(owner=admin).count() == 5
