"""What a map repeats, and what is behind the handler of a graph: their places, names and costs."""

import pytest

from tests.validation.drawing import check, drawn, errors, told

_ENDS = {"start": "start", "end": "end"}
_EACH = ("map", {"items": "input.items"})
_AROUND = ("start>each", "each.done>end")


def mapped(*edges, each=_EACH, **body):
    return drawn({**_ENDS, "each": each, **body}, *_AROUND, *edges)


def says(template):
    return "prompt", {"template": template}


def sets(name="n"):
    return "variable", {"name": name, "value": 1}


def test_a_part_of_the_graph_may_be_done_for_each_item():
    a = says("{{ nodes.each.item }} {{ nodes.each.index }} {{ nodes.start.text }}")
    b = says("{{ nodes.a.text }}")
    edges = ("each.each>a", "a>b", "b>each", "a.error>b")
    assert check(mapped(*edges, a=a, b=b)) == []


@pytest.mark.parametrize(
    ("edges", "code", "path"),
    [
        (("each.each>a",), "map_without_return", "nodes[2]"),
        (("each.each>a", "a>each", "a>b", "b>end"), "round_left", "edges[4]"),
        (("each.each>a", "a>each", "a.error>end"), "round_left", "edges[4]"),
        (("each.each>a", "a>each", "start>a"), "cycle", "edges[3]"),
        (("each.each>a", "a>b", "b>a", "b>each"), "cycle", "edges[4]"),
    ],
)
def test_an_item_begins_and_ends_at_its_map(edges, code, path):
    assert (code, path) in errors(mapped(*edges, a="delay", b="delay"))


@pytest.mark.parametrize("name", ["nodes.a.text", "variables.n"])
def test_what_is_done_for_an_item_has_no_name_outside_of_it(name):
    code = "reference_not_before" if "nodes" in name else "unknown_variable"
    outside = says(f"{{{{ {name} }}}}")
    edges = ("each.each>a", "a>each", "each.done>b", "b>end")
    found = errors(mapped(*edges, a=sets(), b=outside))
    assert found == [(code, "nodes[4].config.template")]
    hint = check(mapped(*edges, a=sets(), b=says("{{ nodes.a.text }}")))[0].hint
    assert hint.startswith("Name nodes.each.results")


def test_an_item_does_not_see_the_one_before():
    edges = ("each.each>a", "a>b", "b>each")
    a = says("{{ nodes.b.text }} {{ variables.n }}")
    assert errors(mapped(*edges, a=a, b=sets())) == [
        ("reference_not_before", "nodes[3].config.template"),
        ("unknown_variable", "nodes[3].config.template"),
    ]


def test_what_an_item_gives_may_name_what_was_done_for_it_and_the_list_may_not():
    edges, name = ("each.each>a", "a>each"), "{{ nodes.a.text }} {{ variables.n }}"
    result = ("map", {"items": "input.items", "result": [name, "{{ nodes.each.item }}"]})
    assert errors(mapped(*edges, each=result, a=sets())) == []
    items = ("map", {"items": "nodes.a.value"})
    assert errors(mapped(*edges, each=items, a=sets())) == [
        ("reference_not_before", "nodes[2].config.items")
    ]


def test_what_a_map_in_an_item_does_is_not_seen_by_the_item():
    inner = ("map", {"items": "nodes.each.item"})
    edges = ("each.each>inner", "inner.each>a", "a>inner", "inner.done>b", "b>each")
    a = says("{{ nodes.each.index }} {{ nodes.inner.item }}")
    good, bad = says("{{ nodes.inner.results }}"), says("{{ nodes.a.text }}")
    assert errors(mapped(*edges, inner=inner, a=a, b=good)) == []
    wrong = ("reference_not_before", "nodes[5].config.template")
    assert errors(mapped(*edges, inner=inner, a=a, b=bad)) == [wrong]
    each = ("map", {"items": "input.items", "result": "{{ nodes.a.text }}"})
    document = mapped(*edges, each=each, inner=inner, a=a, b=good)
    assert errors(document) == [("reference_not_before", "nodes[2].config.result")]


def test_the_item_is_known_to_what_is_done_for_it_and_the_results_to_what_follows():
    edges = ("each.each>a", "a>each", "each.done>b", "b>end")
    inside, outside = "{{ nodes.each.item }}{{ nodes.each.index }}", "{{ nodes.each.results }}"
    assert errors(mapped(*edges, a=says(inside), b=says(outside))) == []
    found = check(mapped(*edges, a=says(outside), b=says(inside)))
    assert [(one.code, one.path) for one in found] == [
        ("unknown_field", "nodes[3].config.template"),
        ("unknown_field", "nodes[4].config.template"),
        ("unknown_field", "nodes[4].config.template"),
    ]
    assert found[0].message == "What 'each' leaves by 'done' is not known here."
    assert found[0].hint == "It leaves text, item, index."
    of_itself = ("map", {"items": "input.items", "result": "{{ nodes.each.results }}"})
    [issue] = check(mapped(*edges, each=of_itself, a=says(inside), b=says(outside)))
    assert (issue.code, issue.path) == ("unknown_field", "nodes[2].config.result")


def test_a_map_in_a_loop_may_take_its_list_from_its_results_of_the_round_before():
    again = ("map", {"items": "has(nodes.each) ? nodes.each.results : input.items"})
    nodes = {"start": "start", "loop": ("loop", {"max_iterations": 2}), "end": "end"}
    edges = ("start>loop", "loop.continue>each", "each.each>a", "a>each", "each.done>loop")
    document = drawn({**nodes, "each": again, "a": "delay"}, *edges, "loop.done>end")
    assert errors(document) == []


def test_what_is_set_for_an_item_is_set_beside_nothing_else():
    edges = ("each.each>a", "a>each", "start>b", "b>end")
    assert errors(mapped(*edges, a=sets(), b=sets())) == []
    both = ("each.each>a", "a>each", "each.each>b", "b>each")
    assert errors(mapped(*both, a=sets(), b=sets())) == [("parallel_write", "nodes[4].config.name")]


def test_what_is_done_for_an_item_counts_as_often_as_there_may_be_items():
    each = ("map", {"items": "input.items", "max_items": 50, "parallel": 10})
    loop = ("loop", {"max_iterations": 7})
    edges = ("each.each>loop", "loop.continue>a", "a>loop", "loop.done>each")
    [issue] = check(mapped(*edges, each=each, loop=loop, a=("delay", {"seconds": 20})))
    assert issue.message == "A run may take about 700 s."


# --- the handler of a graph ----------------------------------------------------------------------

_HANDLER = ("error_handler", {"scope": "graph"})


def handled(*edges, handler=_HANDLER, **more):
    nodes = {**_ENDS, "handler": handler, "last": "end", **more}
    return drawn(nodes, "start>a", "a>end", "handler>last", *edges)


def test_the_handler_of_a_graph_is_reached_by_no_edge():
    assert told(check(handled(a="delay"))) == []


def test_behind_it_all_that_does_without_an_error_may_be_named():
    text = "{{ nodes.handler.code }} {{ has(nodes.a) ? nodes.a.text : variables.n }}"
    handler = ("error_handler", {"scope": "graph", "text": text})
    document = handled("handler>b", "b>last", handler=handler, a=sets(), b=says(text))
    assert errors(document) == []
    wrong = says("{{ nodes.c.text }} {{ nodes.nobody.text }} {{ variables.m }}")
    document = handled("handler>b", "b>c", "c>last", a=sets(), b=wrong, c=sets("m"))
    assert [code for code, _ in errors(document)] == [
        "reference_not_before",
        "reference_not_before",
        "unknown_variable",
    ]


def test_a_handler_behind_an_edge_may_name_itself_and_be_named_behind_it():
    text = says("{{ nodes.handler.code }} {{ nodes.handler.message }} {{ nodes.handler.node }}")
    handler = ("error_handler", {"text": text[1]["template"]})
    nodes = {**_ENDS, "a": says("a"), "handler": handler, "b": text}
    edges = ["start>a", "a>end", "a.error>handler", "handler>b", "b>end"]
    assert errors(drawn(nodes, *edges)) == []
    nodes = {**nodes, "a": text}
    assert (
        errors(drawn(nodes, *edges)) == [("reference_not_before", "nodes[2].config.template")] * 3
    )


def test_a_node_that_is_no_handler_may_not_name_itself():
    nodes = {**_ENDS, "a": says("{{ nodes.a.text }}")}
    assert errors(drawn(nodes, "start>a", "a>end")) == [
        ("reference_not_before", "nodes[2].config.template")
    ]


def test_without_an_error_nothing_behind_it_may_be_named():
    assert errors(handled(a=says("{{ nodes.handler.text }}"))) == [
        ("reference_not_before", "nodes[4].config.template")
    ]


@pytest.mark.parametrize(
    ("edges", "handler", "code", "path"),
    [
        (("start>handler",), {}, "edge_into_handler", "edges[3].target"),
        (("a.error>handler",), {}, "edge_into_handler", "edges[3].target"),
        (("handler>end",), {}, "handler_shared", "edges[3].target"),
        (("a>last",), {}, "handler_shared", "edges[2].target"),
        ((), {"scope": "edge"}, "unreachable", "nodes[2]"),
    ],
)
def test_it_stands_apart_from_what_it_takes_up(edges, handler, code, path):
    document = handled(*edges, handler=("error_handler", {"scope": "graph", **handler}), a="delay")
    assert (code, path) in errors(document)


def test_a_graph_has_one_handler():
    document = handled("other>more", a="delay", other=_HANDLER, more="end")
    assert errors(document) == [("several_handlers", "nodes[5].config.scope")]


def test_an_end_behind_it_is_no_end_of_the_graph():
    document = drawn({"start": "start", "handler": _HANDLER, "end": "end"}, "handler>end")
    assert ("end_unreachable", "nodes") in errors(document)


def test_what_is_behind_it_comes_on_top():
    nap = ("delay", {"seconds": 350})
    [issue] = check(handled("handler>b", "b>last", a=nap, b=nap))
    assert issue.message == "A run may take about 700 s."
