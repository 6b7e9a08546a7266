"""No JSON makes validation raise, and nothing it accepts makes the compiler raise.

Few examples by default; ten thousand of each with `pytest --hypothesis-profile=nightly`.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.laws.graphs import graphs
from tests.validation.drawing import check
from workflows.definition.binding import bound
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import GraphDefinition
from workflows.engine.compiler import Compiler
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate

_PARAMS = {"x": 3, "text": "hello"}
_TOKENS = (
    *("nodes", ".", "a", "text", "variables", "['x']", '"y"', "has(", ")", "(", "[", "]", "{", "}"),
    *(":", "?", "&&", "||", "==", "+", "-", "*", "/", "%", "!", "in", "1", "1.5", "true", "null"),
    *("size(", ".map(", ".all(", ",", "x", "'é'", "\\", "`", "input", "message", "params", "{{"),
    *("}}", "params.x", "nodes.start.text", "--", "//"),
)

expressions = st.lists(st.sampled_from(_TOKENS), max_size=10).map("".join) | st.lists(
    st.sampled_from(_TOKENS), max_size=10
).map(" ".join)
braced = expressions.map(lambda text: "{{" + text + "}}")
texts = st.text(max_size=12) | expressions | braced | st.sampled_from(["http://10.0.0.1/", "sk-a"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

ids = st.sampled_from(["start", "a", "b", "c", "end", "", "a b", "A" * 65, "__start__", "nodes"])
types = st.sampled_from([*NODE_TYPES.keys(), "llm", "loop", "http_request", "asker", "teleport"])
settings = st.sampled_from(
    sorted({name for kind in NODE_TYPES.all() for name in kind.config.model_fields})
)
ports = st.sampled_from(["out", "true", "false", "error", "continue", "done", "", "else"])
nodes = st.fixed_dictionaries(
    {"id": ids, "type": types},
    optional={
        "config": st.dictionaries(settings | st.text(max_size=6), anything, max_size=4),
        "label": texts,
        "position": st.fixed_dictionaries({"x": st.floats(), "y": st.integers()}),
    },
)
edges = st.fixed_dictionaries({"source": ids, "target": ids}, optional={"source_port": ports})
nearly_graphs = st.fixed_dictionaries(
    {"nodes": st.lists(nodes, max_size=7), "edges": st.lists(edges, max_size=10)}
)


@given(anything | nearly_graphs)
def test_no_document_makes_validation_raise(document: Any) -> None:
    _told(document)


@given(st.binary(max_size=20) | st.integers(30, 3_000).map(lambda deep: "[" * deep + "]" * deep))
def test_no_text_does_either(text: Any) -> None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    _told(document)


@given(graphs(), st.data())
def test_a_sound_graph_with_some_things_changed_is_sound_or_told_to_be_wrong(
    graph: dict[str, Any], data: st.DataObject
) -> None:
    document = json.loads(json.dumps(graph))
    for _ in range(data.draw(st.integers(1, 3))):
        _change(document, data)
    _told(document)


def _change(document: Any, data: st.DataObject) -> None:
    """Drop, double, replace or rename something somewhere."""
    places = list(_places(document))
    if not places:
        return
    holder, key = data.draw(st.sampled_from(places))
    match data.draw(st.sampled_from(["drop", "double", "part", "value", "rename"])):
        case "drop":
            del holder[key]
        case "double" if isinstance(holder, list):
            holder.append(holder[key])
        case "part":
            holder[key] = data.draw(nodes if key in ("nodes", 0) else edges)
        case "rename" if isinstance(holder, dict):
            holder[data.draw(settings | texts)] = holder.pop(key)
        case _:
            holder[key] = data.draw(ids | types | ports | anything)


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else ()
    for key, item in list(enumerate(value) if isinstance(value, list) else items):
        yield value, key
        yield from _places(item)


def _told(document: Any) -> None:
    issues = validate(document)
    assert validate(document) == issues
    check(document)
    for issue in issues:
        assert issue.code
        assert issue.message
        assert issue.severity in ("error", "warning")
        json.dumps(issue.to_json(), ensure_ascii=False).encode()
    if not errors_in(issues):
        _compiles(document)


def _compiles(document: Any) -> None:
    """With its parameters in their places, where that leaves it sound."""
    try:
        graph = bound(GraphDefinition.model_validate(document), _PARAMS, NODE_TYPES)
    except BadExpression:
        return
    if not errors_in(validate(graph.to_json())):
        Compiler(NODE_TYPES).runnable(graph)
