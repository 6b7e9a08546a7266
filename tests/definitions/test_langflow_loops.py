"""Langflow's loops come in as maps, with the lists they go over and what is made of their results.

What cannot come is told, and the rest of the file comes in.
"""

import json
import time

import pytest

from tests.definitions.test_imported_runs import (
    come,
    configs,
    document,
    notes,
    outcomes,
    ran,
    text_of,
)
from workflows.engine.events import NodeStarted
from workflows.interchange.foreign import Known
from workflows.interchange.reading import read
from workflows.interchange.report import Unreadable
from workflows.registry import NODE_TYPES

DRAW = "draw a map node in its place"
START = ("in", "ChatInput", {})
END = ("out", "ChatOutput", {})
LOOP = ("loop", "LoopComponent", {})
MODEL = ("model", "OpenAIModel", {})


def flow(*nodes, ways):
    """A file with these `(id, type, fields)`; ways are "id.output>id.field"."""
    drawn = [
        {
            "id": key,
            "data": {
                "type": kind,
                "node": {
                    "display_name": key,
                    "template": {name: {"value": value} for name, value in fields.items()},
                },
            },
        }
        for key, kind, fields in nodes
    ]
    edges = []
    for way in ways:
        (source, output), (target, field) = (end.split(".") for end in way.split(">"))
        into = {"name": field} if field == "item" else {"fieldName": field}
        handles = {"sourceHandle": {"name": output}, "targetHandle": into}
        edges.append({"source": source, "target": target, "data": handles})
    return {"name": "x", "data": {"nodes": drawn, "edges": edges}}


def words(*texts):
    return ("list", "CreateList", {"texts": list(texts)})


def parser(key, pattern, **fields):
    return (key, "ParserComponent", {"pattern": pattern, "sep": "\n", **fields})


def prompt(key, text):
    return (key, "Prompt", {"template": text})


def router(key, text, **fields):
    return (key, "ConditionalRouter", {"operator": "contains", "match_text": text, **fields})


def each(*body, ways, then=(), texts=("a", "b"), ends=("loop.done>out.input_value",)):
    """A flow that goes over a list; what is done for an item is `body`."""
    ways = ["list.list>loop.data", *ways, *ends]
    return flow(START, words(*texts), LOOP, *body, *then, END, ways=ways)


SAY = parser("say", "<{text}>")
SAYING = ("loop.item>say.input_data", "say.parsed_text>loop.item")
JOINED = ("loop.done>join.input_data", "join.parsed_text>out.input_value")


# --- loops ---------------------------------------------------------------------------------------


def test_a_loop_of_langflow_does_each_item_of_its_list_and_gives_what_comes_back():
    found = come("langflow_each.json")
    done = ran(found)
    assert text_of(done) == (
        "* answer to Tell of cats, as {JSON}.\n"
        "* answer to Tell of dogs {a}, as {JSON}.\n"
        "* answer to Tell of {{birds}}, as {JSON}."
    )
    assert [one.messages[0].text for one in done.services.asked] == ["Be brief."] * 3
    assert configs(found)["loop"]["parallel"] == 1, "one after another, as there"
    assert (outcomes(found)["Loop"], notes(found)["Loop"]) == ("carried", "")
    became = {one.title: one.became for one in found.nodes}
    assert (became["Words"], became["Loop"]) == (["words"], ["loop"])


def test_a_loop_comes_in_from_a_file_that_has_its_handles_as_texts():
    file = document("langflow_each.json")
    for edge in file["data"]["edges"]:
        for side, handle in edge.pop("data").items():
            edge[side] = json.dumps(handle).replace('"', "œ")
    assert come(file).graph == come("langflow_each.json").graph


def test_for_an_item_all_that_was_there_before_can_be_told():
    body = (prompt("both", "{one} for {who}"), SAY, MODEL)
    ways = [
        "loop.item>say.input_data",
        "say.parsed_text>both.one",
        "in.message>both.who",
        "both.prompt>model.input_value",
        "model.text_output>loop.item",
    ]
    done = ran(come(each(*body, ways=ways)), "Ada")
    asked = [one.messages[-1].text for one in done.services.asked]
    assert asked == ["<a> for Ada", "<b> for Ada"]


def test_what_is_done_for_an_item_may_be_no_more_than_a_template():
    file = each(SAY, ways=SAYING, then=[parser("join", "{text}", sep=", ")], ends=JOINED)
    found = come(file)
    assert text_of(ran(found)) == "<a>, <b>"
    assert outcomes(found)["say"] == "carried"


def test_a_router_in_a_loop_chooses_for_each_item():
    body = (router("which", "a"), MODEL)
    ways = [
        "loop.item>which.input_text",
        "which.true_result>model.input_value",
        "model.text_output>loop.item",
        "which.false_result>loop.item",
    ]
    file = each(*body, ways=ways, then=[parser("join", "{text}")], ends=JOINED)
    assert text_of(ran(come(file))) == "answer to a\nb"
    alone = ["loop.item>which.input_text", "which.false_result>loop.item"]
    found = come(each(router("which", "a"), ways=alone))
    assert outcomes(found)["loop"] == "carried"
    assert text_of(ran(found)) == "b"


def test_a_loop_goes_over_what_another_gave():
    again = ("again", "LoopComponent", {})
    more = parser("more", "{text}!")
    ends = [
        "loop.done>again.data",
        "again.item>more.input_data",
        "more.parsed_text>again.item",
        "again.done>join.input_data",
        "join.parsed_text>out.input_value",
    ]
    file = each(SAY, ways=SAYING, then=[again, more, parser("join", "{text}")], ends=ends)
    assert text_of(ran(come(file))) == "<a>!\n<b>!"


@pytest.mark.parametrize(("message", "told"), [("go on", "<go on>!go on"), ("stop", "")])
def test_a_loop_over_what_another_may_not_have_given_goes_over_nothing(message, told):
    nodes = (router("which", "go"), LOOP, SAY, ("again", "LoopComponent", {}))
    more = prompt("more", "{one}!{who}")
    ways = [
        "in.message>which.input_text",
        "which.true_result>loop.data",
        *SAYING,
        "loop.done>again.data",
        "again.item>more.one",
        "in.message>more.who",
        "more.prompt>again.item",
        "again.done>join.input_data",
        "join.parsed_text>out.input_value",
    ]
    found = come(flow(START, *nodes, more, parser("join", "{text}"), END, ways=ways))
    assert text_of(ran(found, message)) == told
    assert "Its template stands once, around all items" in notes(found)["join"]


def test_a_text_is_a_list_of_one():
    ways = ["in.message>convert.input_data", "convert.dataframe_output>loop.data", *SAYING, *JOINED]
    convert = ("convert", "TypeConverterComponent", {"output_type": "DataFrame"})
    found = come(flow(START, convert, LOOP, SAY, parser("join", "{text}"), END, ways=ways))
    assert text_of(ran(found, "x")) == "<x>"


@pytest.mark.parametrize("kind", ["File", "SplitText", "LoopComponent", "Memory"])
def test_a_loop_over_a_list_that_is_not_known_here_is_left_out_and_told(kind):
    ways = ["source.data>loop.data", *SAYING, "loop.done>out.input_value"]
    found = come(flow(START, ("source", kind, {}), LOOP, SAY, END, ways=ways))
    assert outcomes(found)["loop"] == "left_out"
    assert "The list that it goes over is not known here" in notes(found)["loop"]
    assert DRAW in notes(found)["loop"]
    assert "done once, with what reaches it" in notes(found)["loop"]
    assert "Its way back to 'loop' is left out" in notes(found)["say"]
    ran(found)


@pytest.mark.parametrize(
    "texts", [[], ["sk-proj-abcdefghijklmnop1234567890abcdefgh"], ["x"] * 1001, "one"]
)
def test_a_list_that_cannot_be_kept_is_left_out_with_what_goes_over_it(texts):
    file = each(SAY, ways=SAYING)
    file["data"]["nodes"][1]["data"]["node"]["template"]["texts"]["value"] = texts
    found = come(file)
    assert outcomes(found)["list"] == outcomes(found)["loop"] == "left_out"
    assert "abcdefgh" not in json.dumps([found.report(), found.graph])


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ((("code", "Custom", {}),), ["loop.item>code.x", "code.out>loop.item"]),
        ((), ["loop.item>loop.item"]),
        ((SAY,), ["loop.item>say.input_data"]),
        ((SAY, MODEL), [*SAYING, "say.parsed_text>model.input_value"]),
    ],
    ids=["nothing known", "nothing", "no way back", "a way out"],
)
def test_a_loop_that_does_nothing_here_or_is_left_in_the_middle_is_left_out_and_told(body, ways):
    found = come(each(*body, ways=ways))
    assert outcomes(found)["loop"] == "left_out"
    assert "What is done for an item makes no whole round here" in notes(found)["loop"]
    ran(found)


def test_what_a_round_says_is_told_to_be_lost():
    file = each(SAY, ("said", "ChatOutput", {}), ways=[*SAYING, "say.parsed_text>said.input_value"])
    found = come(file)
    assert outcomes(found)["loop"] == "carried"
    assert outcomes(found)["said"] == "left_out"
    assert "What a round says is not told here" in notes(found)["said"]
    assert text_of(ran(found)) == "<a>\n\n<b>"


# --- what is made of lists -----------------------------------------------------------------------


def test_a_list_where_a_text_is_asked_for_stands_item_by_item_and_that_is_told():
    found = come(each(SAY, ways=SAYING))
    assert text_of(ran(found)) == "<a>\n\n<b>"
    assert "There a list is a table" in notes(found)["out"]


@pytest.mark.parametrize(("length", "told"), [(20, False), (21, True)])
def test_a_template_stands_once_for_each_item_or_it_is_told(length, told):
    join = parser("join", "* {text}")
    file = each(SAY, ways=SAYING, then=[join], ends=JOINED, texts=["x"] * length)
    found = come(file)
    assert text_of(ran(found)).count("* ") == (1 if told else length)
    assert ("Its template stands once, around all items" in notes(found)["join"]) is told


def test_the_texts_of_a_list_are_formatted_without_a_loop():
    join = ("join", "ParseDataFrame", {"template": "{text} {{x}}", "sep": "{{"})
    ways = ["list.dataframe>join.df", "join.text>out.input_value"]
    found = come(flow(words("a", "{{b}}", *"c" * 98), join, END, ways=ways))
    assert text_of(ran(found)).startswith("a {x}{{{{b}} {x}{{c {x}{{c")


def test_the_report_says_what_a_parser_makes_of_data_that_is_not_made_here():
    say = parser("say", "{text} by {author}{}", mode="Parser")
    found = come(each(say, ways=SAYING))
    assert "Nothing stands where 'author' of its data did." in notes(found)["say"]
    assert text_of(ran(found)) == "a by \n\nb by "
    say = parser("say", "{text} by {author}", mode="Stringify")
    found = come(each(say, ways=SAYING))
    assert "they may be JSON or a table" in notes(found)["say"]
    assert text_of(ran(found)) == "a\n\nb"


def test_a_list_that_a_parser_makes_of_a_list_is_told_to_be_lost():
    data = ("data", "ParseData", {"template": "{text}"})
    ways = ["list.list>data.data", "data.data_list>loop.data", *SAYING, "loop.done>out.input_value"]
    found = come(flow(words("a"), data, LOOP, SAY, END, ways=ways))
    assert outcomes(found)["data"] == outcomes(found)["loop"] == "left_out"
    assert "Nothing here makes a list of texts of a list" in notes(found)["data"]


def test_parsers_that_become_too_long_are_refused_before_they_are_put_together():
    join = parser("join", "{text}" * 5_000)
    ways = ["list.list>join.input_data", "join.parsed_text>out.input_value"]
    with pytest.raises(Unreadable, match="become too long"):
        read(flow(words(*["x" * 50] * 900), join, END, ways=ways), Known((), NODE_TYPES.keys()))


def test_what_only_converts_hands_on_what_it_is_given():
    convert = ("convert", "TypeConverterComponent", {"auto_parse": True})
    ways = [
        "in.message>data.message",
        "data.data>convert.input_data",
        "convert.data_output>say.input_data",
        "say.parsed_text>model.input_value",
        "model.text_output>out.input_value",
    ]
    nodes = (START, ("data", "MessagetoData", {}), convert, parser("say", "{text}?"), MODEL, END)
    found = come(flow(*nodes, ways=ways))
    assert text_of(ran(found, "x")) == "answer to x?"
    assert "what it was given goes on as it is" in notes(found)["data"]
    assert "does not look for JSON" in notes(found)["convert"]


def test_what_only_converts_may_go_round():
    names = [f"data{at}" for at in range(24)]
    round_ = [f"{one}.data>{other}.message" for one in names for other in names]
    converters = [(name, "MessagetoData", {}) for name in names]
    ways = ["in.message>data0.message", *round_, "data9.data>out.input_value"]
    began = time.process_time()
    assert text_of(ran(come(flow(START, *converters, END, ways=ways)), "x")) == "x"
    assert time.process_time() - began < 1


def test_loops_may_stand_in_loops_however_many():
    ways, before = [], "list.list"
    for at in range(280):
        ways += [f"{before}>loop{at}.data", f"loop{at}.done>loop{at - 1}.item"][: at + 1]
        before = f"loop{at}.item"
    ways += [f"{before}>model.input_value", "model.text_output>loop279.item"]
    loops = [(f"loop{at}", "LoopComponent", {}) for at in range(280)]
    began = time.process_time()
    ways.append("loop0.done>out.input_value")
    found = read(flow(words("a"), *loops, MODEL, END, ways=ways), Known((), NODE_TYPES.keys()))
    assert time.process_time() - began < 5
    assert outcomes(found)["loop279"] == "carried"


# --- templates and outputs as steps --------------------------------------------------------------


def test_a_round_of_a_router_may_be_no_more_than_a_prompt():
    ways = [
        "in.message>again.input_text",
        "again.false_result>more.x",
        "more.prompt>again.input_text",
        "again.true_result>out.input_value",
    ]
    found = come(flow(START, prompt("more", "{x}!"), router("again", "!!!"), END, ways=ways))
    assert text_of(ran(found, "so")) == "so!!!"
    assert "a loop, of at most 10 rounds" in notes(found)["again"]
    assert outcomes(found)["more"] == "carried"


@pytest.mark.parametrize("kind", ["Custom", "Memory", "SmartRouter"])
def test_a_round_of_which_nothing_comes_in_is_left_out_and_the_file_comes_in(kind):
    ways = [
        "in.message>again.input_text",
        "again.false_result>code.x",
        "code.text>again.input_text",
        "again.true_result>out.input_value",
    ]
    found = come(flow(START, ("code", kind, {}), router("again", "so"), END, ways=ways))
    assert "Its way back to 'again' is left out" in notes(found)["code"]
    visited = [one.node for one in ran(found, "so").events if isinstance(one, NodeStarted)]
    assert visited == ["start", "again", "out"]


def test_a_router_goes_by_the_text_of_a_prompt():
    ways = [
        "in.message>asked.x",
        "asked.prompt>which.input_text",
        "which.true_result>out.input_value",
        "which.false_result>model.input_value",
        "model.text_output>other.input_value",
    ]
    asked, which = prompt("asked", "{x} please"), router("which", "so please")
    nodes = (START, asked, which, MODEL, END, ("other", "ChatOutput", {}))
    found = come(flow(*nodes, ways=ways))
    assert text_of(ran(found, "so")) == "so please"
    assert text_of(ran(found, "no")) == "answer to no please"


def test_an_output_that_is_given_a_prompt_says_its_text():
    ways = ["in.message>asked.x", "asked.prompt>out.input_value"]
    assert text_of(ran(come(flow(START, prompt("asked", "Dear {x}"), END, ways=ways)))) == (
        "Dear hello"
    )
    ways = ["in.message>asked.y", "asked.prompt>out.input_value"]
    assert text_of(ran(come(flow(START, prompt("asked", "{x}"), END, ways=ways)))) == ""


def test_what_follows_an_output_or_a_text_that_is_given_is_given_the_same():
    ways = [
        "in.message>model.input_value",
        "model.text_output>said.input_value",
        "said.message>text.input_value",
        "text.text>last.input_value",
        "last.text_output>out.input_value",
    ]
    middle = (("said", "ChatOutput", {}), ("text", "TextInput", {"input_value": "mine"}))
    found = come(flow(START, MODEL, *middle, ("last", "OpenAIModel", {}), END, ways=ways))
    done = ran(found)
    asked = [one.messages[-1].text for one in done.services.asked]
    assert asked == ["hello", "answer to hello"]
    assert outcomes(found)["said"] == "carried"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{{x}}}", "{hello}"),
        ("{{{{x}}}}", "{{x}}"),
        ("{{{{{x}}}}}", "{{hello}}"),
        ('{{"a": "{x}"}}', '{"a": "hello"}'),
    ],
)
def test_braces_of_a_prompt_stay_braces(template, said):
    ways = ["in.message>asked.x", "asked.prompt>out.input_value"]
    assert text_of(ran(come(flow(START, prompt("asked", template), END, ways=ways)))) == said
