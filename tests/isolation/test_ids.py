"""An id in a body or a query: who may not see what it is of is told as if nothing had it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.definitions.graphs import graph
from tests.isolation.asking import Asked, Told, client_of, nobodys, nothing_changed
from tests.isolation.document import Operation, operations, variants
from tests.isolation.home import Home
from tests.isolation.policies import ALONG, EXAMPLES, IDS, IDS_AT, NO_IDS, Public, Staff
from tests.isolation.routes import route_at
from tests.isolation.test_routes import asked, policy_of
from workflows.registry import NODE_TYPES

Path = tuple[str, ...]  # the names that lead to a field


def kinds_at(one: Operation, name: str) -> str | None:
    """What a field there is the id of; None: nobody has said."""
    return IDS_AT.get((one.path, name), IDS.get(name))


def is_an_id(one: Operation, name: str, schema: Mapping[str, Any]) -> bool:
    if kinds_at(one, name) is not None or name.endswith("_id"):
        return True
    return any(kind.get("format") == "uuid" for kind in variants(schema))


def fields(schema: Mapping[str, Any], above: tuple[Any, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """Every field of it, and of what is in it."""
    for one in variants(schema):
        if one not in above:
            for name, inner in one.get("properties", {}).items():
                yield (name,), inner
                for path, what in fields(inner, (*above, one)):
                    yield (name, *path), what


def taken() -> Iterator[tuple[Operation, str, Path, Any]]:
    """Each field that an operation takes, in its body or in its query."""
    for one in operations():
        for path, schema in fields(one.request or {}):
            yield one, "body", path, schema
        for parameter in one.parameters("query"):
            yield one, "query", (parameter["name"],), parameter["schema"]


FOUND = [case for case in taken() if is_an_id(case[0], case[2][-1], case[3])]


def naming(one: Operation, path: Path, kind: str, home: Home, things: Any) -> Asked:
    """What `home` asks who names this of `things` there, at an address of their own."""
    request = asked(route_at(one.path), one.verb, home.things)
    said = ALONG.get((one.path, path[-1] if len(path) == 1 else path[0]), {})
    along = {
        name: value if value is None else value.format_map(home.things)
        for name, value in said.items()
    }
    whole = {name: EXAMPLES[name] for name in path[:-1] if name in EXAMPLES}
    return replace(
        request, body=put({**(request.body or {}), **whole, **along}, path, things[kind])
    )


def put(into: Any, path: Path, value: Any) -> Any:
    """Set a field where the path leads: of a list, in its last item."""
    if isinstance(into, list):
        return [*into[:-1], put(into[-1], path, value)]
    if not path:
        return value
    known = into or {}
    return {**known, path[0]: put(known.get(path[0]), path[1:], value)}


def meant() -> Iterator[Any]:
    """Each with every way to name a thing of its kind, but for what is for staff or for anybody."""
    for one, place, path, schema in FOUND:
        if isinstance(policy_of(route_at(one.path)), Staff | Public):
            continue
        for kind in (kinds_at(one, path[-1]) or "").split():
            if "." in kind and schema.get("format") == "uuid":
                continue
            yield pytest.param(one, place, path, kind, id=f"{one} {'.'.join(path)} {kind}")


@pytest.mark.parametrize(
    ("one", "path"), [(one, path) for one, _, path, _ in FOUND], ids=lambda at: str(at)
)
def test_every_id_is_of_a_kind_that_is_known(one, path):
    assert kinds_at(one, path[-1]) is not None, (
        f"{one} takes {path[-1]!r}, which looks like an id: say in IDS in "
        "tests/isolation/policies.py what it is the id of, or '' if it is that of no thing."
    )


@pytest.mark.parametrize(("one", "place", "path", "kind"), list(meant()))
def test_a_foreign_id_is_one_that_nobody_made(one, place, path, kind, town):
    charlie, client = town.charlie, client_of(town.charlie.owner)
    alices, random = town.alice.things, nobodys(town.alice.things)
    with nothing_changed():
        foreign, unknown = (
            naming(one, path, kind, charlie, things).by(client) for things in (alices, random)
        )
    assert foreign.without(alices) == unknown.without(random)
    assert town.alice.mark not in foreign.text
    if place == "body":
        assert foreign.status in (400, 404, 409)


@pytest.mark.parametrize(("one", "place", "path", "kind"), list(meant()))
def test_the_id_of_ones_own_thing_is_taken(one, place, path, kind, town):
    charlie = town.charlie
    answer = naming(one, path, kind, charlie, charlie.things).by(client_of(charlie.owner))
    assert answer.status < 300 or answer.status == 409, (
        f"{answer.text}: say in ALONG in tests/isolation/policies.py what else is to be sent."
    )


REFERENCES = [
    (kind.key, name)
    for kind in NODE_TYPES.all()
    for name, schema in kind.config.model_json_schema()["properties"].items()
    if name in IDS or name.endswith("_id") or schema.get("format") == "uuid"
    if (kind.key, name) not in NO_IDS
]


@pytest.mark.parametrize("door", ["workflows/validate/", "definitions/", "workflows/execute/"])
@pytest.mark.parametrize(("node", "name"), REFERENCES)
def test_a_graph_names_foreign_things_in_vain(door, node, name, town):
    def tried(value: str) -> Told:
        drawn = graph({"id": "node", "type": node, "config": {name: value}})
        body = drawn if door.endswith("validate/") else {"graph": drawn, "mode": "background"}
        if door == "definitions/":
            body = {"graph": drawn, "name": "x"}
        return Asked("post", f"/api/v1/{door}", body).by(client)

    client = client_of(town.charlie.owner)
    alices, random = town.alice.things, nobodys(town.alice.things)
    kind = IDS[name].split()[0]
    with nothing_changed():
        foreign, unknown = (tried(things[kind]) for things in (alices, random))
    assert foreign.without(alices) == unknown.without(random)
    own = tried(town.charlie.things[kind])
    assert own.without(town.charlie.things) != foreign.without(alices)
