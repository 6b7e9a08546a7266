"""Do nodes and edges make a graph that can run from a start to an end?"""

import pytest

from tests.validation.drawing import check, drawn, errors, line, told

_ENDS = {"start": "start", "end": "end"}


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (drawn({"end": "end"}), "one_start", "nodes"),
        (
            drawn({**_ENDS, "again": "start"}, "start>end", "again>end"),
            "one_start",
            "nodes[2].type",
        ),
        (drawn({"start": "start"}), "no_end", "nodes"),
        (drawn({**_ENDS, "x": "delay"}, "start>x", "x>start"), "end_unreachable", "nodes"),
        (drawn({**_ENDS, "x": "delay"}, "start>end"), "unreachable", "nodes[2]"),
        (drawn({**_ENDS, "x": "delay"}, "start>end", "x>end"), "unreachable", "nodes[2]"),
        (drawn(_ENDS, "start>end", "start>gone"), "unknown_node", "edges[1].target"),
        (drawn(_ENDS, "start>end", "gone>end"), "unknown_node", "edges[1].source"),
        (drawn(_ENDS, "start>end", "start>end"), "duplicate_edge", "edges[1]"),
        (drawn(_ENDS, "start.left>end"), "unknown_port", "edges[0].source_port"),
        (drawn(_ENDS, "start>end", "end>end"), "unknown_port", "edges[1].source_port"),
        (drawn(_ENDS, "start>end", "start.error>end"), "unknown_port", "edges[1].source_port"),
        (
            drawn({**_ENDS, "x": "delay"}, "start>x", "x>start"),
            "edge_into_start",
            "edges[1].target",
        ),
        (drawn({**_ENDS, "x": "delay"}, "start>x", "x>x", "x>end"), "cycle", "edges[1]"),
        (
            drawn({**_ENDS, "x": "delay", "y": "delay"}, "start>x", "x>y", "y>x", "y>end"),
            "cycle",
            "edges[2]",
        ),
    ],
)
def test_a_broken_graph_is_told_where_it_is_broken(document, code, path):
    assert (code, path) in errors(document)


def test_an_id_stands_once():
    document = line(x="delay")
    document["nodes"].append({"id": "x", "type": "delay"})
    assert ("duplicate_id", "nodes[3].id") in errors(document)


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (drawn({**_ENDS, "x": "delay"}, "start>end", "start>x"), "dead_end", "nodes[2]"),
        (
            drawn({**_ENDS, "x": ("conditional", {"condition": "true"})}, "start>x", "x.true>end"),
            "port_unused",
            "nodes[2]",
        ),
        (
            drawn({**_ENDS, "x": "loop"}, "start>x", "x.done>end"),
            "loop_without_return",
            "nodes[2]",
        ),
        (line(use="tools"), "no_model_for_tools", "nodes[1]"),
        (line(use="tools", ask=("model", {"tools": ["clock"]})), "no_model_for_tools", "nodes[1]"),
        (line(ask="model", use="tools"), "no_model_for_tools", "nodes[2]"),
    ],
)
def test_what_may_be_meant_is_a_warning(document, code, path):
    assert (code, path) in told(check(document))
    assert not errors(document)


@pytest.mark.parametrize("tools", [["clock"], "{{ params.tools }}", 5])
def test_a_model_that_may_call_tools_is_one_for_a_tools_node(tools):
    nodes = {**_ENDS, "ask": ("model", {"tools": tools}), "may": "approval", "use": "tools"}
    edges = ["start>ask", "ask.tool_calls>may", "may.approved>use", "use>ask", "may.rejected>ask"]
    issues = check(drawn(nodes, *edges, "ask>end"))
    assert "no_model_for_tools" not in {issue.code for issue in issues}


def test_nothing_need_follow_what_ends_the_run():
    stop = ("error_handler", {"then": "fail"})
    nodes = {**_ENDS, "x": ("prompt", {"template": "x"}), "stop": stop}
    assert check(drawn(nodes, "start>x", "x>end", "x.error>stop")) == []
    for head, port in (("loop", "continue"), ("map", "each")):
        config = {"items": "[1]"} if head == "map" else {}
        edges = ("start>head", f"head.{port}>x", "x>head", "x.error>stop", "head.done>end")
        assert check(drawn({**nodes, "head": (head, config)}, *edges)) == []


_LOOP = {"start": "start", "loop": "loop", "x": "delay", "y": "delay", "end": "end"}


@pytest.mark.parametrize(
    ("nodes", "edges"),
    [
        ({}, ("start>loop", "loop.continue>x", "x>y", "y>loop", "loop.done>end")),
        ({}, (
            "start>loop", "loop.continue>x", "loop.continue>y", "x>loop", "y>loop",
            "loop.done>end",
        )),
        ({"inner": "loop"}, (
            "start>loop", "loop.continue>inner", "inner.continue>x", "x>inner",
            "inner.done>y", "y>loop", "loop.done>end",
        )),
        ({"inner": "loop"}, (
            "start>loop", "loop.continue>inner", "inner.continue>x", "x>inner",
            "inner.done>loop", "loop.done>y", "y>end",
        )),
    ],
    ids=["one after the other", "side by side", "a loop in a loop", "a loop is all of a round"],
)  # fmt: skip
def test_a_loop_may_be_come_back_to(nodes, edges):
    assert not errors(drawn({**_LOOP, **nodes}, *edges))


@pytest.mark.parametrize(
    "edges",
    [
        ("start>loop", "loop.continue>x", "loop.done>y", "y>loop", "x>end"),
        ("start>x", "x>loop", "loop.continue>x", "loop.done>y", "y>end"),
        ("start>loop", "start>x", "loop.continue>x", "x>loop", "loop.done>y", "y>end"),
        ("start>loop", "loop.continue>x", "x>y", "y>x", "y>loop", "loop.done>end"),
        ("start>loop", "loop.continue>loop", "loop.done>x", "x>y", "y>end"),
        ("start>loop", "loop.continue>x", "loop.done>x", "x>loop", "x>y", "y>end"),
    ],
    ids=[
        "back from done",
        "the loop stands in its own round",
        "into a round from beside",
        "a round within without a loop",
        "a loop of itself",
        "a round by both ports",
    ],
)
def test_any_other_way_round_is_a_cycle(edges):
    assert "cycle" in {code for code, _ in errors(drawn(_LOOP, *edges))}


def _two(first: str, second: str, *edges: str, between: str = "delay") -> dict:
    config = {"condition": "true"} if between == "conditional" else {}
    nodes = {
        "start": "start",
        "c": (between, config),
        "a": ("variable", {"name": "v", "operation": first, "value": 1}),
        "b": ("variable", {"name": "v", "operation": second, "value": 2}),
        "end": "end",
    }
    return drawn(nodes, "start>c", *edges)


_BESIDE = ("c>a", "c>b", "a>end", "b>end")


@pytest.mark.parametrize(
    ("first", "second"), [("set", "set"), ("set", "append"), ("append", "increment")]
)
def test_branches_of_one_run_may_not_change_a_variable_at_once(first, second):
    document = _two(first, second, *_BESIDE)
    assert errors(document) == [("parallel_write", "nodes[3].config.name")]
    [issue] = check(document)
    assert "'a'" in issue.message
    assert "'b'" in issue.message


@pytest.mark.parametrize(("first", "second"), [("append", "append"), ("increment", "decrement")])
def test_changes_that_come_out_the_same_in_any_order_may_meet(first, second):
    assert not errors(_two(first, second, *_BESIDE))


def test_one_after_the_other_may_set_the_same_variable():
    assert not errors(_two("set", "set", "c>a", "a>b", "b>end"))


def test_branches_of_which_one_is_taken_may_set_the_same_variable():
    edges = ("c.true>a", "c.false>b", "a>end", "b>end")
    assert not errors(_two("set", "set", *edges, between="conditional"))


def test_the_way_an_error_takes_may_set_what_the_other_way_sets():
    edges = ("c>a", "c.error>b", "a>end", "b>end")
    assert not errors(_two("set", "set", *edges, between="model"))


def test_two_conditions_do_not_keep_their_branches_apart():
    nodes = {
        "start": "start",
        "c": ("conditional", {"condition": "true"}),
        "d": ("conditional", {"condition": "true"}),
        "a": ("variable", {"name": "v", "value": 1}),
        "b": ("variable", {"name": "v", "value": 2}),
        "end": "end",
    }
    edges = ("start>c", "start>d", "c.true>a", "d.false>b", "a>end", "b>end")
    assert ("parallel_write", "nodes[4].config.name") in errors(drawn(nodes, *edges))


def _looped(*edges: str) -> dict:
    """Two that set the same variable, a loop and a condition; the loop is left for the end."""
    nodes = {
        "start": "start",
        "loop": "loop",
        "a": ("variable", {"name": "v", "value": 1}),
        "b": ("variable", {"name": "v", "value": 2}),
        "c": ("conditional", {"condition": "true"}),
        "end": "end",
    }
    return drawn(nodes, *edges, "loop.done>end")


@pytest.mark.parametrize(
    "edges",
    [
        ("start>loop", "loop.continue>c", "c.true>a", "a>loop", "loop.done>b", "b>end"),
        ("start>loop", "loop.continue>a", "a>loop", "loop.done>b", "start>c", "c.true>b", "b>end"),
        ("start>loop", "loop.continue>a", "a>b", "b>c", "c.true>loop"),
        ("start>loop", "loop.continue>c", "c.true>a", "c.false>b", "a>loop", "b>loop"),
        ("start>b", "b>loop", "loop.continue>c", "c.true>a", "a>loop"),
    ],
    ids=[
        "what follows the loop",
        "what follows the loop and something beside it",
        "one after the other",
        "one of them in each round",
        "what comes before the loop",
    ],
)
def test_what_a_round_sets_may_be_set_before_and_after_it(edges):
    assert not errors(_looped(*edges))


@pytest.mark.parametrize(
    "edges",
    [
        ("start>loop", "loop.continue>a", "loop.continue>b", "a>loop", "b>c", "c.true>loop"),
        ("start>loop", "loop.continue>a", "a>loop", "start>b", "b>c", "c.true>end"),
    ],
    ids=["branches of a round", "a branch beside the loop"],
)
def test_what_a_round_sets_may_not_be_set_at_the_same_time(edges):
    assert errors(_looped(*edges)) == [("parallel_write", "nodes[3].config.name")]
