"""A large number is the same on the way in and out of any database."""

import io
import json
import zipfile

import pytest

from tests.definitions.graphs import graph

pytestmark = pytest.mark.django_db
DEFINITIONS = "/api/v1/definitions/"
AVOGADRO = 6.02214076e23


@pytest.fixture
def client(alice, api, built_in):
    return api(alice)


def test_a_workflow_with_a_large_number_is_exported_and_imported_as_it_is(client):
    node = {"id": "n", "type": "variable", "config": {"name": "n", "value": AVOGADRO}}
    made = client.post(DEFINITIONS, {"name": "Moles", "graph": graph(node)}).json()
    file = client.get(f"{DEFINITIONS}{made['id']}/export/")
    assert file.status_code == 200
    answer = client.post(f"{DEFINITIONS}import/", file.json())
    assert answer.status_code == 201, answer.json()
    kept = client.get(f"{DEFINITIONS}{answer.json()['definition']['id']}/").json()["graph"]
    assert next(n for n in kept["nodes"] if n["id"] == "n")["config"]["value"] == AVOGADRO


def test_a_run_is_given_a_large_parameter_and_keeps_it(client, drain):
    asked = {"graph": graph(), "parameters": {"n": AVOGADRO, "whole": -(2**63)}}
    answer = client.post("/api/v1/workflows/execute/", {**asked, "mode": "background"})
    drain()
    kept = client.get(f"/api/v1/executions/{answer.json()['execution']['id']}/").json()
    assert (kept["status"], kept["parameters"]) == ("completed", asked["parameters"])


def test_ones_data_with_a_large_number_in_it_is_handed_out(client):
    asked = {"graph": graph(), "input": {"message": "1" * 30, "n": AVOGADRO}}
    assert client.post("/api/v1/workflows/execute/", {**asked, "mode": "background"}).json()
    answer = client.get("/api/v1/privacy/export/")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer)))
    [row] = archive.read("workflows.WorkflowExecution.jsonl").splitlines()
    assert json.loads(row)["input"] == asked["input"]
