"""Do expressions parse, and can what they name have been written before?"""

import time

import pytest

from tests.validation.drawing import check, drawn, errors, line, told
from workflows.registry import NODE_TYPES
from workflows.validation.bounds import Limits
from workflows.validation.validator import WorkflowValidator


def when(condition: str, **before):
    """start → what is before → a condition → end."""
    nodes = {"start": "start", **before, "when": ("conditional", {"condition": condition})}
    ids = list(nodes)
    edges = [f"{a}>{b}" for a, b in zip(ids, ids[1:], strict=False)]
    return drawn({**nodes, "end": "end"}, *edges, "when.true>end", "when.false>end")


SET = ("variable", {"name": "seen", "value": 1})


@pytest.mark.parametrize(
    "condition",
    [
        "input.message == 'nodes.nobody and variables.nothing'",
        "nodes.start.text == text",
        'nodes["start"].text == text',
        "variables.seen > 1 && variables['seen'] < 3",
        "has(variables.other) && variables.other",
        "input.nodes.nobody == 1",
        "params.anything == ''",
        "nodes.seen.value == 1 && nodes.seen['value'] == 1 && nodes['seen'].text.size() == 0",
        "has(nodes.seen.other) && nodes.seen.other == 1",
        "nodes.seen.size() > 1 && input.nodes.seen.other == 1 && 'nodes.seen.other' == text",
    ],
)
def test_what_was_written_before_may_be_named(condition):
    assert errors(when(condition, seen=SET)) == []


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("1 +", "bad_expression"),
        ("nobody == 1", "unknown_reference"),
        ("true" + " " * 1_000, "bad_expression"),
        ("nodes.nobody.text == ''", "reference_not_before"),
        ("nodes.end.text == ''", "reference_not_before"),
        ("nodes.when.text == ''", "reference_not_before"),
        ('nodes["end"].text == ""', "reference_not_before"),
        ("variables.other > 1", "unknown_variable"),
        ("variables['other'] > 1", "unknown_variable"),
        ("has(variables.seen) && variables.other", "unknown_variable"),
        ("nodes.seen.other == 1", "unknown_field"),
        ('nodes["seen"]["other"] == 1', "unknown_field"),
        ("nodes.start.value == 1", "unknown_field"),
        ("has(nodes.seen.value) && nodes.seen.other == 1", "unknown_field"),
    ],
)
def test_what_nothing_before_can_have_written_is_refused(condition, code):
    assert errors(when(condition, seen=SET)) == [(code, "nodes[2].config.condition")]


@pytest.mark.parametrize(
    ("system", "code"),
    [
        ("Say {{nobody.x}}", "unknown_reference"),
        ("Say {{nodes.end.text}}", "reference_not_before"),
        ("Say {{variables.nothing}}", "unknown_variable"),
    ],
)
def test_a_text_names_only_what_may_be_there(system, code):
    assert errors(line(ask=("model", {"system": system}))) == [(code, "nodes[1].config.system")]


@pytest.mark.parametrize("quote", ['\\"', "\\'"])
def test_quotes_that_nothing_closes_are_looked_at_no_longer_than_an_expression_may_be(quote):
    began = time.process_time()
    assert errors(when(quote * 20_000)) == [("bad_expression", "nodes[1].config.condition")]
    assert time.process_time() - began < 2


def test_a_reference_deep_in_a_setting_is_found_at_its_place():
    value = {"list": ["fine", "{{nodes.end.text}}"]}
    document = line(x=("variable", {"name": "v", "value": value}))
    assert errors(document) == [("reference_not_before", "nodes[1].config.value.list[1]")]


def test_a_variable_that_one_branch_sets_may_be_named_where_the_branches_meet():
    nodes = {
        "start": "start",
        "if": ("conditional", {"condition": "true"}),
        "seen": SET,
        "end": ("end", {"output": "{{variables.seen}}"}),
    }
    assert errors(drawn(nodes, "start>if", "if.true>seen", "if.false>end", "seen>end")) == []


def test_a_variable_set_beside_is_not_set_before():
    nodes = {"start": "start", "seen": SET, "ask": ("model", {"system": "{{variables.seen}}"})}
    document = drawn({**nodes, "end": "end"}, "start>seen", "start>ask", "seen>end", "ask>end")
    assert errors(document) == [("unknown_variable", "nodes[2].config.system")]


def test_a_round_may_name_what_the_round_before_has_written():
    nodes = {
        "start": "start",
        "loop": ("loop", {"condition": "!has(nodes.last) || nodes.last.text != 'done'"}),
        "first": ("model", {"system": "{{nodes.last.text}}"}),
        "last": "model",
        "end": ("end", {"output": "{{nodes.last.text}}"}),
    }
    edges = ("start>loop", "loop.continue>first", "first>last", "last>loop", "loop.done>end")
    assert errors(drawn(nodes, *edges)) == []


def repeated(condition):
    """start → a loop → end, and in its rounds: a node that is named, then one that sets `seen`."""
    nodes = {"start": "start", "loop": ("loop", {"condition": condition}), "ask": "model"}
    edges = ("start>loop", "loop.continue>ask", "ask>seen", "seen>loop", "loop.done>end")
    return drawn({**nodes, "seen": SET, "end": "end"}, *edges)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("nodes.ask.text != 'done'", "reference_not_before"),
        ("!nodes['ask'].text.contains('done')", "reference_not_before"),
        ("variables.seen < 3", "unknown_variable"),
        ("nodes.loop.iteration < 5 && variables.seen < 3", "unknown_variable"),
        ("(size(text) > 0 || input.x) && (variables['seen'] < 3)", "unknown_variable"),
    ],
)
def test_what_only_its_own_rounds_write_is_not_there_before_the_first(condition, code):
    assert errors(repeated(condition)) == [(code, "nodes[1].config.condition")]


@pytest.mark.parametrize(
    "condition",
    [
        "nodes.loop.iteration < 3",
        "nodes.loop.iteration < 3 // && nodes.ask.text != 'done'",
        "nodes.start.text != 'done'",
        "!has(nodes.ask) || nodes.ask.text != 'done'",
        "!has(variables.seen) || variables.seen < 3",
        "nodes.loop.iteration == 0 || nodes.ask.text != 'done' && variables.seen < 3",
        "nodes.loop.iteration > 0 ? variables.seen < 3 : true",
        "!(nodes.loop.iteration > 0 && nodes.ask.text == 'done')",
        "input.items.all(item, item < variables.seen)",
    ],
)
def test_a_loop_may_ask_for_what_its_rounds_write_where_it_need_not_be_there(condition):
    assert errors(repeated(condition)) == []


def test_an_inner_loop_may_need_what_the_round_around_it_has_written():
    nodes = {
        "start": "start",
        "outer": ("loop", {"condition": "variables.seen < 3"}),
        "seen": SET,
        "inner": ("loop", {"condition": "variables.seen < 3 && nodes.outer.iteration < 3"}),
        "ask": "model",
        "end": "end",
    }
    edges = ("start>outer", "outer.continue>seen", "seen>inner", "inner.continue>ask", "ask>inner")
    found = errors(drawn(nodes, *edges, "inner.done>outer", "outer.done>end"))
    assert found == [("unknown_variable", "nodes[1].config.condition")]


@pytest.mark.parametrize("name", ["look", "ask"])
def test_a_model_has_not_called_tools_when_it_is_asked_for_the_first_time(name):
    def asking(system):
        ask = ("model", {"system": system, "tools": ["clock"]})
        nodes = {"start": "start", "ask": ask, "look": "tools", "end": "end"}
        return errors(drawn(nodes, "start>ask", "ask.tool_calls>look", "look>ask", "ask>end"))

    assert asking(f"{{{{ has(nodes.{name}) ? nodes.{name}.text : '' }}}}") == []
    refused = [("reference_not_before", "nodes[1].config.system")]
    assert asking(f"{{{{ nodes.{name}.text }}}}") == refused


def test_reading_a_variable_nobody_wrote_needs_a_default():
    config = {"name": "v", "operation": "get"}
    assert errors(line(x=("variable", config))) == [("unknown_variable", "nodes[1].config.name")]
    found = check(line(x=("variable", {**config, "default": 0})))
    assert told(found) == [("variable_never_set", "nodes[1].config.name")]
    assert found[0].severity == "warning"


def test_each_branch_of_a_condition_has_a_port():
    branches = [{"port": "low", "condition": "variables.x < 1"}]
    nodes = {"start": "start", "c": ("conditional", {"branches": branches}), "end": "end"}
    edges = ("start>c", "c.low>end", "c.else>end", "c.true>end")
    assert errors(drawn(nodes, *edges)) == [
        ("unknown_port", "edges[3].source_port"),
        ("unknown_variable", "nodes[1].config.branches[0].condition"),
    ]


def test_parameters_are_told_apart_where_they_are_known():
    document = line(x=("model", {"system": "{{params.tone}} {{params.colour}}"}))
    found = WorkflowValidator(NODE_TYPES, Limits()).validate(document, params={"tone"})
    assert told(found) == [("unknown_param", "nodes[1].config.system")]
    assert "'colour'" in found[0].message


def test_of_a_field_that_is_not_left_the_fields_there_are_are_told():
    ask = ("model", {"output_schema": {"type": "object"}})
    document = line(ask=ask, say=("prompt", {"template": "{{nodes.ask.nonsense}}"}))
    [issue] = [one for one in check(document) if one.code == "unknown_field"]
    assert issue.path == "nodes[2].config.template"
    assert issue.hint == "It leaves text, finish_reason, data."


def told_of_field(template, *edges, **nodes):
    says = {"prompt": ("prompt", {"template": template})}
    found = check(drawn({"start": "start", **nodes, **says, "end": "end"}, "start>ask", *edges))
    return [one.message for one in found if one.code == "unknown_field"]


def test_what_a_node_leaves_is_known_where_the_port_leads_by_which_it_leaves_it():
    ask = ("model", {"output_schema": {"type": "object"}})
    apart = ("ask>end", "ask.error>prompt", "prompt>end")
    assert told_of_field("{{nodes.ask.code}}", *apart, ask=ask) == []
    assert told_of_field("{{nodes.ask.data}}", *apart, ask=ask) == [
        "What 'ask' leaves by 'out' is not known here."
    ]
    behind = ("ask>prompt", "ask.error>end", "prompt>end")
    assert told_of_field("{{nodes.ask.data}}", *behind, ask=ask) == []
    assert told_of_field("{{nodes.ask.code}}", *behind, ask=ask) == [
        "What 'ask' leaves by 'error' is not known here."
    ]
    together = ("ask>prompt", "ask.error>prompt", "prompt>end")
    either = "{{has(nodes.ask.code) ? nodes.ask.message : nodes.ask.data}}"
    assert told_of_field(either, *together, ask=ask) == []


def test_what_a_node_left_in_an_earlier_round_is_known_until_it_is_there_again():
    nodes = {"ask": "model", "loop": ("loop", {"max_iterations": 3}), "other": "delay"}
    edges = ("ask>end", "ask.error>loop", "loop.continue>prompt", "prompt>loop", "loop.done>end")
    assert told_of_field("{{nodes.ask.code}}", *edges, **nodes) == []
    each = {"ask": ("loop", {"max_iterations": 3}), "model": "model"}
    round_ = ("ask.continue>model", "model.error>ask", "model>prompt", "prompt>ask", "ask.done>end")
    assert told_of_field("{{nodes.model.code}}", *round_, **each) == [
        "What 'model' leaves by 'error' is not known here."
    ]


def test_where_branches_meet_one_of_them_may_have_failed():
    nodes = {"ask": "model", "beside": "delay"}
    edges = ("start>beside", "beside>prompt", "ask>prompt", "ask.error>end", "prompt>end")
    assert told_of_field("{{nodes.ask.code}}", *edges, **nodes) == []


def test_behind_the_handler_of_a_graph_a_node_may_have_left_by_any_port():
    nodes = {"ask": "model", "fix": "prompt", "handler": ("error_handler", {"scope": "graph"})}
    edges = ("ask>fix", "ask.error>fix", "fix>end", "handler>prompt", "prompt>end")
    either = "{{nodes.ask.code}} {{nodes.ask.finish_reason}}"
    assert told_of_field(either, *edges, **nodes) == []


@pytest.mark.parametrize(
    ("before", "field", "is_left"),
    [
        (("model", {}), "data", False),
        (("model", {"output_schema": {"type": "object"}}), "data", True),
        (("model", {"output_schema": "{{params.schema}}"}), "data", True),
        (("model", {}), "code", False),
        (("delay", {}), "code", False),
        (("error_handler", {}), "node", True),
        (("map", {"items": "[1]"}), "results", True),
        (("http_request", {"url": "https://example.com"}), "status", True),
        ("asker", "anything", True),
    ],
)
def test_each_type_says_what_it_leaves(before, field, is_left):
    document = line(before=before, say=("prompt", {"template": f"{{{{nodes.before.{field}}}}}"}))
    assert ("unknown_field" in {one.code for one in check(document)}) is not is_left
