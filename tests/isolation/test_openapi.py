"""Whatever the document lets one send, the answer is one that it tells of, and never a 500."""

from collections.abc import Mapping
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.services.tokens import create_token
from tests.isolation.asking import client_of, connection_kept
from tests.isolation.document import Operation, document, operations, variants
from tests.isolation.policies import IDS, Staff
from tests.isolation.routes import route_at
from tests.isolation.test_routes import EVENT_STREAM, asked, everything, policy_of, values

OF_STREAMS = [not_a_server_error, status_code_conformance, content_type_conformance]
CHECKS = [*OF_STREAMS, response_schema_conformance]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 2}


@pytest.fixture(scope="module")
def published() -> Any:
    """One application for all: of each new one schemathesis reads the sources anew."""
    schema = schemathesis.openapi.from_dict(document())
    schema.app = WSGIHandler()
    return schema


def _modes(one: Operation) -> Any:
    return (one.request or {}).get("properties", {}).get("mode", {})


def _asks_something(one: Operation) -> bool:
    return bool(one.parameters("query") or one.path_names or one.request)


def _may_be_wrong(one: Operation) -> bool:
    """There is something that the document does not let one send."""
    typed = [p for p in one.parameters("query") if p["schema"].get("type") != "string"]
    return bool(typed or (one.request or {}).get("properties"))


TRIED = [
    pytest.param(one, mode, id=f"{one} {mode.value}")
    for one in operations()
    for mode in EXAMPLES
    if mode is GenerationMode.POSITIVE or _may_be_wrong(one)
]


@pytest.mark.parametrize(("one", "mode"), TRIED)
def test_it_answers_as_documented(one, mode, town, published, settings):
    settings.LIVE_HEARTBEAT_S = settings.LIVE_IDLE_S = 0.01  # a stream says what it has, and ends
    policy, things = policy_of(route_at(one.path)), everything(town, town.alice)
    plain = values(route_at(one.path), getattr(policy, "kind", ""), things)
    named = (parameter["name"] for parameter in one.parameters("query"))
    ids = {name: things[IDS[name].split()[0]] for name in named if IDS.get(name)}
    ada = create_token(user=town.ada, name="", by=town.ada)[1]
    token = ada if isinstance(policy, Staff) else town.alice.token

    @given(
        case=published[one.path][one.verb].as_strategy(generation_mode=mode),
        own=st.sampled_from([True, True, False]),
        watched=st.sampled_from(["background", "stream"]),
    )
    @_bounded(EXAMPLES[mode] if _asks_something(one) else 1)
    def tried(case: Any, own: bool, watched: str) -> None:
        if own:
            case.path_parameters = dict(zip(one.path_names, plain.values(), strict=True))
            case.body = _sensible(one, case.body, things)
            case.query = {**(case.query or {}), **ids}
        case.body = _watched(one, case.body, watched)
        with transaction.atomic(), connection_kept(), catch_warnings():
            simplefilter("ignore")  # of Django, that a stream is read as a whole
            answer = case.call(headers={"Authorization": f"Token {token}"})
            transaction.set_rollback(True)
        streamed = EVENT_STREAM in answer.headers.get("content-type", [""])[0]
        case.validate_response(answer, checks=OF_STREAMS if streamed else CHECKS)

    tried()


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, id=str(one))
        for one in operations()
        if one.request and not one.told["requestBody"].get("required")
        if _modes(one).get("default") != "wait"
    ],
)
def test_a_body_that_may_be_left_out_is_an_empty_object(one, town):
    """Those that are waited for: `tests/definitions/test_execute.py`."""
    route = route_at(one.path)
    policy, things = policy_of(route), everything(town, town.alice)
    client = client_of(town.ada if isinstance(policy, Staff) else town.alice.owner)
    url = asked(route, one.verb, things).url
    told = []
    for body in (None, {}):
        with transaction.atomic(), connection_kept():
            told.append(getattr(client, one.verb)(url, body).status_code)
            transaction.set_rollback(True)
    assert told[0] == told[1] != 415


def _bounded(examples: int) -> Any:
    """The same examples every time, as many as there is time for."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _watched(one: Operation, body: Any, mode: str) -> Any:
    """Not waited for: nobody runs anything here. No body would, where that is what is usual."""
    modes = _modes(one)
    if not any("stream" in kind.get("enum", ()) for kind in variants(modes)):
        return body
    if body is NOT_SET and modes.get("default") == "wait":
        body = {}
    return {**body, "mode": mode} if isinstance(body, dict) else body


def _sensible(one: Operation, body: Any, things: Mapping[str, str]) -> Any:
    """The body, with what is asked for in it, and ids of what is there."""
    if not isinstance(body, dict):
        return body
    ids = {name: things[IDS[name].split()[0]] for name in body if IDS.get(name)}
    return {**body, **ids, **(one.example(things) or {})}
