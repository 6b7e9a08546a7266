"""Debug mode tells what reached and what left each node, without secrets and not at length."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import events_of, leases_run_out, live_and_die, take_up
from tests.workflows.reruns.conftest import ONCE
from workflows.tracking.showing import MOST_BYTES, debug_view
from workflows.validation.secrets import masked, secret_in

KEY = "sk-proj-" + "a1B2c3D4e5" * 4
GRAPH = graph(
    {"id": "v", "type": "variable", "config": {"name": "seen", "value": "{{ text }}"}},
    {"id": "p", "type": "prompt", "config": {"template": "{{ text }} and more"}},
)


def told(execution):
    return [
        (event["type"].removeprefix("node."), event["data"]["node"], event["data"]["data"])
        for event in events_of(execution)
        if event["type"] in ("node.input", "node.output")
    ]


def test_what_reached_and_left_a_node_is_in_the_log(ran, built_in, client):
    execution = ran(GRAPH, "hello", debug=True)
    shown_by_node = {(way, node): data for way, node, data in told(execution)}
    assert shown_by_node["input", "p"] == {"text": "hello", "variables": {"seen": "hello"}}
    assert shown_by_node["output", "p"]["text"] == "hello and more"
    assert shown_by_node["output", "v"]["variables"] == {"seen": "hello"}
    assert client.get(f"/api/v1/executions/{execution.pk}/").json()["debug"] is True
    assert " · debug" in client.get(f"/executions/{execution.pk}/").content.decode()


def test_without_it_nothing_of_that_is_in_the_log(ran, built_in):
    assert told(ran(GRAPH, "hello")) == []


@pytest.mark.parametrize(
    "door", ["/api/v1/chat/", "/api/v1/templates/universal_chat/execute/", ONCE]
)
def test_every_door_takes_it(posted, built_in, door):
    said = {"message": "hello"}
    body = said if "chat/" in door and "templates" not in door else {"input": said}
    if door == ONCE:
        body = {**body, "graph": GRAPH}
    execution = posted(door, {**body, "debug": True})
    take_up()
    assert told(execution)


def test_a_rerun_is_told_as_its_source_was_or_as_asked(ran, again, built_in):
    source = ran(GRAPH, "hello", debug=True)
    assert told(again(source, "replay")) == told(source)
    assert told(again(source, "replay", debug=False)) == []


def test_secrets_and_lengths_stay_out_of_the_log(ran, built_in):
    execution = ran(GRAPH, f"my key is {KEY}, and {'long ' * 5_000}", debug=True)
    log = orjson.dumps(told(execution)).decode()
    assert KEY[:20] not in log
    assert "an API key of a model provider" in log
    for event in events_of(execution):
        if event["type"] in ("node.input", "node.output"):
            assert len(orjson.dumps(event["data"])) <= MOST_BYTES + 300


def test_a_run_that_is_taken_up_again_tells_it_once(posted, wire, built_in):
    body = {"graph": graph(asks(model=GPT)), "input": {"message": "hello"}, "debug": True}
    execution = posted(ONCE, body)
    live_and_die(after_commits=1)
    leases_run_out()
    take_up()
    places = [(way, node) for way, node, _ in told(execution)]
    assert len(places) == len(set(places)) == 6


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        "ghp_" + "a1B2" * 9,
        "postgres://me:hunter2secret@db/x",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----",
        "Basic YWxpY2U6aHVudGVyMg==",
        "Bearer abcdefgh1234567890xyz",
    ],
)
def test_a_secret_is_masked_wherever_it_stands(secret):
    text = f'before "{secret}" after'
    assert secret_in(text)
    kept = masked(text)
    assert kept.startswith('before "')
    assert kept.endswith('" after')
    assert not secret_in(kept)
    assert not any(piece in kept for piece in secret.split() if len(piece) > 10)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["text", "values", "variables"]), JSON))
def test_whatever_it_is_it_fits_into_an_event(parts):
    try:
        orjson.dumps(parts)
    except TypeError:  # a number that no JSON of ours holds
        return
    kept = debug_view(parts)
    assert kept.keys() == parts.keys()
    assert len(orjson.dumps(kept)) <= MOST_BYTES
