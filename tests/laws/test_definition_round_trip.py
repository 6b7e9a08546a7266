"""A definition survives JSON; checking one never raises; what is found sound can be compiled."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.graphs import graphs
from workflows.definition.graph import GraphDefinition
from workflows.engine.compiler import Compiler
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
ids = st.sampled_from(["start", "a", "b", "end", "", "a b", "A" * 65, "__start__", "nodes"])
types = st.sampled_from([*(kind.key for kind in map(NODE_TYPES.get, ("start", "end"))), "llm"])
nearly_nodes = st.fixed_dictionaries(
    {
        "id": ids,
        "type": types | st.sampled_from(["model", "memory", "conditional", "variable", "delay"]),
    },
    optional={
        "config": st.dictionaries(
            st.sampled_from(["condition", "name", "operation", "value", "expression", "seconds"])
            | st.text(max_size=6),
            anything | st.sampled_from(["{{params.x}}", "{{nodes.a.text}}", "{{", "1 +", "true"]),
            max_size=3,
        ),
        "label": st.text(max_size=5),
        "position": st.fixed_dictionaries({"x": st.floats(), "y": st.integers()}),
    },
)
nearly_edges = st.fixed_dictionaries(
    {"source": ids, "target": ids},
    optional={"source_port": st.sampled_from(["out", "true", "false", "error", ""])},
)
nearly_graphs = st.fixed_dictionaries(
    {"nodes": st.lists(nearly_nodes, max_size=6), "edges": st.lists(nearly_edges, max_size=8)}
)


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_a_definition_survives_json(graph: dict[str, Any]) -> None:
    definition = GraphDefinition.model_validate(graph)
    again = GraphDefinition.model_validate(json.loads(json.dumps(definition.to_json())))
    assert again == definition
    assert again.content_hash == definition.content_hash
    assert again.canonical == definition.canonical
    assert GraphDefinition.model_validate_json(definition.canonical).canonical == again.canonical


@given(anything | nearly_graphs)
@settings(max_examples=150, deadline=None)
def test_checking_never_raises_and_what_is_sound_compiles(graph: Any) -> None:
    _checked(graph)


@given(graphs(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_graph_with_one_thing_changed_is_sound_or_told_to_be_wrong(
    graph: dict[str, Any], data: st.DataObject
) -> None:
    part = data.draw(st.sampled_from(["nodes", "edges"]))
    at = data.draw(st.integers(0, len(graph[part]) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "swap", "replace"]))
    if change == "drop":
        del graph[part][at]
    elif change == "double":
        graph[part].append(graph[part][at])
    elif change == "swap":
        graph[part].reverse()
    else:
        graph[part][at] = data.draw(nearly_nodes if part == "nodes" else nearly_edges)
    _checked(graph)


def _checked(graph: Any) -> None:
    issues = validate(graph)
    for issue in issues:
        assert issue.code
        assert issue.message
        assert issue.severity in ("error", "warning")
        json.dumps(issue.to_json())
    if not errors_in(issues):
        definition = GraphDefinition.model_validate(graph)
        if "{{params." not in json.dumps(graph):  # those are bound before
            Compiler(NODE_TYPES).runnable(definition)
