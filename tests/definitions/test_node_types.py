"""The catalogue says of every node type what its class says."""

import dis

import jsonschema

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
