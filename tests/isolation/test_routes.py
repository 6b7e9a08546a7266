"""Every address, with every verb: as who may, as a stranger, as nobody."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from tests.isolation.asking import Asked, Told, client_of, nobodys, nothing_changed
from tests.isolation.conftest import Town
from tests.isolation.document import operation
from tests.isolation.home import Home
from tests.isolation.policies import (
    PARAMETERS,
    POLICIES,
    BackOffice,
    Own,
    Policy,
    Public,
    SignedIn,
    Staff,
)
from tests.isolation.routes import VERBS, Route, routes

EVENT_STREAM = "text/event-stream"


def policy_of(route: Route) -> Policy | None:
    """Its own, or that of the nearest thing it lies beneath."""
    if route.address in POLICIES:
        return POLICIES[route.address]
    above = [
        one
        for one, policy in POLICIES.items()
        if route.address.startswith(one)
        and (isinstance(policy, BackOffice) or (isinstance(policy, Own | Staff) and "<" in one))
    ]
    return POLICIES[max(above, key=len)] if above else None


def cases(*kinds: type[Policy], verbs: Sequence[str] = VERBS, **of: bool) -> Any:
    """Each verb of each route whose policy is one of these; `own`: and says so; of pages; of two
    things."""
    found = [
        pytest.param(route, verb, id=f"{verb.upper()} {route.address}")
        for route in routes()
        if isinstance(policy_of(route), kinds)
        if not of.get("own") or getattr(policy_of(route), "own", False)
        if not of.get("of_two") or len(route.parameters) > 1
        if not of.get("of_pages") or not route.address.startswith("api/")
        for verb in route.verbs
        if verb in verbs
    ]
    return pytest.mark.parametrize(("route", "verb"), found)


def values(route: Route, kind: str, things: dict[str, str]) -> dict[str, str]:
    """What stands in the places of its parameters: first what it is about."""
    found = {}
    for at, name in enumerate(route.parameters):
        if at == 0 and kind:
            assert kind in things, f"Make a {kind!r} in tests/isolation/home.py: it is everybody's."
            found[name] = things[kind]
            continue
        assert name in PARAMETERS, (
            f"{route.address} has a parameter {name!r} that is not known: add a line to PARAMETERS "
            "in tests/isolation/policies.py that says what kind of thing it is, or '=' and a value."
        )
        meant = PARAMETERS[name]
        found[name] = meant[1:] if meant.startswith("=") else things[meant]
    return found


def asked(route: Route, verb: str, things: dict[str, str]) -> Asked:
    """What a page's form sends, or what the OpenAPI document says is taken."""
    policy = policy_of(route)
    url = route.url(values(route, getattr(policy, "kind", ""), things))
    if not route.address.startswith("api/"):
        form = getattr(policy, "form", None) or {}
        sent = {name: value.format_map(things) for name, value in form.items()}
        return Asked(verb, url, sent if verb == "post" else None, form=verb == "post")
    known = operation(route.address, verb)
    return Asked(verb, url, known.example(things) if known else None)


def headers_for(route: Route) -> dict[str, str]:
    return {"Accept": EVENT_STREAM} if route.streams else {}


def everything(town: Town, home: Home) -> dict[str, str]:
    return {**town.common, **home.things}


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.address)
def test_every_route_has_a_policy(route):
    assert policy_of(route) is not None, (
        f"Nobody said who may do what at {route.address!r}: add a line for it to POLICIES in "
        "tests/isolation/policies.py, and what it is about to tests/isolation/home.py."
    )


def test_no_policy_is_for_what_is_not_there():
    there = {route.address for route in routes()}
    beneath = {one for one in POLICIES if isinstance(POLICIES[one], BackOffice)}
    assert set(POLICIES) - there - beneath == set()


@pytest.mark.parametrize(
    "route", [one for one in routes() if one.address.startswith("api/v1/")], ids=lambda r: r.address
)
def test_every_verb_of_the_api_is_documented(route):
    """For what is not in the document is not tried with foreign ids in its body."""
    unknown = [verb for verb in route.verbs if not operation(route.address, verb)]
    assert unknown == [], "Document it with extend_schema, and name its parameters in PARAMETERS."


# --- one's own things


@cases(Own)
def test_its_owner_reaches_it(route, verb, town):
    told = asked(route, verb, town.alice.things).by(
        client_of(town.alice.owner), **headers_for(route)
    )
    if told.status == 405:
        assert not route.address.startswith("api/")
        return
    assert told.status < 500
    assert told.status not in (401, 403, 404), told.text
    assert told.status != 400, f"{told.text}: add an example to EXAMPLES, or a form to its policy."


@cases(Own)
def test_a_stranger_is_told_what_is_told_of_an_id_that_nobody_made(route, verb, town):
    stranger = client_of(town.charlie.owner)
    alices, random = town.alice.things, nobodys(town.alice.things)
    with nothing_changed():
        foreign, unknown = (
            asked(route, verb, things).by(stranger, **headers_for(route))
            for things in (alices, random)
        )
    assert foreign.without(alices) == unknown.without(random)
    assert foreign.status in ((404,) if route.address.startswith("api/") else (404, 405))
    assert town.alice.mark not in foreign.text
    if route.address.startswith("api/"):
        assert foreign.kind == "application/problem+json"


@cases(Own)
def test_a_stranger_who_sends_nonsense_learns_as_little(route, verb, town):
    stranger = client_of(town.charlie.owner)
    alices, random = town.alice.things, nobodys(town.alice.things)
    with nothing_changed():
        foreign, unknown = (
            Asked(verb, asked(route, verb, things).url, {"nonsense": "1"}).by(stranger)
            for things in (alices, random)
        )
    assert foreign.without(alices) == unknown.without(random)
    assert 400 <= foreign.status < 500


@cases(Own, of_two=True)
def test_what_is_anothers_is_not_found_beneath_what_is_ones_own(route, verb, town):
    """An address of two things: one's own, and in it a foreign one."""
    inner = [name for name in route.parameters[1:] if PARAMETERS[name] in town.alice.things]
    charlies, random = town.charlie.things, nobodys(town.alice.things)
    client, right = client_of(town.charlie.owner), asked(route, verb, town.charlie.things)
    for kind in (PARAMETERS[name] for name in inner):
        with nothing_changed():
            foreign, unknown = (
                asked(route, verb, {**charlies, kind: things[kind]}).by(client)
                for things in (town.alice.things, random)
            )
        assert foreign.without(town.alice.things) == unknown.without(random)
        assert foreign.status == 404
        own = right.by(client).status
        assert own < 400 or own == 409  # it is there, though perhaps not at that stage


# --- nobody


@cases(Own, SignedIn, Staff)
@pytest.mark.parametrize("body", ["right", "nonsense"])
def test_nobody_is_asked_to_sign_in(route, verb, body, town):
    right = asked(route, verb, everything(town, town.alice))
    request = right if body == "right" else Asked(verb, right.url, {"nonsense": "1"})
    told = request.by(client_of(None), **headers_for(route))
    assert told.wants_a_login or _is_no_verb(route, told), told.text


@cases(Own, SignedIn, Staff)
@pytest.mark.parametrize("by", ["session", "token"])
def test_who_was_switched_off_is_nobody(route, verb, by, town):
    alice = town.alice.owner
    client = client_of(alice, town.alice.token if by == "token" else "")
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    told = asked(route, verb, everything(town, town.alice)).by(client, **headers_for(route))
    assert told.wants_a_login or _is_no_verb(route, told), told.text


def _is_no_verb(route: Route, told: Told) -> bool:
    return told.status == 405 and not route.address.startswith("api/")


# --- lists, and what is the same for all


@cases(SignedIn, Staff, verbs=["get"])
def test_nothing_of_a_strangers_is_in_any_list(route, verb, town):
    things = everything(town, town.charlie)
    told = asked(route, verb, things).by(client_of(town.charlie.owner))
    assert town.alice.mark not in told.text
    assert not [kind for kind, one in town.alice.things.items() if one in told.text]


@cases(SignedIn, verbs=["get"], own=True)
def test_what_is_ones_own_is_there(route, verb, town):
    told = asked(route, verb, town.alice.things).by(client_of(town.alice.owner))
    assert told.status == 200
    if told.response.streaming:
        return
    things = {*town.alice.things.values(), town.alice.mark, town.alice.owner.username}
    assert [one for one in things if one in told.text]


@cases(SignedIn, Own, verbs=["post"], of_pages=True)
def test_a_foreign_id_in_a_pages_form_is_one_that_nobody_made(route, verb, town):
    """Of a page of one's own. Bodies and queries of the API: `test_ids.py`."""
    client = client_of(town.charlie.owner)
    alices, random = town.alice.things, nobodys(town.alice.things)
    own = asked(route, verb, town.charlie.things).by(client)
    if own.status == 405:
        return
    assert policy_of(route).form is not None, (
        f"{route.address} takes a form: say in POLICIES what it sends, with the ids as '{{kind}}'."
    )
    assert own.status in (200, 302, 409), own.text
    if "{" not in "".join(policy_of(route).form.values()):
        return
    at = asked(route, verb, town.charlie.things).url
    with nothing_changed():
        foreign, unknown = (
            replace(asked(route, verb, things), url=at).by(client) for things in (alices, random)
        )
    assert foreign.without(alices) == unknown.without(random)
    assert foreign.status in (400, 404)


def test_what_is_sent_to_no_address_of_the_api_is_answered_by_the_api():
    """Not with the page of a form that has expired."""
    told = Client(enforce_csrf_checks=True).post("/api/v1/nowhere/", {"x": "1"})
    assert (told.status_code, told.json()["code"]) == (404, "not_found")


# --- staff, and anybody


@cases(Staff)
def test_what_is_for_staff_is_for_staff(route, verb, town):
    request, charlie = asked(route, verb, town.common), client_of(town.charlie.owner)
    with nothing_changed():
        told = request.by(charlie, **headers_for(route))
    if told.status == 405:
        assert not route.address.startswith("api/")
        return
    assert told.status == policy_of(route).told, told.text
    by_staff = request.by(client_of(town.ada), **headers_for(route))
    assert by_staff.status not in (401, 403, 405), by_staff.text


@cases(Public)
def test_what_is_for_anybody_is_for_anybody(route, verb, town):
    told = Asked(verb, route.url(dict.fromkeys(route.parameters, "nothing"))).by(client_of(None))
    assert told.status < 500 or route.address in ("healthz", "readyz")  # nothing runs here
    assert town.alice.mark not in told.text
