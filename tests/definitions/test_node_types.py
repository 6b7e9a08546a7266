"""The catalogue says of every node type what its class says."""

import dis

import jsonschema
import pytest

from tests.definitions.graphs import graph
from workflows.registry import NODE_TYPES


def test_every_type_is_in_the_catalogue(client):
    shown = client.get("/api/v1/node-types/").json()["results"]
    assert [one["key"] for one in shown] == NODE_TYPES.keys()
    for one in shown:
        assert one["label"] and one["docs"]
        jsonschema.Draft202012Validator.check_schema(one["config"])
        kind = NODE_TYPES.get(one["key"])
        assert set(one["defaults"]) <= set(kind.config.model_fields)
        assert ("error" in one["ports"]) == kind.can_fail


def test_the_defaults_of_a_type_are_settings_it_takes(client):
    for one in client.get("/api/v1/node-types/").json()["results"]:
        schema = one["config"]
        missing = set(schema.get("required", ()))
        jsonschema.validate(one["defaults"], {**schema, "required": []})
        assert not missing & set(one["defaults"])


def test_where_settings_decide_on_ports_it_is_told_how(client):
    shown = {one["key"]: one for one in client.get("/api/v1/node-types/").json()["results"]}
    assert shown["conditional"]["ports_from"] == [
        {"setting": "branches", "each": "branches[].port", "ports": ["else"]},
        {"setting": "", "each": "", "ports": ["true", "false"]},
    ]
    assert shown["model"]["ports_from"] == [
        {"setting": "tools", "each": "", "ports": ["out", "tool_calls"]},
        {"setting": "", "each": "", "ports": ["out"]},
    ]
    others = [one for key, one in shown.items() if key not in ("conditional", "model")]
    assert [one["key"] for one in others if one["ports_from"]] == []


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("conditional", {"condition": "true"}),
        ("conditional", {"branches": [{"port": p, "condition": "true"} for p in ("a", "b")]}),
        ("model", {}),
        ("model", {"tools": ["calculator"]}),
        ("model", {"tools": []}),
        ("approval", {"question": "Well?", "form": {"type": "object"}}),
        ("loop", {}),
        ("end", {}),
    ],
)
def test_the_ports_that_a_caller_works_out_are_the_ports_there_are(client, kind, config):
    """An edge from another port is refused with a hint that lists those there are."""
    shown = client.get(f"/api/v1/node-types/{kind}/").json()
    document = graph({"id": "n", "type": kind, "config": config}, edges=["start>n", "n.none>end"])
    issues = client.post("/api/v1/workflows/validate/", document, format="json").json()["issues"]
    [hint] = [one["hint"] for one in issues if one["code"] == "unknown_port"]
    ports = _worked_out(shown, config)
    assert hint == (f"Its ports are {', '.join(ports)}." if ports else "It has none.")


def _worked_out(shown, config):
    for choice in shown["ports_from"]:
        if not choice["setting"] or config.get(choice["setting"]):
            items, _, name = choice["each"].partition("[].")
            named = [item[name] for item in config[items]] if items else []
            return [*named, *choice["ports"], *(["error"] if shown["can_fail"] else [])]
    return shown["ports"]


def test_a_type_is_found_by_an_alias(client):
    model = client.get("/api/v1/node-types/llm/").json()
    assert model["key"] == "model"
    assert "call_model" in model["aliases"]
    assert "temperature" in model["config"]["properties"]


def test_an_unknown_type_is_told(client):
    answer = client.get("/api/v1/node-types/teleport/")
    assert (answer.status_code, answer.json()["code"]) == (404, "node_type_not_found")


def test_only_a_type_that_waits_for_nothing_goes_without_a_timer():
    for kind in NODE_TYPES.all():
        waits = "GET_AWAITABLE" in {one.opname for one in dis.get_instructions(kind.run)}
        assert kind.at_once is not waits, kind.key
