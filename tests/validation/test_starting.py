"""What a stored graph is given when it starts is checked too, and what is known is not redone."""

from typing import Any

import pytest

from core.models import new_id
from llms.errors import UnknownModel
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.validation.drawing import drawn, line
from workflows.definition.graph import GraphDefinition
from workflows.engine.request import ExecutionRequest
from workflows.services.definitions import GraphRefused, create_definition
from workflows.services.planning import plan_execution
from workflows.validation import validate_start
from workflows.validation import validator as validators


def starting(user: Any, **fields: Any) -> ExecutionRequest:
    message = {"message": "hello"}
    return ExecutionRequest(id=new_id(), user_id=user.id, request_id="r", input=message, **fields)


def test_a_parameter_that_a_node_cannot_take_is_refused_before_the_run(alice, built_in):
    request = starting(alice, template="universal_chat", parameters={"memory_window": -5})
    with pytest.raises(GraphRefused) as refused:
        plan_execution(alice, request)
    [issue] = refused.value.detail["errors"]
    assert (issue["code"], issue["path"]) == ("greater_than_equal", "nodes[1].config.window")


def test_a_secret_may_be_given_as_a_parameter(alice, built_in):
    secret = "sk-proj-" + "a1B2c3D4e5" * 4
    request = starting(alice, template="universal_chat", parameters={"system": secret})
    assert plan_execution(alice, request).execution.parameters["system"] == secret


def test_a_graph_sent_once_is_checked_as_one_that_is_saved(alice, built_in):
    with pytest.raises(GraphRefused) as refused:
        plan_execution(alice, starting(alice, graph=drawn({"end": "end"})))
    assert [issue["code"] for issue in refused.value.detail["errors"]] == ["one_start"]


def test_a_model_that_was_switched_off_since_is_refused(alice, built_in):
    definition = create_definition(owner=alice, name="Mine", graph=line(ask="model"))
    plan_execution(alice, starting(alice, definition=definition.id))
    ModelProfile.objects.update(enabled=False)
    forget_profiles()
    with pytest.raises(UnknownModel):
        plan_execution(alice, starting(alice, definition=definition.id))


def test_the_same_graph_is_looked_at_once_however_often_it_starts(alice, built_in, monkeypatch):
    looked: list[GraphDefinition] = []

    def reading(graph: GraphDefinition, node_types: Any) -> Any:
        looked.append(graph)
        return original(graph, node_types)

    original = validators.read_nodes
    monkeypatch.setattr(validators, "read_nodes", reading)
    graph = GraphDefinition.model_validate(line(only_here="model"))
    for _ in range(3):
        assert validate_start(graph, alice) == []
    assert len(looked) == 1
