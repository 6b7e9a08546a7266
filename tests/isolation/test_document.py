"""The OpenAPI document says what is so, for what is tried here is read from it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from core.listing import ShapeList
from tests.factories.accounts import UserFactory
from tests.isolation.asking import client_of
from tests.isolation.document import Operation, document, operation, operations
from tests.isolation.policies import Staff
from tests.isolation.routes import route_at
from tests.isolation.test_routes import asked, everything, policy_of

WHOLE = {"/api/v1/tools/", "/api/v1/node-types/", "/api/v1/dashboard/events/"}  # lists of one page


def _all_below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from _all_below(one)


def _asked_of(one: Operation) -> set[str]:
    return {how["name"] for how in one.parameters("query")}


def test_no_two_bodies_of_the_api_have_one_name():
    """The document knows them by it: of two, one would be told in the place of the other."""
    document()  # so that all are loaded
    shapes: set[Any] = {one for one in _all_below(BaseModel) if ".api." in one.__module__}
    names = Counter(one.__name__ for one in shapes)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(operations()) > 100


def test_every_list_says_how_it_goes_on():
    lists = [
        one
        for one in operations()
        if one.verb == "get" and issubclass(route_at(one.path).callback.cls, ShapeList)
    ]
    assert len(lists) > 10
    for one in lists:
        assert {"cursor", "page_size"} <= _asked_of(one), one


@pytest.mark.parametrize(
    "one",
    [one for one in operations() if one.verb == "get" and (_asked_of(one) or one.path in WHOLE)],
    ids=lambda one: one.path,
)
def test_every_list_and_report_refuses_what_the_document_does_not_have(one, town):
    route = route_at(one.path)
    client = client_of(town.ada if isinstance(policy_of(route), Staff) else town.alice.owner)
    url = asked(route, "get", everything(town, town.alice)).url
    told = client.get(url, {"nonsense": "1"}).json()
    assert (told["code"], told["detail"]["unknown"]) == ("unknown_filter", "nonsense")
    assert set(told["detail"]["known"].split(", ")) == (_asked_of(one) or {"none"})


def test_a_change_has_no_defaults_for_what_it_leaves_as_it_is():
    changes = {
        name: schema["properties"]
        for name, schema in document()["components"]["schemas"].items()
        if name.startswith("Patched")
    }
    assert len(changes) > 5
    assert not [
        (name, field)
        for name, fields in changes.items()
        for field in fields
        if "default" in fields[field]
    ]


def test_what_may_be_null_has_it_among_its_types():
    """`nullable` is of OpenAPI 3.0: by ours, a last page without a `next` would fit no document."""
    assert document()["openapi"].startswith("3.1")
    assert "'nullable'" not in repr(document())


def test_a_user_without_an_address_is_told_as_the_document_says(api, db):
    told = api(UserFactory(email="")).get("/api/v1/auth/me/").json()
    schema = {**operation("api/v1/auth/me/", "get").response, **document()}
    formats = Draft202012Validator.FORMAT_CHECKER
    Draft202012Validator(schema, format_checker=formats).validate(told)
    assert told["email"] == ""
