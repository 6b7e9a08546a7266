"""What the API says to a request that none of its views answers."""

import re
from threading import get_ident
from typing import Annotated
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from drf_spectacular.generators import SchemaGenerator
from pydantic import AfterValidator, BaseModel

from core.api import parsed
from tests.isolation.document import operations

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["DISPATCH", "SCHEMA", "INITIAL", "BREW", "OPTIONS", "GET"])
def test_the_name_of_what_a_view_has_is_no_method(api, alice, method):
    answer = api(alice).generic(method, "/api/v1/chat/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert method in answer.json()["message"]
    assert answer.headers["Allow"] == "POST"


def test_no_cache_keeps_what_it_says(api, alice, client):
    """Nor does a browser for whoever sits down at it next."""
    reader = api(alice)
    rows = "/api/v1/analytics/messages/"
    answers = [
        *(reader.get(path) for path in ("/api/v1/auth/me/", rows, "/api/v1/executions/none/")),
        reader.get("/api/v1/analytics/models/export/?as=csv"),
        client.get("/api/v1/auth/me/"),
        client.post("/hooks/unknown/", b"", content_type="text/plain"),
    ]
    assert [one.status_code for one in answers] == [200, 200, 404, 200, 401, 404]
    assert {one.headers["Cache-Control"] for one in answers} == {"no-store"}


def test_too_many_parameters_of_a_query_are_refused_and_no_fault_of_the_server(api, alice, client):
    """Views of both kinds: those that wait read the query as the rest do."""
    query = "&".join(f"a{at}=1" for at in range(1_001))
    listed = api(alice).get(f"/api/v1/conversations/?{query}")
    delivered = client.post(f"/hooks/unknown/?{query}", b"", content_type="text/plain")
    for answer in (listed, delivered):
        assert (answer.status_code, answer.json()["code"]) == (400, "too_many_parameters")


@pytest.mark.parametrize("path", ["/api/v1/chat", "/hooks/one", "/hooks/", "/api/v2/chat/"])
def test_a_program_at_a_wrong_address_is_told_so_and_sent_nowhere_else(api, alice, path):
    answer = api(alice).post(path, {"message": "Hello"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body", ["[" * 100_000, r'{"\ud800": 1, "username": "a", "password": "b"}']
)
def test_a_body_that_cannot_be_read_is_told_so_before_anybody_signs_in(client, db, body):
    answer = client.post("/api/v1/auth/token/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


@pytest.mark.parametrize(
    ("body", "path", "told"),
    [
        ([], "", "Input should be an object"),
        ({"message": "hi", "parameters": 3}, "parameters", "Input should be an object"),
        ({"message": " "}, "message", "The message is empty."),
        (
            {"message": "hi", "template": "t", "conversation": 3},
            "conversation",
            "written as a text",
        ),
    ],
)
def test_what_is_wrong_with_a_body_is_told_in_words_of_json(api, alice, body, path, told):
    answer = api(alice).post("/api/v1/chat/", body)
    (error,) = answer.json()["detail"]["errors"]
    assert (answer.status_code, error["path"]) == (400, path)
    assert told in error["message"]
    assert "Value error" not in error["message"]


def test_every_address_that_answers_options_tells_its_methods(api, alice):
    client = api(alice)
    for path in {one.path for one in operations()}:
        answer = client.options(re.sub(r"{\w+}", str(uuid4()), path))
        assert answer.status_code < 500, path
        assert answer.status_code != 200 or "OPTIONS" in answer["Allow"], path


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_the_document_of_the_api_is_written_once_for_all_who_ask(client, monkeypatch, kind):
    """It takes seconds, and whoever asks need not sign in."""
    first = client.get("/api/schema/", {"format": kind})
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)
    again = client.get("/api/schema/", {"format": kind, "version": "1\n2"})
    assert (again.status_code, again.content) == (200, first.content)
    assert b"/api/v1/chat/" in first.content


class _Said(BaseModel):
    text: Annotated[str, AfterValidator(lambda _: get_ident())]


@pytest.mark.parametrize(("characters", "beside"), [(100, False), (100_000, True)])
def test_the_loop_goes_on_while_a_large_body_is_read(rf, characters, beside):
    request = rf.post("/", {"text": "x" * characters}, content_type="application/json")

    async def read_by() -> bool:
        return (await parsed(_Said, request)).text != get_ident()

    assert async_to_sync(read_by)() is beside


def test_of_very_many_problems_of_a_body_a_thousand_are_told(api, alice):
    unknown = {f"unknown_{number}": 1 for number in range(3_000)}
    answer = api(alice).post("/api/v1/chat/", {"message": "Hello", **unknown})
    assert answer.status_code == 400
    assert len(answer.json()["detail"]["errors"]) == 1_000


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_a_problem_is_json_where_everything_else_is_not(client, path):
    for answer in (client.post(path), client.get(path, {"format": "nonsense"})):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def test_what_is_asked_for_in_another_form_is_given_in_the_one_there_is(api, alice):
    """Programs made of the OpenAPI document ask for what it has: of a deletion, only problems."""
    client = api(alice)
    made = client.post("/api/v1/conversations/", {"title": "x"}).json()
    talk = f"/api/v1/conversations/{made['id']}/"
    asked = {
        (talk, "text/html"): "application/json",
        ("/api/schema/?format=json", "text/csv"): "application/vnd.oai.openapi+json; charset=utf-8",
        ("/api/v1/analytics/models/export/", "text/csv"): "text/csv; charset=utf-8",
        ("/api/v1/privacy/export/", "application/zip"): "application/zip",
    }
    for (path, wish), given in asked.items():
        answer = client.get(path, headers={"Accept": wish})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, given)
    assert client.delete(talk, headers={"Accept": "application/problem+json"}).status_code == 204
