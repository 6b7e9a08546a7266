"""Whom Dify asks is asked here, and the run goes on as it would there; what could not come is told.

Its published format is that of `api/core/workflow/nodes/human_input/entities.py` (the form and its
actions) and `human_input_v2/entities.py` (to whom it goes) in langgenius/dify.
"""

import json
import tracemalloc

import pytest

from tests.approvals.desk import APPROVALS, later
from tests.definitions.conftest import DEFINITIONS
from tests.definitions.test_imported_runs import (
    come,
    configs,
    document,
    notes,
    outcomes,
    text_of,
)
from tests.definitions.test_interchange import IMPORT, file
from tests.fakes import FakeServices, run_graph
from workflows.engine.pausing import Decision
from workflows.interchange.foreign import Known
from workflows.interchange.reading import read
from workflows.interchange.report import Unreadable
from workflows.registry import NODE_TYPES

LOOK = "look_at_it"
ALL = Known(set(), NODE_TYPES.keys())


def changed(**data):
    """The file, with these settings of the node that asks."""
    value = document("dify_human.yml")
    nodes = {one["id"]: one["data"] for one in value["workflow"]["graph"]["nodes"]}
    nodes["h"].update(data)
    return value


def without(value, *ids):
    graph = value["workflow"]["graph"]
    graph["nodes"] = [one for one in graph["nodes"] if one["id"] not in ids]
    graph["edges"] = [one for one in graph["edges"] if not {one["source"], one["target"]} & {*ids}]
    return value


def also(value, key, data, *ways):
    """The file with a node more, and ways written "a.handle>b"."""
    graph = value["workflow"]["graph"]
    graph["nodes"].append({"id": key, "data": data})
    for way in ways:
        source, target = way.split(">")
        source, _, handle = source.partition(".")
        link = {"source": source, "sourceHandle": handle or "source", "target": target}
        graph["edges"].append(link)
    return value


def actions(*ids, primary=""):
    return [
        {"id": one, "title": one.upper(), "button_style": "primary" if one == primary else "ghost"}
        for one in ids
    ]


def ran(found, decision, message="hello", **answer):
    """The run of what came in, in which this is decided."""
    nodes = {one["id"]: one for one in found.graph["nodes"]}
    edges = [
        f"{one['source']}.{one['source_port']}>{one['target']}" for one in found.graph["edges"]
    ]
    decided = {LOOK: Decision(decision, answer or None)}
    return run_graph(nodes, edges, message, FakeServices(decided=decided))


def pressed(found, action, **fields):
    return text_of(ran(found, "approved", **fields, __action_id=action))


# --- what is chosen in a form --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("post", "Send it, warm: answer to hello"),
        ("again", "answer to shorter, not answer to hello"),
        ("drop", "drop"),
    ],
)
def test_each_of_many_actions_goes_its_way_with_what_was_filled_in(action, told):
    found = come("dify_human.yml")
    assert pressed(found, action, feedback="shorter", tone="warm") == told


@pytest.mark.parametrize("decision", ["expired", "rejected"])
def test_what_follows_a_timeout_follows_when_nobody_has_decided_in_time(decision):
    found = come("dify_human.yml")
    assert text_of(ran(found, decision)) == "nobody"
    assert "who rejects lets the run go on as when nobody has decided" in notes(found)["Look at it"]


def test_the_form_asks_what_it_asked_there_and_shows_its_text():
    found = come("dify_human.yml")
    [wanted] = ran(found, "expired").services.wanted
    assert (wanted.question, wanted.deadline_s) == ("Look at it", 2 * 24 * 3600)
    assert wanted.shown == "# The letter\nanswer to hello\n\n[feedback]\n[tone]"
    fields = wanted.form["properties"]
    assert fields["feedback"] == {"type": "string", "default": "as it is"}
    assert fields["tone"] == {"type": "string", "enum": ["warm", "dry"]}
    assert fields["__action_id"]["enum"] == ["post", "again", "drop"]
    assert "again: Write it again" in fields["__action_id"]["description"]
    assert wanted.form["required"] == ["tone", "__action_id"]


def test_a_field_that_is_left_empty_is_an_empty_text():
    assert pressed(come("dify_human.yml"), "again", tone="dry") == "answer to , not answer to hello"


def test_two_actions_with_something_to_fill_in_are_asked_for_in_the_form():
    found = come(changed(user_actions=actions("post", "again")))
    assert pressed(found, "again", feedback="no", tone="dry") == "answer to no, not answer to hello"
    assert pressed(found, "post", tone="dry") == "POST, dry: answer to hello"
    assert "Its way by 'drop' is lost: it offers none of that name." in notes(found)["Look at it"]


# --- what is approved or rejected ----------------------------------------------------------------


@pytest.mark.parametrize("primary", ["again", "post", ""])
def test_of_two_actions_the_primary_one_or_the_first_approves_and_the_other_rejects(primary):
    found = come(changed(inputs=[], user_actions=actions("post", "again", primary=primary)))
    approves, rejects = ("again", "post") if primary == "again" else ("post", "again")
    assert configs(found)[LOOK]["form"] is None
    told = f"'{approves.upper()}' is to approve here, and '{rejects.upper()}' to reject."
    assert told in notes(found)["Look at it"]
    said = {"post": "POST, : answer to hello", "again": "answer to , not answer to hello"}
    assert text_of(ran(found, "approved")) == said[approves]
    assert text_of(ran(found, "rejected")) == said[rejects]
    assert text_of(ran(found, "expired")) == "nobody"


def test_one_action_approves_and_what_was_filled_in_is_there():
    found = come(without(changed(user_actions=actions("post")), "r", "a", "x"))
    assert text_of(ran(found, "approved", tone="dry")) == "POST, dry: answer to hello"
    assert text_of(ran(found, "expired")) == "nobody"
    assert "'POST' is to approve here; who rejects" in notes(found)["Look at it"]


def test_a_run_ends_where_nothing_follows_a_timeout():
    value = changed(inputs=[], user_actions=actions("post", "again"))
    assert text_of(ran(come(without(value, "x", "n")), "expired")) == ""


def test_a_model_behind_it_is_asked_about_the_text_that_came_to_it():
    asks = {"type": "llm", "title": "Last", "prompt_template": [{"text": "{{#d.text#}}"}]}
    ends = {"type": "answer", "title": "Told", "answer": "{{#m.text#}}"}
    value = also(changed(), "m", asks, "h.__timeout>m", "m>t")
    found = come(also(value, "t", ends))
    assert "last_question" not in configs(found)
    assert text_of(ran(found, "expired")) == "nobody\n\nanswer to answer to hello"


# --- what is named elsewhere ---------------------------------------------------------------------


def asks(operator, value, *selector):
    """A condition, as a node."""
    test = {"comparison_operator": operator, "value": value, "variable_selector": [*selector]}
    return {"type": "if-else", "cases": [{"case_id": "true", "conditions": [test]}]}


def test_where_its_ways_meet_the_action_is_named_and_empty_where_there_is_none():
    value = changed(inputs=[], user_actions=actions("post", "again"))
    value = without(value, "p", "r", "a", "x", "n")
    graph = value["workflow"]["graph"]
    graph["edges"] = [one for one in graph["edges"] if one["target"] != "h"]
    also(value, "w", asks("contains", "loud", "sys", "query"), "d>w", "w.false>h")
    ways = ("w.true>c", "h.post>c", "h.again>c", "h.__timeout>c")
    also(value, "c", asks("is", "post", "h", "__action_id"), *ways)
    says = {"type": "answer", "title": "Yes", "answer": "yes {{#h.__action_value#}}"}
    also(value, "y", says, "c.true>y")
    found = come(
        also(
            value,
            "z",
            {**says, "answer": "no ({{#h.__action_id#}}{{#h.__rendered_content#}})"},
            "c.false>z",
        )
    )
    assert text_of(ran(found, "approved")) == "yes POST"
    assert text_of(ran(found, "rejected")) == "no (again)"
    assert text_of(ran(found, "expired")) == text_of(ran(found, "approved", "be loud")) == "no ()"


def test_the_text_of_a_form_is_named_with_what_was_filled_in():
    answer = {"type": "answer", "title": "More", "answer": "{{#h.__rendered_content#}}"}
    found = come(also(changed(), "m", answer, "h.drop>m"))
    told = pressed(found, "drop", tone="dry", feedback="no")
    assert told == "drop\n\n# The letter\nanswer to hello\n\nno\ndry"


@pytest.mark.parametrize(
    ("content", "way"), [("{{#h.__rendered_content#}}", "h.drop>m"), ("x", "d>m")]
)
def test_no_text_of_a_form_stands_in_itself_or_where_nobody_was_asked(content, way):
    answer = {"type": "answer", "title": "More", "answer": "({{#h.__rendered_content#}})"}
    found = come(also(changed(form_content=content), "m", answer, way))
    assert "Nothing stands where it refers to 'h.__rendered_content'." in notes(found)["More"]
    assert "()" in pressed(found, "drop", tone="dry")


@pytest.mark.parametrize("name", ["nothing", "tone.x"])
def test_what_it_does_not_leave_here_is_told_where_it_is_named(name):
    answer = {"type": "answer", "title": "More", "answer": f"({{{{#h.{name}#}}}})"}
    found = come(also(changed(), "m", answer, "h.drop>m"))
    assert f"Nothing stands where it refers to 'h.{name}'." in notes(found)["More"]
    assert pressed(found, "drop", tone="dry") == "drop\n\n()"


# --- what is told, and what stays behind ---------------------------------------------------------


def field(name, kind="paragraph", **more):
    return {"type": kind, "output_variable_name": name, **more}


def fills(selector):
    return {"type": "variable", "selector": selector, "value": ""}


def test_what_a_run_would_fill_in_is_shown_where_the_field_stood():
    inputs = [
        field("feedback", default=fills(["d", "text"])),
        field("tone", "select", option_source={**fills(["d", "text"]), "value": []}),
        field("more", default=fills(["sys", "query"])),
    ]
    found = come(changed(inputs=inputs))
    [wanted] = ran(found, "expired").services.wanted
    assert wanted.shown == (
        "# The letter\nanswer to hello\n\n[feedback: answer to hello]\n[tone: answer to hello]"
        "\n[more: hello]"
    )
    assert wanted.form["properties"]["tone"] == {"type": "string"}
    told = notes(found)["Look at it"]
    assert "What fills 'feedback' is known in a run only: it is shown with the question." in told
    assert "Any text is taken for 'tone'" in told


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (field("paper", "file"), "Its field 'paper' (file) cannot be asked for here."),
        (field("in"), "Its field 'in' (paragraph) cannot be asked for here."),
        (
            field("key", default={"type": "constant", "value": "sk-proj-abcdefghijklmnop12345678"}),
            "What 'key' is filled with at first was dropped.",
        ),
        (
            field("said", default={"type": "constant", "value": "{{#d.text#}} {{x}}"}),
            "What 'said' is filled with at first was dropped.",
        ),
        (
            field("which", "select", option_source={"type": "constant", "value": ["{{a}}", "b"]}),
            "Any text is taken for 'which'",
        ),
    ],
)
def test_a_field_that_cannot_come_as_it_is_is_told(one, told):
    found = come(changed(inputs=[one], form_content=""))
    assert told in notes(found)["Look at it"]
    assert pressed(found, "drop") == "drop"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "Whom it asks, and how (email), was dropped: it asks the owner of the run."),
        ({"timeout": 400}, "There are 31,622,400 s to decide here."),
        ({"timeout": 0}, "There are 1 s to decide here."),
        ({"user_actions": actions("post", "a b")}, "Its action 'a b' cannot be offered here."),
        ({"form_content": "x" * 50_001}, "Its text is too long to be shown here and was dropped."),
        ({"title": "{{x}}"}, ""),
        ({"user_actions": [{"id": "post", "title": "{{x}} }}"}]}, ""),
    ],
)
def test_what_of_it_is_different_here_is_told_and_the_file_comes_in(data, told):
    found = come(changed(**data))
    [report] = [one for one in found.nodes if one.type == "human-input"]
    assert (report.outcome, told in " ".join(report.notes)) == ("approximated", True)


def test_one_that_asks_in_the_web_app_only_asks_the_owner_of_the_run_as_there():
    by_mail_no_more = {"type": "email", "enabled": False, "config": {}}
    found = come(changed(delivery_methods=[{"type": "webapp"}, by_mail_no_more]))
    assert "Whom it asks" not in notes(found)["Look at it"]


def test_one_of_the_second_version_comes_in_as_one_of_the_first():
    people = [{"type": "initiator"}, {"type": "contact", "contact_id": "1"}]
    mail = {"subject": "A letter", "body": "Look."}
    value = changed(version="2", recipients_spec=people, message_template=mail, delivery_methods=[])
    found = come(value)
    assert "Whom it asks, and how (contact), was dropped" in notes(found)["Look at it"]
    assert pressed(found, "drop", tone="dry") == "drop"


def test_one_that_offers_nothing_to_decide_is_left_out_and_one_takes_all_of_its_ways():
    found = come(changed(user_actions=[]))
    assert outcomes(found)["Look at it"] == "left_out"
    assert "draw an approval node in its place" in notes(found)["Look at it"]
    assert "now all of them are taken" in notes(found)["Look at it"]
    assert "Nothing stands where it refers to 'h.tone'." in notes(found)["Sent"]


@pytest.mark.parametrize(("key", "handle"), [("h", "gone"), ("c", "gone"), ("c", "source")])
def test_a_way_that_a_node_does_not_offer_any_more_is_lost_and_told(key, handle):
    value = also(changed(), "c", {"title": "Which", **asks("is", "x", "d", "text")}, "d>c")
    says = {"type": "answer", "title": "Gone", "answer": "{{#d.text#}}"}
    found = come(also(value, "g", says, f"{key}.{handle}>g"))
    told = notes(found)["Look at it" if key == "h" else "Which"]
    assert f"Its way by '{handle}' is lost: it offers none of that name." in told
    assert "Nothing led here; it follows the start." in notes(found)["Gone"]
    assert pressed(found, "drop", tone="dry") == "drop"


def test_one_is_left_out_where_there_are_no_approvals_or_its_form_is_too_large():
    kinds = set(NODE_TYPES.keys()) - {"approval"}
    assert outcomes(read(changed(), Known(set(), kinds)))["Look at it"] == "left_out"
    large = [field(f"f{at}") for at in range(1001)]
    assert outcomes(come(changed(inputs=large)))["Look at it"] == "left_out"


def test_forms_may_show_forms_that_show_forms_and_what_is_too_deep_in_others_is_told():
    value, before = changed(user_actions=actions("go")), "h"
    for at in range(250):
        shows = {"form_content": f"{at} {{{{#{before}.__rendered_content#}}}}"}
        data = {"type": "human-input", "user_actions": actions("go"), **shows}
        also(value, f"h{at}", {"title": f"Form {at}", **data}, f"{before}.go>h{at}")
        before = f"h{at}"
    told = notes(read(value, ALL))
    assert "Nothing stands where it refers to" in told["Form 249"]
    assert "Nothing stands" not in told["Form 3"]


def test_forms_that_show_all_the_others_are_refused_before_they_are_put_together():
    value, before = changed(user_actions=actions("go"), form_content="", inputs=[]), ["h"]
    for at in range(90):
        shows = "".join(f"{{{{#{one}.__rendered_content#}}}}" for one in before)
        data = {"type": "human-input", "user_actions": actions("go"), "form_content": shows}
        also(value, f"h{at}", {"title": f"Form {at}", **data}, f"{before[-1]}.go>h{at}")
        before.append(f"h{at}")
    with pytest.raises(Unreadable, match="become too long"):
        read(value, ALL)


def test_what_fills_a_field_or_whose_it_is_may_have_a_long_name():
    long = "h" * 20_000
    filled = field("feedback", default=fills(["d", long]))
    value = changed(inputs=[filled], form_content="{{#$output.feedback#}}" * 4_000)
    shown = {"type": "answer", "title": "Shown", "answer": "{{#h.__rendered_content#}}"}
    value = json.loads(json.dumps(also(value, "z", shown, "h.post>z")).replace('"h"', f'"{long}"'))
    tracemalloc.start()
    read(value, ALL)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


# --- a whole run ---------------------------------------------------------------------------------


@pytest.fixture
def begun(client, drain):
    """A run of the file that waits; gives its address, and that of what is to be decided."""
    kind = "application/yaml"
    told = client.generic("POST", IMPORT, file("dify_human.yml"), content_type=kind).json()
    address = f"{DEFINITIONS}{told['definition']['id']}/execute/"
    body = {"input": {"message": "hello"}, "mode": "background"}
    run = client.post(address, body).json()["execution"]["id"]
    drain()
    [asked] = client.get(APPROVALS, {"status": "pending"}).json()["results"]
    return f"/api/v1/executions/{run}/", f"{APPROVALS}{asked['id']}/decide/"


def test_whoever_began_the_run_decides_it_and_it_goes_on_by_that(client, drain, begun):
    run, asked = begun
    answer = {"tone": "dry", "__action_id": "post"}
    assert client.post(asked, {"decision": "approve", "answer": {"tone": "dry"}}).status_code == 400
    assert client.post(asked, {"decision": "approve", "answer": answer}).status_code == 200
    drain()
    ended = client.get(run).json()
    assert ended["status"] == "completed"
    assert ended["output"]["text"].startswith("Send it, dry: ")


def test_a_run_that_nobody_decides_goes_on_after_as_long_as_there(client, drain, begun):
    run, _ = begun
    with later(days=2, minutes=1):
        drain()
        assert client.get(run).json()["output"]["text"] == "nobody"
