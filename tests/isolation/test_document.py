"""The OpenAPI document says what is so, for what is tried here is read from it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from core.listing import ShapeList
from tests.isolation.document import document, operations
from tests.isolation.routes import route_at


def _all_below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in kind.__subclasses__():
        yield one
        yield from _all_below(one)


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
        assert {"cursor", "page_size"} <= {how["name"] for how in one.parameters("query")}, one


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
