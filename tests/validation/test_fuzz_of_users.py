"""No graph makes validation raise, whatever a user may name; what it accepts is planned or refused.

Few examples by default; ten thousand with `pytest --hypothesis-profile=nightly`.
"""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_examples
from hypothesis import strategies as st

from accounts.models import Secret, User
from core.errors import ChatterError
from core.models import new_id
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import UserFactory
from tests.factories.llms import ProfileFactory
from tests.validation.test_fuzz import anything, edges, ids, nodes
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowExecution
from workflows.registry import NODE_TYPES
from workflows.services.definitions import create_definition
from workflows.services.planning import plan_execution
from workflows.validation import errors_in, validate

PARAMS = {"x": 3, "text": "hello", "model": "of-all", "tools": ["calculator"], "id": "says"}
_TOOLS = ("calculator", "clock", "http_request", "gone", "{{params.tools}}", "{{params.x}}", "")
_NAMES = {
    "model": st.sampled_from(["", "of-all", "of-text", "gone", "{{params.model}}", "{{params.x}}"]),
    "tools": st.lists(st.sampled_from(_TOOLS), max_size=3) | st.sampled_from(_TOOLS),
    "definition": st.sampled_from(["says", "asks", "runs", "theirs", "gone", "{{params.id}}", ""]),
    "version": st.sampled_from([None, 1, 2, "{{params.x}}"]),
    "approvers": st.lists(st.sampled_from(["alice", "group:none", "nobody", ""]), max_size=2),
    "question": st.just("{{ text }}"),
    "url": st.sampled_from(["https://example.com/{{ text }}", "https://example.org", "{{ text }}"]),
}
_NAMES["fallbacks"] = st.lists(_NAMES["model"], max_size=2)
_SECRETS = st.dictionaries(st.just("x-key"), st.sampled_from(["{secret:key}", "{secret:gone}"]))
_NAMES |= dict.fromkeys(("secret_headers", "secret_query", "secret_fields"), _SECRETS)
_NAMING = [kind for kind in NODE_TYPES.all() if _NAMES.keys() & kind.config.model_fields.keys()]


@st.composite
def naming(draw: st.DrawFn) -> dict[str, Any]:
    """A node with names in its settings, and with some more that may be nonsense."""
    kind = draw(st.sampled_from(_NAMING) | st.sampled_from(list(NODE_TYPES.all())))
    config = {
        name: draw(_NAMES[name])
        for name, field in kind.config.model_fields.items()
        if name in _NAMES and (field.is_required() or draw(st.booleans()))
    }
    if draw(st.integers(0, 3)) == 0:
        names = st.sampled_from([*kind.config.model_fields, "x"])
        config |= draw(st.dictionaries(names, anything, max_size=2))
    if "parameters" in kind.config.model_fields:
        names = st.sampled_from(["model", "tools", "more"])
        values = _NAMES["model"] | _NAMES["tools"] | st.sampled_from(["{{ text }}", "{{"])
        config.setdefault("parameters", draw(st.dictionaries(names, values, max_size=2)))
    return {"id": draw(ids), "type": kind.key, "config": config}


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """Such nodes in a row, so that most that is wrong is in the nodes; or anyhow."""
    row = [{**draw(naming()), "id": f"n{at}"} for at in range(draw(st.integers(1, 4)))]
    document: dict[str, Any] = json.loads(json.dumps(graph(*row)))
    if draw(st.integers(0, 3)) == 0:
        document["nodes"] += draw(st.lists(nodes | naming(), max_size=2))
        document["edges"] += draw(st.lists(edges, max_size=2))
    return document


@pytest.fixture
def known(alice: User, built_in: None) -> dict[str, str]:
    """What is called like this in the graphs here, by its name for Chatter."""
    of_all, of_text = ProfileFactory(), ProfileFactory(capabilities=["text"], context_window=100)
    forget_profiles()
    Secret.objects.create(owner=alice, name="key", value="of-alice", hosts=["example.com"])
    says = create_definition(owner=alice, name="says", graph=graph())
    model = asks(model="{{params.model}}", tools="{{params.tools}}")
    runs = {"id": "sub", "type": "subworkflow", "config": {"definition": str(says.pk)}}
    return {
        "says": str(says.pk),
        "asks": str(create_definition(owner=alice, name="asks", graph=graph(model)).pk),
        "runs": str(create_definition(owner=alice, name="runs", graph=graph(runs)).pk),
        "theirs": str(create_definition(owner=UserFactory(), name="theirs", graph=graph()).pk),
        "gone": str(uuid4()),
        "of-all": of_all.name,
        "of-text": of_text.name,
    }


@given(document=lines())
@settings_of_examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_user_names_is_told_of_and_what_is_sound_can_be_planned(
    alice: User, known: dict[str, str], document: dict[str, Any]
) -> None:
    graph_, parameters = _with(known, document), _with(known, PARAMS)
    issues = validate(graph_, alice)
    assert validate(graph_, alice) == issues
    json.dumps([issue.to_json() for issue in issues], ensure_ascii=False).encode()
    request = ExecutionRequest(
        id=new_id(),
        user_id=alice.pk,
        request_id="fuzz",
        input={"message": "hello"},
        graph=graph_,
        parameters=parameters,
    )
    try:
        plan = plan_execution(alice, request, stores=False)
    except ChatterError as refused:
        assert refused.code
    else:
        assert errors_in(issues) == []
        assert plan.execution.used is not None
    assert not WorkflowExecution.objects.exists()


def _with(known: dict[str, str], value: Any) -> Any:
    """The value with the names in it as Chatter knows them."""
    if isinstance(value, dict):
        return {key: _with(known, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with(known, item) for item in value]
    return known.get(value, value) if isinstance(value, str) else value
