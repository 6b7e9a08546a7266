"""What came from Dify and Langflow runs as it did there; what could not come is told."""

import json
from pathlib import Path

import pytest

from tests.fakes import FakeReply, FakeServices, run_graph
from workflows.engine.errors import NodeError
from workflows.engine.events import NodeStarted
from workflows.interchange.foreign import Known
from workflows.interchange.reading import from_yaml, read
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate

FILES = Path(__file__).parent / "files"


def document(name):
    return from_yaml((FILES / name).read_text())


def come(value, **known):
    """What becomes of a file, by its name or its value."""
    value = document(value) if isinstance(value, str) else value
    found = read(value, Known(set(), NODE_TYPES.keys(), **known))
    assert errors_in(validate(found.graph)) == []
    return found


def ran(found, message="hello", **answers):
    """The run of what came in, with a model that answers by its nodes."""
    nodes = {one["id"]: one for one in found.graph["nodes"]}
    edges = [
        f"{one['source']}.{one['source_port']}>{one['target']}" for one in found.graph["edges"]
    ]
    return run_graph(nodes, edges, message, FakeServices(answers=answers))


def text_of(ran):
    return ran.result.text


def notes(found):
    return {one.title or one.id: " ".join(one.notes) for one in found.nodes}


def outcomes(found):
    return {one.title or one.id: one.outcome for one in found.nodes}


def configs(found):
    return {one["id"]: one["config"] for one in found.graph["nodes"]}


# --- Dify: what was not visited is empty ---------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("the first", "one: 1\ntwo: \neither: 1\nletter: Dear"),
        ("another", "one: \ntwo: 2\neither: 2\nletter: Dear"),
    ],
)
def test_an_end_that_names_both_branches_leaves_empty_the_one_not_taken(message, told):
    found = come("dify_branches.yml")
    assert text_of(ran(found, message, one="1", two="2")).rstrip() == told
    assert outcomes(found)["Letter"] == "carried"


@pytest.mark.parametrize("name", ["start", "variable-aggregator", "gone"])
def test_nothing_stands_for_what_is_no_node_of_the_file_though_called_as_one_may_be(name):
    file = document("dify_branches.yml")
    nodes = {one["data"]["title"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    nodes["Letter"]["variables"][0]["value_selector"] = [name, "who"]
    found = come(file)
    assert f"Nothing stands where it refers to '{name}.who'." in notes(found)["Letter"]
    assert "letter: Dear \n" in text_of(ran(found, "first")) + "\n"


def test_of_what_an_aggregator_brings_together_the_report_says_what_is_lost():
    file = document("dify_branches.yml")
    nodes = {one["data"]["title"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    nodes["Two"]["type"] = "code"
    nodes["Letter"]["variables"][0]["value_selector"] = ["v", "output"]
    found = come(file)
    assert "Nothing stands where it refers to 'b.text'." in notes(found)["Letter"]
    assert outcomes(found)["Letter"] == "approximated"


def test_answers_that_follow_each_other_are_given_in_that_order_wherever_they_stand_in_the_file():
    told = {"end": "Goodbye.", "middle": "You said {{#sys.query#}}.", "first": "Welcome."}
    nodes = [
        {"id": key, "data": {"type": "answer", "title": key, "answer": text}}
        for key, text in told.items()
    ]
    nodes.append({"id": "start", "data": {"type": "start"}})
    way = ["start", "first", "middle", "end"]
    edges = [{"source": one, "target": other} for one, other in zip(way, way[1:], strict=False)]
    graph = {"nodes": nodes, "edges": edges}
    app = {"mode": "advanced-chat", "name": "x"}
    found = come({"kind": "app", "app": app, "workflow": {"graph": graph}})
    assert text_of(ran(found)) == "Welcome.\n\nYou said hello.\n\nGoodbye."


def said_at_the_end(question, *more, ways):
    """What an app of Dify says by its last model, which is asked this; ways are "a.handle>b"."""
    asked = [("one", "1"), ("two", "2"), ("last", question)]
    models = [
        {"id": key, "data": {"type": "llm", "title": key, "prompt_template": [{"text": text}]}}
        for key, text in asked
    ]
    ends = {"type": "end", "outputs": [{"variable": "x", "value_selector": ["last", "text"]}]}
    start = {"id": "s", "data": {"type": "start"}}
    graph = {"nodes": [start, *models, *more, {"id": "e", "data": ends}], "edges": []}
    for way in (*ways, "last>e"):
        source, target = way.split(">")
        source, _, handle = source.partition(".")
        graph["edges"].append({"source": source, "sourceHandle": handle, "target": target})
    value = {"kind": "app", "app": {"mode": "workflow", "name": "x"}, "workflow": {"graph": graph}}
    return text_of(ran(come(value), "hello"))


def test_a_model_is_asked_what_an_aggregator_gives_not_all_that_it_was_given():
    either = {"type": "variable-aggregator", "variables": [["one", "text"], ["two", "text"]]}
    ways = ["s>one", "s>two", "one>v", "two>v", "v>last"]
    told = said_at_the_end("{{#v.output#}}", {"id": "v", "data": either}, ways=ways)
    assert told == "answer to answer to 1"


def test_a_model_that_is_led_to_in_two_ways_is_asked_its_question_once():
    long = {"comparison_operator": "contains", "value": "x", "variable_selector": ["sys", "query"]}
    which = {"type": "if-else", "cases": [{"case_id": "true", "conditions": [long]}]}
    ways = ["s>last", "s>c", "c.false>last", "c.true>one", "c.true>two"]
    told = said_at_the_end("{{#sys.query#}}", {"id": "c", "data": which}, ways=ways)
    assert told == "answer to hello"


def test_an_aggregator_of_an_old_file_brings_together_what_there_is():
    file = document("dify_branches.yml")
    nodes = {one["data"]["title"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    nodes["Either"]["type"] = "variable-assigner"
    assert "either: 2" in text_of(ran(come(file), "another", one="1", two="2"))


@pytest.mark.parametrize(("kept", "letter"), [("reader", "Dear reader"), (7, "Dear 7")])
def test_an_input_that_nobody_gives_is_what_the_start_of_dify_says(kept, letter):
    file = document("dify_branches.yml")
    start = file["workflow"]["graph"]["nodes"][0]["data"]
    start["variables"][0]["default"] = kept
    assert f"letter: {letter}" in text_of(ran(come(file), "another", one="1", two="2"))


@pytest.mark.parametrize(
    "kept",
    ["sk-proj-abcdefghijklmnop1234567890abcdefgh", "x" * 1000, ["a"], 10**30, -(10**30)],
)
def test_what_an_input_is_by_itself_and_cannot_be_kept_is_told(kept):
    file = document("dify_branches.yml")
    start = file["workflow"]["graph"]["nodes"][0]["data"]
    start["variables"][0]["default"] = kept
    found = come(file)
    assert "What 'who' is when nobody gives it was dropped." in notes(found)["Start"]
    assert "letter: Dear" in text_of(ran(found, "another", one="1", two="2"))


@pytest.mark.parametrize(
    "said", ["{{ who.name }}", "{{- who }}", "{{ 'x' ~ who }}", "{{ who + 1 }}"]
)
def test_a_template_of_dify_that_does_more_than_fill_in_values_is_left_out(said):
    file = document("dify_branches.yml")
    nodes = {one["data"]["title"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    nodes["Letter"]["template"] = f"Dear {said}"
    found = come(file)
    assert outcomes(found)["Letter"] == "left_out"
    assert "Nothing stands where it refers to 't.output'." in notes(found)["End"]


def test_what_an_app_of_dify_does_beside_its_graph_is_told():
    file = document("dify_branches.yml")
    file["workflow"]["features"] = {
        "opening_statement": "Hello!",
        "suggested_questions": [],
        "sensitive_word_avoidance": {"enabled": True, "type": "keywords"},
        "speech_to_text": {"enabled": False},
    }
    assert come(file).notes == (
        "What the app does beside its graph was dropped: "
        "opening_statement, sensitive_word_avoidance.",
    )
    assert come("dify_branches.yml").notes == ()


def test_what_every_run_visits_is_named_without_a_question():
    found = come("dify_branches.yml")
    assert "{{nodes.letter.text}}" in configs(found)["end"]["output"]
    assert "has(nodes.one)" in configs(found)["end"]["output"]


def test_a_condition_on_what_was_not_visited_is_one_on_an_empty_text():
    file = document("dify_branches.yml")
    graph = file["workflow"]["graph"]
    for operator, value, way in (("empty", "", "yes"), ("contains", "1", "no"), (">", "0", "no")):
        asked = {
            "comparison_operator": operator,
            "value": value,
            "variable_selector": ["a", "text"],
        }
        cases = [{"case_id": "true", "logical_operator": "and", "conditions": [asked]}]
        said = [{"variable": "x", "value_selector": ["v", "output"]}]
        nodes = [
            *(one for one in graph["nodes"] if one["id"] not in ("t", "e")),
            {"id": "t", "data": {"type": "if-else", "title": "Again", "cases": cases}},
            {"id": "e", "data": {"type": "answer", "title": "Yes", "answer": "yes"}},
            {"id": "n", "data": {"type": "answer", "title": "No", "answer": "no"}},
            {"id": "x", "data": {"type": "end", "title": "End", "outputs": said}},
        ]
        edges = [one for one in graph["edges"] if one["source"] != "t"]
        edges += [{"source": "t", "sourceHandle": "true", "target": "e"}]
        edges += [{"source": "t", "sourceHandle": "false", "target": "n"}]
        whole = {**file, "workflow": {"graph": {"nodes": nodes, "edges": edges}}}
        assert text_of(ran(come(whole), "another", two="2")) == way


@pytest.mark.parametrize(
    ("operator", "items", "way"),
    [
        ("empty", [], "yes"),
        ("empty", ["a"], "no"),
        ("not empty", [], "no"),
        ("not empty", ["a"], "yes"),
        ("not empty", None, "no"),
        ("contains", ["a", "b"], "yes"),
        ("contains", ["ab"], "no"),
        ("contains", None, "no"),
        ("not contains", ["b"], "yes"),
    ],
)
def test_a_condition_on_a_list_holds_as_there(operator, items, way):
    file = document("dify_branches.yml")
    selector = {
        "variable_selector": ["p", "structured_output", "items"],
        "varType": "array[string]",
    }
    asked = {"comparison_operator": operator, "value": "a", **selector}
    cases = [{"case_id": "true", "conditions": [asked]}]
    schema = {"type": "object", "properties": {"items": {"type": "array"}}}
    plan = {"structured_output_enabled": True, "structured_output": {"schema": schema}}
    nodes = [
        {"id": "s", "data": {"type": "start", "title": "Start"}},
        {"id": "p", "data": {"type": "llm", "title": "Plan", **plan}},
        {"id": "c", "data": {"type": "if-else", "title": "Which", "cases": cases}},
        {"id": "e", "data": {"type": "answer", "title": "Yes", "answer": "yes"}},
        {"id": "n", "data": {"type": "answer", "title": "No", "answer": "no"}},
    ]
    ways = [("s", "source", "p"), ("p", "source", "c"), ("c", "true", "e"), ("c", "false", "n")]
    edges = [{"source": one, "sourceHandle": by, "target": to} for one, by, to in ways]
    found = come({**file, "workflow": {"graph": {"nodes": nodes, "edges": edges}}})
    assert outcomes(found)["Which"] == "carried"
    answer = {} if items is None else {"items": items}
    assert text_of(ran(found, plan=json.dumps(answer))) == way


def test_a_condition_that_looks_into_files_is_never_true_and_that_is_told():
    file = document("dify_branches.yml")
    graph = file["workflow"]["graph"]
    asked = graph["nodes"][1]["data"]["cases"][0]["conditions"][0]
    inner = {"comparison_operator": "in", "key": "type", "value": ["image"]}
    asked.update(
        comparison_operator="not contains",
        variable_selector=["s", "who"],
        varType="array[file]",
        sub_variable_condition={"conditions": [inner], "logical_operator": "and"},
        value="",
    )
    found = come(file)
    assert "A condition is never true, for it looks into files." in notes(found)["Which"]
    assert "two: 2" in text_of(ran(found, "hello", one="1", two="2"))


def test_a_request_may_name_what_was_not_visited():
    file = document("dify_branches.yml")
    url = {"method": "get", "url": "https://example.com/?q={{#a.text#}}", "type": "http-request"}
    file["workflow"]["graph"]["nodes"][-2]["data"] = {**url, "title": "Ask"}
    found = come(file)
    assert configs(found)["ask"]["url"] == (
        "https://example.com/?q={{has(nodes.one) ? nodes.one.text : ''}}"
    )


# --- Dify: iterations, variables, answers that fit a schema --------------------------------------


def test_an_iteration_works_on_each_item_and_the_variables_are_set():
    found = come("dify_iteration.yml")
    done = ran(found, "birds")
    assert [one.messages[-1].text for one in done.services.asked] == [
        "Tell of cats (0)",
        "Tell of birds (2)",
    ]
    assert text_of(done) == ('5: ["answer to Tell of cats (0)", "", "answer to Tell of birds (2)"]')
    assert configs(found)["each"]["parallel"] == 4
    assert outcomes(found)["Not dogs"] == "carried"
    assert "'topics' is not set, for nothing here does 'remove-first'" in notes(found)["Note it"]
    assert "for the run" in notes(found)["Note it"]


@pytest.mark.parametrize(
    ("mode", "told"), [("continue-on-error", '["a", null]'), ("remove-abnormal-output", '["a"]')]
)
def test_an_item_that_fails_is_empty_or_left_out_as_there(mode, told):
    file = document("dify_iteration.yml")
    nodes = {one["id"]: one for one in file["workflow"]["graph"]["nodes"]}
    nodes["i"]["data"]["error_handle_mode"] = mode
    nodes["q"]["data"]["cases"][0]["conditions"][0]["value"] = "nothing"
    file["workflow"]["graph"]["nodes"] = [one for key, one in nodes.items() if key != "w"]
    edges = [one for one in file["workflow"]["graph"]["edges"] if one["source"] != "s"]
    file["workflow"]["graph"]["edges"] = [
        {**one, "source": "s"} if one["source"] == "w" else one for one in edges
    ]

    def says(question):
        return "a" if "cats" in question.messages[-1].text else NodeError("no", "no")

    assert text_of(ran(come(file), **{f"each[{at}]/tell": says for at in range(2)})) == f"2: {told}"


def test_lists_that_the_items_of_an_iteration_give_are_not_put_into_one_and_that_is_told():
    file = document("dify_iteration.yml")
    data = {one["id"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    assert "stay lists" not in notes(come(file))["Each"]
    schema = {"type": "object", "properties": {"names": {"type": "array"}}}
    data["l"] |= {"structured_output_enabled": True, "structured_output": {"schema": schema}}
    data["i"]["output_selector"] = ["l", "structured_output", "names"]
    assert "stay lists" in notes(come(file))["Each"]
    data["i"]["flatten_output"] = False
    assert "stay lists" not in notes(come(file))["Each"]


@pytest.mark.parametrize("change", ["list", "body", "start"])
def test_an_iteration_that_cannot_be_carried_is_left_out_with_all_in_it(change):
    file = document("dify_iteration.yml")
    nodes = file["workflow"]["graph"]["nodes"]
    data = {one["id"]: one["data"] for one in nodes}
    if change == "list":
        data["i"]["iterator_selector"] = ["code", "items"]
    elif change == "body":
        data["q"]["type"] = data["l"]["type"] = "code"
    else:
        file["workflow"]["graph"]["nodes"] = [one for one in nodes if one["id"] != "istart"]
    found = come(file)
    assert {outcomes(found)[title] for title in ("Each", "Not dogs", "Tell")} == {"left_out"}
    assert "Nothing stands where it refers to 'i.output'" in notes(found)["Answer"]
    assert text_of(ran(found)) == "5:"


def test_a_way_between_nodes_that_are_not_in_the_file_leads_nowhere_however_it_is_called():
    file = document("dify_iteration.yml")
    way = {"source": "gone", "sourceHandle": "each", "target": "gone too"}
    file["workflow"]["graph"]["edges"].append(way)
    assert come(file).graph == come("dify_iteration.yml").graph


def test_what_stands_in_an_iteration_is_not_named_outside_of_it():
    file = document("dify_iteration.yml")
    file["workflow"]["graph"]["nodes"][-1]["data"]["answer"] = "{{#l.text#}}{{#i.item#}}."
    found = come(file)
    assert text_of(ran(found)) == "."
    assert "'i.item'" in notes(found)["Answer"]


def test_an_assigner_of_an_old_file_sets_its_variable():
    file = document("dify_iteration.yml")
    data = {one["id"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    for name in ("items", "version"):
        del data["w"][name]
    data["w"] |= {
        "assigned_variable_selector": ["conversation", "topics"],
        "input_variable_selector": ["sys", "query"],
        "write_mode": "append",
    }
    assert text_of(ran(come(file), "birds")).count("answer") == 2


def test_an_assigner_that_names_no_variable_sets_none():
    file = document("dify_iteration.yml")
    data = {one["id"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    data["w"]["items"].append({"operation": "clear", "variable_selector": ["conversation"]})
    found = come(file)
    assert "only variables of the conversation" in notes(found)["Note it"]
    assert text_of(ran(found, "birds")).count("answer") == 2


def test_of_branches_that_set_one_variable_at_once_the_first_does_and_the_others_are_told():
    file = document("dify_iteration.yml")
    drawn = file["workflow"]["graph"]
    data = {one["id"]: one["data"] for one in drawn["nodes"]}
    data["a"]["answer"] = "{{#conversation.asked#}}"
    drawn["nodes"] = [one for one in drawn["nodes"] if one["id"] in ("s", "a")]
    for key, value in (("one", 1), ("two", 2), ("three", 3)):
        items = [
            {"input_type": "constant", "operation": "set", "value": said, "variable_selector": name}
            for name, said in ((["conversation", "asked"], value), (["conversation", key], "x"))
        ]
        step = {"type": "assigner", "title": key, "version": "2", "items": items}
        drawn["nodes"].append({"id": key, "type": "custom", "data": step})
        file["workflow"]["conversation_variables"].append({"name": key, "value_type": "string"})
    drawn["edges"] = [
        {"source": source, "sourceHandle": "source", "target": target}
        for source, target in (
            ("s", "one"),
            ("s", "two"),
            ("two", "three"),
            ("one", "a"),
            ("three", "a"),
        )
    ]
    found = come(file)
    assert text_of(ran(found)) == "1"
    assert "only read" not in notes(found)["one"]
    for key in ("two", "three"):
        assert outcomes(found)[key] == "approximated"
        assert "'asked' is only read, for 'one' may set it at the same time." in notes(found)[key]
    sets = {one["name"] for one in configs(found).values() if one.get("expression")}
    assert sets == {"asked", "one", "two", "three"}


def test_an_answer_that_fits_a_schema_is_read_field_by_field():
    found = come("dify_structured.yml")
    done = ran(found, read='{"name": "Ada"}')
    assert text_of(done) == "name: Ada\nage: "
    assert configs(found)["read"]["output_schema"]["required"] == ["name"]
    assert "role 'assistant' was dropped" in notes(found)["Read"]
    assert "structured" not in notes(found)["Read"]


def test_a_failure_is_told_where_dify_tells_it_and_nothing_was_said():
    told = text_of(ran(come("dify_structured.yml"), read="no JSON"))
    assert told.startswith("why: The answer does not fit")
    assert told.endswith("\nsaid: ")


@pytest.mark.parametrize(
    "schema", [{"$ref": "#/$defs/x"}, {"type": "object", "description": "Of {{name}}."}]
)
def test_a_schema_that_cannot_be_kept_is_told(schema):
    file = document("dify_structured.yml")
    data = {one["id"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    data["l"]["structured_output"]["schema"] = schema
    found = come(file)
    assert "output_schema" not in configs(found)["read"]
    assert "fit no schema here" in notes(found)["Read"]
    assert "Nothing stands where it refers to 'l.structured_output.name'" in notes(found)["End"]


# --- Dify: loops ---------------------------------------------------------------------------------


def looping(change=None):
    """The file of a loop, its node `u` or any other changed: `looping({"u": {...}})`."""
    file = document("dify_loop.yml")
    for one in file["workflow"]["graph"]["nodes"]:
        one["data"] |= (change or {}).get(one["id"], {})
    return file


def rounds(found, *says):
    """The run, its model saying one of these in each round."""
    said = iter(says)
    return ran(found, draft=lambda question: next(said))


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (["a", "b", "c"], '4, 3: c of ["first", "a", "b", "c"]'),
        (["a", "so good"], '2, 1: a of ["first", "a"]'),
        (["enough"], '2, 1: enough of ["first", "enough"]'),
    ],
    ids=["a variable", "its end", "what a node gave"],
)
def test_a_loop_of_dify_ends_as_there_with_its_variables(says, told):
    found = come("dify_loop.yml")
    done = rounds(found, *says)
    asked = [one.messages[-1].text for one in done.services.asked]
    better = zip(["hello", *says], range(1, len(says) + 1), strict=False)
    assert asked == [f"Better than {best} ({num})" for best, num in better]
    assert text_of(done) == told
    titles = ("Until", "Good", "Exit", "Answer")
    assert {outcomes(found)[title] for title in titles} == {"carried"}
    assert notes(found)["Keep it"] == "What it sets lasts for the run, not for the conversation."


def test_a_loop_of_dify_whose_condition_holds_at_once_makes_no_round():
    variables = document("dify_loop.yml")["workflow"]["graph"]["nodes"][1]["data"]
    [num, *others] = variables["loop_variables"]
    for value, told in (("4", "4"), (7.5, "7.5")):
        file = looping({"u": {"loop_variables": [{**num, "value": value}, *others]}})
        assert text_of(ran(come(file))) == f'{told}, 0: hello of ["first"]'


def test_a_loop_of_dify_makes_as_many_rounds_as_it_may():
    found = come(looping({"u": {"loop_count": 2}, "a": {"answer": "{{#u.loop_round#}}"}}))
    assert text_of(rounds(found, "a", "b")) == "2"
    found = come(looping({"u": {"loop_count": 5_000}}))
    assert "at most 1,000 rounds" in notes(found)["Until"]


def test_a_loop_without_conditions_or_variables_makes_all_its_rounds():
    plain = {"break_conditions": [], "loop_variables": [], "loop_count": 3}
    file = looping(
        {"u": plain, "d": {"prompt_template": [{"text": "go on"}]}, "a": {"answer": "x"}}
    )
    graph = file["workflow"]["graph"]
    graph["nodes"] = [one for one in graph["nodes"] if one["id"] not in ("q", "x", "w")]
    found = come(file)
    assert len(rounds(found, "a", "b", "c").services.asked) == 3
    assert (outcomes(found)["Until"], configs(found)["until"]["condition"]) == ("carried", None)


@pytest.mark.parametrize(("operator", "value"), [("is", True), ("is", "true"), ("is not", False)])
def test_a_loop_of_dify_ends_when_a_variable_is_true(operator, value):
    broken = {"comparison_operator": operator, "value": value, "varType": "boolean"}
    done = {"label": "done", "var_type": "boolean", "value_type": "constant", "value": False}
    sets = {"input_type": "constant", "operation": "over-write", "value": True}
    file = looping(
        {
            "u": {
                "break_conditions": [{**broken, "variable_selector": ["u", "done"]}],
                "loop_variables": [done],
            },
            "d": {"prompt_template": [{"text": "hello"}]},
            "w": {"items": [{**sets, "variable_selector": ["u", "done"]}]},
            "a": {"answer": "{{#u.done#}}"},
        }
    )
    found = come(file)
    assert text_of(rounds(found, "a")) == "true"
    assert outcomes(found)["Keep it"] == "carried"


def test_what_a_round_did_not_come_by_is_empty_in_it_though_an_earlier_one_did():
    file = looping({"u": {"loop_count": 2}, "a": {"answer": "{{#u.best#}}"}})
    graph = file["workflow"]["graph"]
    nodes = {one["id"]: one for one in graph["nodes"]}
    first = {"comparison_operator": "=", "value": "1", "varType": "number"}
    nodes["q"]["data"]["cases"][0]["conditions"] = [{**first, "variable_selector": ["u", "num"]}]
    nodes["x"]["data"] |= {
        "type": "template-transform",
        "title": "Seen",
        "template": "seen",
        "variables": [],
    }
    nodes["w"]["data"]["items"][1]["value"] = ["x", "output"]
    graph["edges"].append({"source": "x", "sourceHandle": "source", "target": "w"})
    assert text_of(rounds(come(file), "a", "b")) == ""


def test_a_variable_of_a_loop_that_was_not_come_by_is_empty():
    file = looping()
    graph = file["workflow"]["graph"]
    asked = {"comparison_operator": "is", "value": "loop", "variable_selector": ["sys", "query"]}
    which = {"type": "if-else", "title": "Which", "cases": [{"conditions": [asked]}]}
    graph["nodes"].append({"id": "c", "data": which})
    graph["edges"][0]["target"] = "c"
    graph["edges"].append({"source": "c", "sourceHandle": "true", "target": "u"})
    graph["edges"].append({"source": "c", "sourceHandle": "false", "target": "a"})
    assert text_of(ran(come(file))).strip() == ", 0:  of"


_VARIABLE = {"label": "num", "var_type": "number", "value_type": "constant", "value": "1"}
_BREAK = {"comparison_operator": "≥", "value": "4", "variable_selector": ["u", "num"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"loop_count": "many"}, "how many rounds"),
        ({"error_strategy": "fail-branch"}, "when it fails"),
        ({"loop_variables": [{**_VARIABLE, "value": "one"}]}, "'num' is no number"),
        ({"loop_variables": [{**_VARIABLE, "value": "NaN"}]}, "'num' cannot be said"),
        ({"loop_variables": [{**_VARIABLE, "var_type": "file"}]}, "'num' is no file"),
        (
            {"loop_variables": [{**_VARIABLE, "value_type": "variable", "value": ["k", "x"]}]},
            "'num' begins as 'k.x', which nothing here is",
        ),
        (
            {
                "loop_variables": [
                    {**_VARIABLE, "value": "sk-proj-" + "aB3" * 12, "var_type": "string"}
                ]
            },
            "a secret, which stays behind",
        ),
        ({"break_conditions": [{**_BREAK, "value": "{{#sys.query#}}"}]}, "more than a constant"),
        (
            {"break_conditions": [{**_BREAK, "variable_selector": ["u", "x"]}]},
            "nothing here is 'u.x'",
        ),
        ({"break_conditions": [_BREAK] * 100}, "the condition that ends it cannot be said"),
    ],
)
def test_a_loop_that_cannot_be_carried_is_left_out_with_all_in_it_and_the_report_says_why(
    change, reason
):
    found = come(looping({"u": change}))
    inside = ("Until", "Draft", "Good", "Exit", "Keep it")
    assert {outcomes(found)[title] for title in inside} == {"left_out"}
    assert reason in notes(found)["Until"]
    assert "draw a loop node in its place" in notes(found)["Until"]
    assert "Nothing stands where it refers to 'u.best'" in notes(found)["Answer"]
    assert text_of(ran(found)) == ", 0:  of"


def test_a_loop_in_whose_rounds_nothing_is_carried_is_left_out():
    found = come(looping({key: {"type": "code"} for key in ("d", "q", "w")}))
    assert "nothing that is done in its rounds" in notes(found)["Until"]
    assert text_of(ran(found)) == ", 0:  of"


def test_where_nothing_is_set_of_all_that_is_done_in_it_a_loop_or_an_iteration_is_left_out():
    items = {"items": [{"operation": "remove-first", "variable_selector": ["u", "num"]}]}
    code = {key: {"type": "code"} for key in ("d", "q", "x")}
    assert outcomes(come(looping({**code, "w": items})))["Until"] == "left_out"
    file = document("dify_iteration.yml")
    data = {one["id"]: one["data"] for one in file["workflow"]["graph"]["nodes"]}
    data["q"]["type"] = "code"
    data["l"] |= {"type": "assigner", "version": "2", **items}
    assert outcomes(come(file))["Each"] == "left_out"


def test_what_a_loop_holds_that_is_not_carried_is_passed_by_and_told():
    found = come(looping({"d": {"type": "code", "title": "Code"}, "u": {"break_conditions": []}}))
    assert (outcomes(found)["Until"], outcomes(found)["Code"]) == ("carried", "left_out")
    assert "'best' is not set, for nothing here is 'd.text'" in notes(found)["Keep it"]
    assert text_of(ran(found)) == '11, 10: hello of ["first"]'


def test_what_is_answered_in_the_rounds_of_a_loop_is_left_out_and_told():
    found = come(looping({"x": {"type": "answer", "title": "Soon", "answer": "{{#u.num#}}"}}))
    assert (outcomes(found)["Until"], outcomes(found)["Soon"]) == ("carried", "left_out")
    assert "in the middle of a loop" in notes(found)["Soon"]
    assert text_of(rounds(found, "good", "enough")).startswith("2, 1: enough")


@pytest.mark.parametrize("kind", ["loop-start", "loop-end"])
def test_what_begins_or_ends_a_loop_outside_of_any_is_left_out(kind):
    file = document("dify_branches.yml")
    file["workflow"]["graph"]["nodes"].append({"id": "x", "data": {"type": kind, "title": "Odd"}})
    assert outcomes(come(file))["Odd"] == "left_out"


def test_a_loop_in_a_loop_is_left_out_and_the_one_around_it_is_not():
    file = looping()
    graph = file["workflow"]["graph"]
    within = {"isInLoop": True, "loop_id": "u"}
    inner = {"type": "loop", "title": "Inner", "start_node_id": "istart", "loop_count": 3, **within}
    graph["nodes"] += [
        {"id": "i", "parentId": "u", "data": inner},
        {"id": "istart", "parentId": "i", "data": {"type": "loop-start", "isInLoop": True}},
        {"id": "t", "parentId": "i", "data": {"type": "llm", "title": "Deep", "loop_id": "i"}},
    ]
    graph["edges"] += [
        {"source": "istart", "sourceHandle": "source", "target": "t"},
        {"source": "w", "sourceHandle": "source", "target": "i"},
    ]
    found = come(file)
    assert (outcomes(found)["Inner"], outcomes(found)["Deep"]) == ("left_out", "left_out")
    assert text_of(rounds(found, "a", "b", "c")).startswith("4, 3: c")


def test_variables_of_a_loop_are_set_in_it_and_what_stands_in_it_is_named_in_it_only():
    file = looping({"a": {"answer": "{{#d.text#}}{{#u.num.x#}}."}})
    graph = file["workflow"]["graph"]
    item = {"input_type": "constant", "operation": "+=", "value": 1}
    item["variable_selector"] = ["u", "num"]
    later = {"type": "assigner", "title": "Later", "version": "2", "items": [item]}
    graph["nodes"].append({"id": "z", "data": later})
    graph["edges"].append({"source": "u", "sourceHandle": "source", "target": "z"})
    found = come(file)
    assert "or of the loop around it" in notes(found)["Later"]
    assert text_of(rounds(found, "a", "b", "c")) == "."
    assert "'d.text'" in notes(found)["Answer"]
    assert "'u.num.x'" in notes(found)["Answer"]


# --- Langflow ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "way"), [("7", "more"), ("+7.5e0", "more"), ("5", "less"), ("many", "less")]
)
def test_a_router_that_compares_numbers_goes_the_other_way_where_there_is_none(message, way):
    fields = {"operator": {"value": "greater than"}, "match_text": {"value": "5"}}
    parts = {
        "in": ("ChatInput", {}),
        "router": ("ConditionalRouter", fields),
        "more": ("ChatOutput", {}),
        "less": ("ChatOutput", {}),
    }
    wires = [
        ("in", "message", "router", "input_text"),
        ("router", "true_result", "more", "input_value"),
        ("router", "false_result", "less", "input_value"),
    ]
    nodes = [
        {"id": key, "data": {"type": kind, "node": {"display_name": key, "template": fields}}}
        for key, (kind, fields) in parts.items()
    ]
    edges = [
        {
            "source": one,
            "target": other,
            "data": {"sourceHandle": {"name": output}, "targetHandle": {"fieldName": field}},
        }
        for one, output, other, field in wires
    ]
    found = come({"name": "x", "data": {"nodes": nodes, "edges": edges}})
    visited = {one.node for one in ran(found, message).events if isinstance(one, NodeStarted)}
    assert visited == {"start", "router", way}


def test_a_router_that_leads_back_becomes_a_loop_that_decides_after_its_round():
    found = come("langflow_loop.json")
    answers = iter(["a", "b", "it is Done"])
    done = ran(found, "begin", draft=lambda question: next(answers))
    assert text_of(done) == "it is Done"
    asked = [one.messages for one in done.services.asked]
    assert [one[-1].text for one in asked] == ["begin", "a", "b"]
    assert asked[0][0].text == "Use {{name}} and {braces}."
    assert "a loop, of at most 4 rounds" in notes(found)["Done?"]


def test_a_router_that_leads_back_when_its_condition_holds_has_a_first_round_all_the_same():
    file = document("langflow_loop.json")
    for edge in file["data"]["edges"]:
        handle = edge["data"]["sourceHandle"]
        turned = {"true_result": "false_result", "false_result": "true_result"}
        handle["name"] = turned.get(handle["name"], handle["name"])
    file["data"]["nodes"][3]["data"]["node"]["template"]["match_text"]["value"] = "more"
    answers = iter(["some more", "enough"])
    done = ran(come(file), draft=lambda question: next(answers))
    assert text_of(done) == "enough"


def test_a_router_that_decides_before_its_round_may_have_none():
    file = document("langflow_loop.json")
    field = file["data"]["edges"][0]["data"]["targetHandle"]
    file["data"]["edges"][0]["target"] = "ConditionalRouter-d"
    field["fieldName"] = "input_text"
    found = come(file)
    assert text_of(ran(found, "done before it began")) == "done before it began"
    done = ran(found, "begin", draft="done")
    assert (text_of(done), len(done.services.asked)) == ("done", 1)


def test_the_rounds_of_a_loop_are_bounded_as_there():
    done = ran(come("langflow_loop.json"), draft="never")
    assert len(done.services.asked) == 4


@pytest.mark.parametrize(
    ("operator", "text"),
    [
        ("regex", "(?=.*done).*it"),
        ("contains", "what we say when it is done " * 10),
        ("less than", "inf"),
    ],
)
def test_a_router_whose_comparison_cannot_be_said_here_is_never_true_and_that_is_told(
    operator, text
):
    file = document("langflow_loop.json")
    fields = file["data"]["nodes"][3]["data"]["node"]["template"]
    fields["operator"], fields["match_text"] = {"value": operator}, {"value": text}
    found = come(file)
    assert "No further round begins, for " in notes(found)["Done?"]
    assert text_of(ran(found, draft="so far")) == "so far"
    file["data"]["edges"] = [
        one for one in file["data"]["edges"] if one["target"] == "ChatOutput-e"
    ]
    file["data"]["edges"].append(
        {
            "source": "ChatInput-a",
            "target": "ConditionalRouter-d",
            "data": {"sourceHandle": {"name": "m"}, "targetHandle": {"fieldName": "input_text"}},
        }
    )
    assert "Its condition is never true, for " in notes(come(file))["Done?"]


def test_a_round_that_is_no_whole_one_is_left_out_and_told():
    file = document("langflow_loop.json")
    file["data"]["edges"].append(
        {
            "source": "OpenAIModel-c",
            "target": "ChatOutput-e",
            "data": {"sourceHandle": {"name": "text_output"}, "targetHandle": {"fieldName": "x"}},
        }
    )
    found = come(file)
    assert "Its way back to 'Draft' is left out" in notes(found)["Done?"]
    assert text_of(ran(found, draft="it is done")).startswith("it is done")


def test_a_circle_of_models_comes_in_without_what_closes_it():
    file = document("langflow_loop.json")
    file["data"]["nodes"][3]["data"]["type"] = "OpenAIModel"
    found = come(file)
    assert "Its way back to 'Draft' is left out" in notes(found)["Done?"]
    assert len(ran(found).services.asked) == 2


def test_a_model_that_is_given_texts_of_both_ways_is_told_the_one_taken():
    file = document("langflow_loop.json")
    models = [("X", "One", ""), ("Y", "Two", ""), ("Z", "Last", "")]
    nodes = [one for one in file["data"]["nodes"] if one["id"] != "OpenAIModel-c"]
    file["data"]["nodes"] = nodes + [
        {"id": key, "data": {"type": "OpenAIModel", "node": {"display_name": title}}}
        for key, title, _ in models
    ]
    wires = [
        ("ChatInput-a", "message", "ConditionalRouter-d", "input_text"),
        ("ConditionalRouter-d", "true_result", "X", "input_value"),
        ("ConditionalRouter-d", "false_result", "Y", "input_value"),
        ("X", "text_output", "Z", "system_message"),
        ("Y", "text_output", "Z", "input_value"),
        ("Z", "text_output", "ChatOutput-e", "input_value"),
    ]
    file["data"]["edges"] = [
        {
            "source": source,
            "target": target,
            "data": {"sourceHandle": {"name": output}, "targetHandle": {"fieldName": field}},
        }
        for source, output, target, field in wires
    ]
    done = ran(come(file), "it is not", one="1", two="2", last="3")
    assert text_of(done) == "3"
    assert [one.text for one in done.services.asked[-1].messages] == ["2"]


def test_an_agent_calls_the_tools_that_there_are():
    found = come("langflow_agent.json")
    call = {"id": "1", "name": "calculator", "args": {"expression": "1 + 1"}}
    answers = iter([FakeReply("", tool_calls=(call,)), FakeReply("two")])
    done = ran(found, "1 + 1?", agent=lambda question: next(answers))
    assert text_of(done) == "two"
    assert [one.tool for one in done.services.called] == ["calculator"]
    assert configs(found)["agent"]["tools"] == ["calculator", "clock"]
    assert outcomes(found) | {"Calculator": "approximated", "Yahoo Finance": "left_out"} == (
        outcomes(found)
    )
    assert "the tool 'calculator'" in notes(found)["Calculator"]
    assert configs(found)["memory"]["window"] == 30


class Refusing:
    """A world in which no tool may be used and no model can do anything."""

    def model(self, name):
        return None

    def may_use(self, tool):
        return False


def test_an_agent_whose_tools_may_not_be_used_is_a_model_and_that_is_told():
    found = come("langflow_agent.json", world=Refusing())
    assert "tools" not in configs(found)["agent"]
    assert outcomes(found)["Calculator"] == "left_out"
    assert "calls no tools" in notes(found)["Calculator"]
    assert text_of(ran(found, agent="plain")) == "plain"


OF_OLD = {"provider": {"value": "OpenAI"}, "model_name": {"value": "gpt-4o-mini"}}
OF_TODAY = {"model": {"value": [{"name": "gpt-4o-mini", "provider": "OpenAI", "metadata": {}}]}}


@pytest.mark.parametrize(("lent", "name"), [(OF_OLD, "agent_llm"), (OF_TODAY, "model")])
def test_an_agent_asks_the_model_it_is_lent(lent, name):
    file = document("langflow_agent.json")
    node = {"display_name": "Model", "template": lent}
    file["data"]["nodes"].append({"id": "M", "data": {"type": "LanguageModel", "node": node}})
    handles = {
        "sourceHandle": {"name": "model_output"},
        "targetHandle": {"fieldName": name},
    }
    file["data"]["edges"].append({"source": "M", "target": "Agent-d", "data": handles})
    found = come(file)
    assert outcomes(found)["Model"] == "left_out"
    assert "openai:gpt-4o-mini is not known" in notes(found)["Agent"]
    assert len(ran(found).services.asked) == 1


def test_a_model_that_is_only_lent_is_no_step_of_its_own_whoever_asks_it():
    file = document("langflow_agent.json")
    nodes, wires = file["data"]["nodes"], file["data"]["edges"]
    for key, kind in (("M", "LanguageModelComponent"), ("S", "StructuredOutput")):
        node = {"display_name": key, "template": OF_TODAY}
        nodes.append({"id": key, "data": {"type": kind, "node": node}})
    handles = {"sourceHandle": {"name": "model_output"}, "targetHandle": {"fieldName": "llm"}}
    wires.append({"source": "M", "target": "S", "data": handles})
    found = come(file)
    assert outcomes(found)["M"] == outcomes(found)["S"] == "left_out"
    assert len(ran(found).services.asked) == 1


# --- both ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dify_branches.yml", "langflow_loop.json"])
def test_a_node_whose_id_another_has_is_told(name):
    file = document(name)
    graph = file["workflow"]["graph"] if "workflow" in file else file["data"]
    twin = json.loads(json.dumps(graph["nodes"][2]))
    graph["nodes"].append(twin)
    found = come(file)
    assert len(found.nodes) == len(graph["nodes"])
    assert found.nodes[-1].outcome == "left_out"
    assert "Another node of the file has its id" in found.nodes[-1].notes[0]


def test_a_constant_text_stands_where_it_was_used():
    file = document("langflow_loop.json")
    edge = {"sourceHandle": {"name": "text"}, "targetHandle": {"fieldName": "input_value"}}
    output = {"id": "o", "data": {"type": "ChatOutput", "node": {"display_name": "Told"}}}
    file["data"]["nodes"].append(output)
    file["data"]["edges"].append({"source": "TextInput-b", "target": "o", "data": edge})
    found = come(file)
    assert configs(found)["told"]["output"] == 'Use {{"{{"}}name}} and {braces}.'
    assert notes(found)["Rules"] == "Its text stands where it was used."


# --- what has no end is ended where nothing follows ----------------------------------------------


def without(name, *kinds):
    """A file without the nodes of these types."""
    file = document(name)
    whole = file["workflow"]["graph"] if "workflow" in file else file["data"]
    whole["nodes"] = [one for one in whole["nodes"] if one["data"]["type"] not in kinds]
    ids = {one["id"] for one in whole["nodes"]}
    whole["edges"] = [one for one in whole["edges"] if {one["source"], one["target"]} <= ids]
    return file


@pytest.mark.parametrize("kind", ["tool", "end"])
def test_a_choice_that_no_known_node_follows_ends_both_ways(kind):
    file = document("dify_workflow.json")
    for one in file["workflow"]["graph"]["nodes"]:
        if one["data"]["type"] == "end":
            one["data"]["type"] = "tool"
    found = come(file if kind == "tool" else without("dify_workflow.json", "end"))
    ends = [one for one in found.graph["edges"] if one["target"] == "end"]
    assert [one["source_port"] for one in ends] == ["false", "true"]


def test_an_iteration_at_the_end_answers_with_what_its_items_gave():
    done = ran(come(without("dify_iteration.yml", "answer")), "birds")
    assert text_of(done) == "answer to Tell of cats (0)\n\nanswer to Tell of birds (2)"


def test_a_loop_at_the_end_answers_with_its_last_round():
    found = come(without("langflow_loop.json", "ChatOutput"))
    assert text_of(ran(found, draft="it is done")) == "it is done"


def test_a_loop_that_is_given_constants_alone_follows_the_start():
    found = come(without("langflow_loop.json", "ChatInput"))
    assert "Nothing led here; it follows the start." in notes(found)["Done?"]
    assert text_of(ran(found, draft="it is done")) == "it is done"
