"""A NUL in a text that somebody sends: PostgreSQL keeps none, so it is left out or refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.isolation.asking import client_of
from tests.isolation.document import Operation, resolved
from tests.isolation.policies import ALONG, EXAMPLES, Staff
from tests.isolation.routes import route_at
from tests.isolation.test_ids import Path, put, taken
from tests.isolation.test_routes import asked, everything, policy_of

ANY_OBJECT = {"model": "demo:x\0", "a\0": ["\0", {"b": "\0"}]}


def with_a_nul(name: str, schema: Mapping[str, Any]) -> Any:
    """A value for a field that may be any text or any object; None for others."""
    for one in (resolved(kind) for kind in (schema, *resolved(schema).get("anyOf", ()))):
        if one.get("type") == "string" and not {"enum", "const", "format"} & set(one):
            known = EXAMPLES.get(name)
            return f"{known if isinstance(known, str) else 'demo:x'}\0"
        if one.get("type") == "array":
            inner = with_a_nul(name, one["items"])
            return None if inner is None else [inner]
        if one.get("type") == "object" and "properties" not in one:
            of_texts = one.get("additionalProperties") == {"type": "string"}
            return {"a\0": "b\0"} if of_texts else ANY_OBJECT
    return None


def of_a_definition(one: Operation, path: Path, things: Mapping[str, str]) -> dict[str, str | None]:
    """What makes a body be about one's own definition, where it may be and the field is not."""
    if "definition" not in one.request["properties"] or path[0] in ("definition", "template"):
        return {}
    said = ALONG.get((one.path, "definition"), {})
    along = {name: value and value.format_map(things) for name, value in said.items()}
    return {"definition": things["definition"], **along}


TEXTS = [
    pytest.param(one, path, value, id=f"{one} {'.'.join(path)}")
    for one, place, path, schema in taken()
    if place == "body" and (value := with_a_nul(path[-1], schema)) is not None
]


@pytest.mark.parametrize(("one", "path", "value"), TEXTS)
def test_a_nul_in_a_body_is_no_fault_of_the_server(one, path, value, town):
    things = everything(town, town.charlie)
    of_staff = isinstance(policy_of(route_at(one.path)), Staff)
    client = client_of(town.ada if of_staff else town.charlie.owner)
    request = asked(route_at(one.path), one.verb, things)
    whole = {name: EXAMPLES[name] for name in path[:-1] if name in EXAMPLES}
    bodies = [{**request.body, **whole}]
    if along := of_a_definition(one, path, things):
        bodies.append(bodies[0] | along)
    for body in bodies:
        told = replace(request, body=put(body, path, value)).by(client)
        assert told.status < 500, told.text
