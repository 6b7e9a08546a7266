"""The OpenAPI document says what is so, for what is tried here is read from it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from tests.isolation.document import document, operations


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
