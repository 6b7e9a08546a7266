"""`POST /api/v1/workflows/validate/` tells of all that comes in; it writes and runs nothing."""

import math
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from audit.models import AuditEntry
from tests.factories.llms import ProfileFactory
from tests.validation.drawing import line
from workflows.models import WorkflowDefinition, WorkflowExecution, WorkflowVersion
from workflows.services.definitions import GraphRefused, create_definition, store_version

URL = "/api/v1/workflows/validate/"


def posted(api, user, body: bytes, content_type: str = "application/json") -> Any:
    return api(user).post(URL, body, content_type=content_type)


def test_a_sound_graph_is_valid(api, alice, built_in):
    answer = posted(api, alice, orjson.dumps(line(ask="model")))
    assert answer.status_code == 200
    assert answer.json() == {"valid": True, "issues": []}


def test_every_issue_comes_with_all_that_is_known_of_it(api, alice):
    document = line(wait=("delay", {"seconds": -1}), ask=("model", {"model": "gone:model"}))
    answer = posted(api, alice, orjson.dumps(document)).json()
    assert answer["valid"] is False
    assert [(issue["code"], issue["path"]) for issue in answer["issues"]] == [
        ("greater_than_equal", "nodes[1].config.seconds"),
        ("unknown_model", "nodes[2].config.model"),
    ]
    assert set(answer["issues"][0]) == {"code", "severity", "path", "message", "hint"}


def test_a_warning_leaves_a_graph_valid(api, alice, built_in):
    document = line(x=("variable", {"name": "v", "operation": "get", "default": 0}))
    answer = posted(api, alice, orjson.dumps(document)).json()
    assert answer["valid"] is True
    assert [issue["code"] for issue in answer["issues"]] == ["variable_never_set"]


@pytest.mark.parametrize(
    "body",
    [b"null", b"7", b'"x"', b"[]", b"{}", b'{"nodes": 3}', b'"\\ud800"', b'["\\u0000"]', b"1e999",
     b"NaN", b"[" * 900 + b"]" * 900, b"[" * 200_000 + b"]" * 200_000, b'{"a": 1, "a": 2}',
     orjson.dumps({"nodes": [{}] * 50_000}), orjson.dumps("x" * 2_000_000)],
    ids=lambda body: body[:12],
)  # fmt: skip
def test_any_json_is_an_answer_not_a_mistake(api, alice, body):
    answer = posted(api, alice, body)
    assert answer.status_code == 200
    assert answer.json()["valid"] is False


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\xff", b"{'a': 1}", b"1" * 5_000])
def test_what_cannot_be_read_is_an_issue(api, alice, body):
    answer = posted(api, alice, body)
    assert answer.status_code == 200
    assert answer.json()["valid"] is False
    [issue] = answer.json()["issues"]
    assert (issue["code"], issue["path"]) == ("malformed_body", "")


def test_what_cannot_be_read_is_not_repeated(api, alice):
    assert b"hunter2" not in posted(api, alice, b"{'password': 'hunter2'}").content


def test_what_is_larger_than_the_server_takes_is_a_problem(api, alice):
    answer = posted(api, alice, b'"' + b"x" * 3_000_000 + b'"')
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_whoever_is_not_signed_in_is_told_nothing(db):
    answer = APIClient().post(URL, b"{}", content_type="application/json")
    assert answer.status_code == 401


def test_another_method_is_not_answered(api, alice):
    assert api(alice).get(URL).status_code == 405


def test_nothing_is_written(api, alice, built_in):
    kinds = (WorkflowDefinition, WorkflowVersion, WorkflowExecution, AuditEntry)
    before = [kind.objects.count() for kind in kinds]
    client = api(alice)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.post(URL, orjson.dumps(line(ask="model")), content_type="application/json")
    assert [kind.objects.count() for kind in kinds] == before
    assert {query["sql"].split()[0] for query in queries.captured_queries} <= {"SELECT"}


def test_a_model_is_looked_up_once_however_often_it_is_asked(api, alice, built_in):
    few, many = ({f"n{at}": "model" for at in range(count)} for count in (1, 40))
    counts = []
    for document in (line(**few), line(**many)):
        with CaptureQueriesContext(connection) as queries:
            posted(api, alice, orjson.dumps(document))
        counts.append(len(queries))
    assert counts[1] <= counts[0]


@pytest.mark.parametrize(
    ("node", "setting"), [("approval", "form"), ("model", "output_schema")], ids=["form", "answer"]
)
def test_a_schema_that_takes_long_to_look_at_is_refused(api, alice, built_in, node, setting):
    """A pump reads it, too, and does nothing else meanwhile."""
    for parts, told in ((900, []), (1_100, [f"nodes[1].config.{setting}"])):
        config = {"question": "?", setting: {"allOf": [{}] * parts}}
        if node == "model":
            del config["question"]
        issues = posted(api, alice, orjson.dumps(line(ask=(node, config)))).json()["issues"]
        assert [one["path"] for one in issues if "parts" in one["message"]] == told


def test_a_model_switched_off_is_as_unknown_as_one_that_never_was(api, alice):
    off = ProfileFactory(enabled=False)
    document = line(ask=("model", {"model": off.name}))
    [issue] = posted(api, alice, orjson.dumps(document)).json()["issues"]
    assert issue["code"] == "unknown_model"


def test_the_schema_of_the_api_describes_it(client, admin):
    client.force_login(admin)
    answer = client.get("/api/schema/", {"format": "json"})
    described = orjson.loads(answer.content)["paths"][URL]["post"]
    assert described["operationId"] == "workflows_validate"
    assert "200" in described["responses"]


def test_saving_and_checking_say_the_same(api, alice):
    document = line(ask=("model", {"model": "gone:model"}))
    told = posted(api, alice, orjson.dumps(document)).json()["issues"]
    with pytest.raises(GraphRefused) as refused:
        create_definition(owner=alice, name="Mine", graph=document)
    assert refused.value.detail["errors"] == told
    assert not WorkflowVersion.objects.exists()


@pytest.mark.parametrize("value", [math.nan, "\x00", "\ud800", 10**30])
def test_what_no_database_holds_is_refused_before_one_is_asked(db, value):
    with pytest.raises(GraphRefused):
        store_version(line(x=("variable", {"name": "v", "value": value})))
