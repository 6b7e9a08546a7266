"""Workflows leave as files and come back; those of others come in with an honest report."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.limits import server_limits
from audit.models import AuditEntry
from llms.models import ModelCall
from tests.definitions.conftest import DEFINITIONS
from tests.definitions.graphs import asks, graph
from tools.models import ToolSetting
from workflows.interchange.foreign import Known
from workflows.interchange.reading import from_yaml, read
from workflows.interchange.report import Unreadable
from workflows.models import WorkflowDefinition, WorkflowExecution, WorkflowVersion
from workflows.registry import NODE_TYPES
from workflows.validation import errors_in, validate

FILES = Path(__file__).parent / "files"
IMPORT = DEFINITIONS + "import/"
SECRETS = ("sk-this-must-stay-behind", "sk-nor-may-this-leave", "sk-must-not-travel", "AstraCS")


def file(name):
    return (FILES / name).read_text()


@pytest.fixture
def imported(client):
    """What the door says of a file."""

    def post(name):
        kind = "application/json" if name.endswith(".json") else "application/yaml"
        answer = client.generic("POST", IMPORT, file(name), content_type=kind)
        assert answer.status_code == 201, answer.json()
        return answer.json()

    return post


def outcomes(told):
    return {node["title"]: node["outcome"] for node in told["report"]["nodes"]}


def configs(told):
    return {node["id"]: node["config"] for node in told["definition"]["graph"]["nodes"]}


def edges(told):
    return {
        f"{one['source']}.{one['source_port']}>{one['target']}"
        for one in told["definition"]["graph"]["edges"]
    }


# --- our own format ----------------------------------------------------------------------------


def test_export_import_export_is_the_same_to_the_byte(client, made, address, api, charlie):
    settings_of_model = {"temperature": 1, "top_p": 0.5, "seed": 3, "stop": ["END"]}
    said = asks("Ä “quoted” {{params.tone}}", **settings_of_model)
    client.patch(address, {"graph": graph(said)})
    first = client.get(address + "export/")
    assert first.headers["Content-Disposition"] == 'attachment; filename="letters.chatter.json"'
    other = api(charlie)
    answer = other.generic("POST", IMPORT, first.content, content_type="application/json")
    assert answer.status_code == 201, answer.json()
    told = answer.json()
    assert told["definition"]["owner"] == "charlie"
    assert set(outcomes(told).values()) == {"carried"}
    again = other.get(f"{DEFINITIONS}{told['definition']['id']}/export/")
    assert again.content == first.content
    kept = first.json()["graph"]["nodes"][1]["config"]
    assert kept | settings_of_model == kept


def test_a_graph_that_was_never_drawn_is_the_same_to_the_byte_too(client):
    drawn = graph(asks("Be kind."))
    for node in drawn["nodes"]:
        del node["position"]
    made = client.post(DEFINITIONS, {"name": "Letters", "graph": drawn}).json()
    first = client.get(f"{DEFINITIONS}{made['id']}/export/").content
    told = client.generic("POST", IMPORT, first, content_type="application/json").json()
    assert client.get(f"{DEFINITIONS}{told['definition']['id']}/export/").content == first


def test_where_the_graph_is_known_in_another_order_the_file_is_the_same_to_the_byte_too(client):
    def sets(config):
        return graph({"id": "set", "type": "variable", "config": config})

    def exported(definition):
        return client.get(f"{DEFINITIONS}{definition['id']}/export/").content

    numbers = {"small": [1, 1.0, -0.0, 1.5e-7], "large": [1e16, 1.2345678901234568e16, 1e20]}
    first = {"value": numbers, "operation": "set", "name": "x"}
    made = client.post(DEFINITIONS, {"name": "Letters", "graph": sets(first)}).json()
    file = exported(made)
    client.delete(f"{DEFINITIONS}{made['id']}/")
    WorkflowVersion.objects.get(pk=made["version"]).delete()  # a new installation
    turned = {"name": "x", "operation": "set", "value": dict(reversed(numbers.items()))}
    same = client.post(DEFINITIONS, {"name": "Letters", "graph": sets(turned)}).json()
    assert exported(same) == file
    told = client.generic("POST", IMPORT, file, content_type="application/json").json()
    assert exported(told["definition"]) == file
    assert json.dumps(json.loads(file)["graph"]["nodes"][1]["config"]) == (
        '{"name": "x", "operation": "set", "value": {'
        '"large": [10000000000000000, 12345678901234568, 1e+20], "small": [1, 1.0, 0.0, 1.5e-07]}}'
    )


def test_a_place_of_less_than_nothing_is_one_in_every_database(client):
    made = client.post(DEFINITIONS, {"name": "Letters", "graph": graph(moved=-0.0)}).json()
    file = client.get(f"{DEFINITIONS}{made['id']}/export/").content
    assert b"-0" not in file, "PostgreSQL keeps no zero below zero"


def test_a_file_holds_no_secret_that_a_name_or_a_description_holds(client):
    secret = "sk-proj-abcdefghijklmnop1234567890abcdefgh"
    said = {"name": f"Reset password helper {secret}", "description": f"With {secret}, at night."}
    made = client.post(DEFINITIONS, {**said, "graph": graph()}).json()
    file = client.get(f"{DEFINITIONS}{made['id']}/export/").content
    assert secret.encode() not in file
    told = client.generic("POST", IMPORT, file, content_type="application/json").json()
    assert told["definition"]["name"] == ("Reset password helper [an API key of a model provider]")
    assert client.get(f"{DEFINITIONS}{told['definition']['id']}/export/").content == file


def test_a_name_full_of_secrets_leaves_all_the_same(client):
    name = " ".join(["sk-abcdefghij0123456789"] * 11)[:255]
    made = client.post(DEFINITIONS, {"name": name, "graph": graph()}).json()
    answer = client.get(f"{DEFINITIONS}{made['id']}/export/")
    assert (answer.status_code, b"sk-" in answer.content) == (200, False)


def test_the_limits_of_a_workflow_leave_and_come_in_with_it(client, made, address, api, charlie):
    client.patch(address, {"limits": {"cost": "0.50", "steps": 9}})
    first = client.get(address + "export/")
    assert first.json()["limits"] == {"steps": 9, "cost": "0.50"}
    other = api(charlie)
    told = other.generic("POST", IMPORT, first.content, content_type="application/json").json()
    assert told["definition"]["limits"] == client.get(address).json()["limits"]
    again = other.get(f"{DEFINITIONS}{told['definition']['id']}/export/")
    assert again.content == first.content


def test_a_limit_above_the_servers_is_the_servers_and_the_report_says_so(client, made, address):
    package = client.get(address + "export/").json()
    limits = {"steps": server_limits().steps + 1, "tokens": 5}
    answer = client.post(IMPORT, {**package, "limits": limits})
    assert answer.json()["definition"]["limits"] == {"tokens": 5}
    (note,) = answer.json()["report"]["notes"]
    assert note.startswith("The limit 'steps' was left out")
    assert client.post(IMPORT, package).json()["report"]["notes"] == []


def test_an_earlier_version_can_be_exported(client, made, address):
    client.patch(address, {"graph": graph(asks("Be brief."))})
    first = client.get(address + "export/?number=1").json()
    assert first["graph"]["nodes"][1]["config"]["system"] == "Be kind."
    assert client.get(address + "export/?number=7").status_code == 404


@pytest.mark.parametrize("number", ["9" * 5000, "²", "-1", "newest"])
def test_what_is_no_version_is_not_exported(client, address, number):
    answer = client.get(address + "export/", {"number": number})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_version_number")


def test_an_export_names_nobody_and_no_installation(client, made, address):
    text = client.get(address + "export/").content.decode()
    assert set(json.loads(text)) == {"format", "format_version", "name", "description", "graph"}
    for private in ("alice", made["id"], made["version"]):
        assert private not in text


def test_an_import_makes_a_new_workflow_and_runs_nothing(client, made, address):
    package = client.get(address + "export/").json()
    told = client.post(IMPORT, package).json()["definition"]
    assert told["id"] != made["id"]
    assert (told["name"], told["latest"]) == ("Letters", 1)
    assert client.get(address).json() == made
    assert WorkflowExecution.objects.count() == ModelCall.objects.count() == 0
    assert AuditEntry.objects.filter(action="workflows.definition.imported").count() == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format_version": 2}, "file_unreadable"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "file_unreadable"),
        ({"owner": 1}, "file_unreadable"),
        ({"format": "n8n"}, "file_unreadable"),
        ({"limits": {"steps": 0}}, "file_unreadable"),
        ({"limits": {"wishes": 3}}, "file_unreadable"),
        ({"limits": None}, "file_unreadable"),
        ({"graph": graph({"id": "x", "type": "teleport"})}, "graph_refused"),
    ],
)
def test_a_file_that_is_not_right_makes_nothing(client, made, address, change, code):
    package = client.get(address + "export/").json()
    answer = client.post(IMPORT, {**package, **change})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert WorkflowDefinition.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("{", "application/json", "malformed_body"),
        ("a: [", "application/yaml", "file_unreadable"),
        ("a: &a [x]\nb: [*a, *a]", "application/yaml", "file_unreadable"),
        ("!!python/object/apply:os.system ['true']", "application/yaml", "file_unreadable"),
        ("[" * 400, "application/yaml", "file_unreadable"),
        ("[" * 200_000, "application/yaml", "file_unreadable"),
        ("- a\n" * 200_000, "application/yaml", "file_unreadable"),
        ("{" + "a," * 60_000 + "}", "application/yaml", "file_unreadable"),
        ("%TAG !a! x\n--- a", "application/yaml", "file_unreadable"),
        ("a: !!timestamp foo", "application/yaml", "file_unreadable"),
        ("a: !!int ''", "application/yaml", "file_unreadable"),
        ("a: !!int '-'", "application/yaml", "file_unreadable"),
        ("a: !!bool x", "application/yaml", "file_unreadable"),
        ("a: !!float ''", "application/yaml", "file_unreadable"),
        ("a: " + "9:" * 300 + "9.5", "application/yaml", "file_unreadable"),
        ("x: .inf", "application/yaml", "file_unreadable"),
        (b"\xff\xfe", "application/yaml", "file_unreadable"),
        ("hello", "text/plain", "unsupported_media_type"),
    ],
)
def test_a_body_that_is_no_file_is_refused(client, text, kind, code):
    assert client.generic("POST", IMPORT, text, content_type=kind).json()["code"] == code


@pytest.mark.parametrize(
    ("name", "kind"),
    [("dify_loop.yml", "application/yaml"), ("dify_workflow.json", "application/json")],
)
def test_a_file_is_taken_from_whoever_comes_with_a_session(alice, built_in, name, kind):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.generic("POST", IMPORT, file(name), content_type=kind).status_code == 403
    client.get("/chat/")
    client.credentials(HTTP_X_CSRFTOKEN=client.cookies["csrftoken"].value)
    assert client.generic("POST", IMPORT, file(name), content_type=kind).status_code == 201


def test_a_file_that_is_sent_as_a_form_is_told_how_to_be_sent(client):
    sent = client.generic(
        "POST", IMPORT, "app: x", content_type="application/x-www-form-urlencoded"
    )
    told = sent.json()
    assert (sent.status_code, told["code"]) == (415, "unsupported_media_type")
    assert "application/yaml" in told["message"]


# --- Dify ----------------------------------------------------------------------------------------


def test_a_chatflow_of_dify_comes_in_node_by_node(imported):
    told = imported("dify_chatflow.yml")
    assert outcomes(told) == {
        "Start": "carried",
        "How long?": "approximated",
        "Short": "approximated",
        "Long": "approximated",
        "Look it up": "approximated",
        "Found": "approximated",
        "Either": "left_out",
        "Answer": "carried",
        "Tone": "carried",
        "custom-note": "left_out",
    }
    assert edges(told) == {
        "start.out>tone",
        "tone.out>how_long",
        "how_long.true>short_memory",
        "how_long.false>how_long_case_2",
        "short_memory.out>short_question",
        "short_question.out>short",
        "how_long_case_2.true>long_question",
        "long_question.out>long",
        "how_long_case_2.false>look_it_up",
        "look_it_up.out>found_question",
        "found_question.out>found",
        "short.out>answer",
        "long.out>answer",
        "found.out>answer",
    }


def test_what_dify_says_is_said_in_our_words(imported):
    found = configs(imported("dify_chatflow.yml"))
    assert found["short"] == {
        "model": "demo:chatter-demo",
        "system": "Answer in one sentence.",
        "temperature": 0.2,
        "top_p": 0.9,
        "seed": 7,
        "presence_penalty": 0.5,
        "stop": ["END"],
    }
    assert found["short_memory"]["window"] == 12, "six questions with their answers"
    assert found["how_long_case_2"]["condition"] == (
        '(input.message.startsWith("Tell me")) || false'
    )
    assert found["long_question"]["template"].startswith("Write about {{input.message}}")
    assert found["tone"] == {"template": "Write to {{input.message}} as a friend."}
    assert found["long"]["system"] == "Answer at length. {{nodes.tone.text}}"
    assert found["answer"]["output"].startswith("{{has(nodes.short) ? nodes.short.text : has(")
    assert found["look_it_up"]["url"] == "https://example.com/?q={{input.message}}"


def test_what_could_not_be_kept_is_said(imported):
    notes = {
        node["title"]: " ".join(node["notes"])
        for node in imported("dify_chatflow.yml")["report"]["nodes"]
    }
    assert "dropped: response_format." in notes["Short"]
    assert "frequency_penalty 9 is out of bounds" in notes["Short"]
    assert "stop at that holds a reference was dropped" in notes["Short"]
    assert "openai:gpt-4o is not known here" in notes["Long"]
    assert "env.API_KEY" in notes["Long"]
    assert "never true" in notes["How long?"]
    assert "save it as a secret" in notes["Look it up"]


def test_of_a_node_that_chose_a_way_it_is_said_that_all_are_taken_now():
    document = from_yaml(file("dify_branches.yml"))
    graph = document["workflow"]["graph"]
    chooser = next(one for one in graph["nodes"] if one["data"]["type"] == "if-else")
    chooser["data"]["type"] = "question-classifier"
    graph["edges"].append({"source": chooser["id"], "sourceHandle": "true", "target": "nobody"})
    found = read(document, Known(set(), NODE_TYPES.keys()))
    told = next(one for one in found.nodes if one.id == chooser["id"])
    assert (told.outcome, told.notes) == (
        "left_out",
        [
            "Nothing here does what a 'question-classifier' node does.",
            "It chose one of its ways; now all of them are taken.",
            "A way to a node that is not in the file is lost.",
        ],
    )
    begun = {edge["target"] for edge in found.graph["edges"] if edge["source"] == "start"}
    assert begun == {"one_question", "two_question"}


def request(**data):
    """What becomes of the chatflow when its HTTP node is this, and the answer tells of it."""
    document = from_yaml(file("dify_chatflow.yml"))
    nodes = document["workflow"]["graph"]["nodes"]
    node = next(one["data"] for one in nodes if one["data"]["type"] == "http-request")
    node.update(data)
    answer = next(one["data"] for one in nodes if one["data"]["type"] == "answer")
    answer["answer"] = "{{#1005.status_code#}} {{#1005.body#}}"
    found = read(document, Known(set(), NODE_TYPES.keys()))
    assert not errors_in(validate(found.graph))
    report = next(one for one in found.nodes if one.title == "Look it up")
    configs = {one["id"]: one["config"] for one in found.graph["nodes"]}
    return configs.get("look_it_up"), " ".join(report.notes), configs["answer"]["output"]


def test_a_request_of_dify_comes_in_without_its_keys():
    found, notes, answer = request(
        method="post",
        url="https://api.example.com/v1?x=1",
        headers="Authorization:Bearer abc\nX-Said: {{#sys.query#}}\nHost:evil\nX-Key:sk-"
        + "a1" * 12,
        params="q:{{#sys.query#}}\n",
        body={"type": "json", "data": [{"type": "text", "value": '{"q": "{{#sys.query#}}"}'}]},
        timeout={"max_read_timeout": 5},
        ssl_verify=False,
    )
    assert found == {
        "method": "POST",
        "url": "https://api.example.com/v1?x=1",
        "query": {"q": "{{input.message}}"},
        "headers": {"X-Said": "{{input.message}}", "Content-Type": "application/json"},
        "body": '{"q": "{{input.message}}"}',
        "fail_on_status": False,
    }
    for told in ("save it as a secret", "'Host' cannot", "'X-Key' holds", "limits of time"):
        assert told in notes
    assert "certificate of the server is checked" in notes
    assert answer == (
        "{{has(nodes.look_it_up) ? nodes.look_it_up.status : ''}} "
        "{{has(nodes.look_it_up) ? nodes.look_it_up.text : ''}}"
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"url": "{{#env.BASE#}}/x"}, "host"),
        ({"url": "http://127.0.0.1/"}, "private network"),
        ({"url": "https://x.example/?key=sk-" + "a1" * 12}, "secret"),
        ({"method": "TRACE"}, "TRACE"),
        ({"url": ""}, "host"),
    ],
)
def test_a_request_that_cannot_be_carried_over_is_left_out_with_its_reason(data, told):
    found, notes, answer = request(**data)
    assert found is None
    assert told in notes
    assert answer == "{{''}}"  # not what arrives there


def converted(nodes, links):
    """A workflow of Dify's by the data of its nodes, and (source, handle, target)."""
    placed = [{"id": key, "data": {"title": key, **data}} for key, data in nodes.items()]
    wires = [{"source": a, "sourceHandle": by, "target": b} for a, by, b in links]
    graph = {"nodes": placed, "edges": wires}
    app = {"kind": "app", "app": {"mode": "workflow", "name": "One"}, "workflow": {"graph": graph}}
    return read(app, Known((), NODE_TYPES.keys()))


@pytest.mark.parametrize("word", ["In", "True", "null"])
def test_what_is_called_like_a_word_of_expressions_there_comes_in(word):
    """Neither a node nor an input can be called so here."""
    told = {"text": f"{{{{#start.{word.lower()}#}}}}?"}
    ask = {"title": word, "type": "llm", "prompt_template": [told]}
    asked = {"variable_selector": ["ask", "text"], "comparison_operator": "is", "value": "yes"}
    nodes = {
        "start": {"type": "start", "variables": [{"variable": word.lower()}]},
        "ask": ask,
        "if": {"type": "if-else", "cases": [{"case_id": "true", "conditions": [asked]}]},
        "end": {"type": "end", "outputs": [{"value_selector": ["ask", "text"]}]},
    }
    links = [("start", "source", "ask"), ("ask", "source", "if"), ("if", "true", "end")]
    come = converted(nodes, links)
    assert errors_in(validate(come.graph)) == []
    [report] = [one for one in come.nodes if one.id == "ask"]
    assert f"Nothing stands where it refers to 'start.{word.lower()}'." in report.notes


@pytest.mark.parametrize(
    "data",
    [{"type": "llm"}, {"type": "http-request", "method": "get", "url": "https://example.com/"}],
)
def test_what_dify_does_when_a_node_fails_is_done_or_told(data):
    said = {"type": "end", "outputs": []}
    nodes = {
        "start": {"type": "start"},
        "ask": {**data, "error_strategy": "fail-branch"},
        "well": said,
        "badly": said,
    }
    links = [("start", "source", "ask"), ("ask", "source", "well"), ("ask", "fail-branch", "badly")]
    come = converted(nodes, links)
    drawn = {(one["source_port"], one["target"]) for one in come.graph["edges"]}
    assert {("out", "well"), ("error", "badly")} <= drawn
    assert ("out", "badly") not in drawn
    assert errors_in(validate(come.graph)) == []
    (report,) = (one for one in come.nodes if one.id == "ask")
    assert report.notes == []
    nodes["ask"] = {**data, "error_strategy": "default-value", "default_value": []}
    (report,) = (one for one in converted(nodes, links[:2]).nodes if one.id == "ask")
    assert report.outcome == "approximated"


@pytest.mark.parametrize(
    ("there", "here", "told"),
    [
        ({"max_retries": 3, "retry_interval": 1500}, (4, 1.5), ""),
        ({"max_retries": 10, "retry_interval": 60_000}, (10, 20), "10 times in all, every 20 s"),
        ({"max_retries": "often"}, (1, 0), ""),
    ],
)
def test_a_model_of_dify_is_asked_again_as_there(there, here, told):
    come = converted({"ask": {"type": "llm", "retry_config": {"retry_enabled": True, **there}}}, [])
    assert errors_in(validate(come.graph)) == []
    configs = {one["id"]: one["config"] for one in come.graph["nodes"]}
    assert configs["ask"]["retry"] == {"attempts": here[0], "wait_s": here[1], "backoff": 1}
    assert "unreachable, busy or broken" in " ".join(come.nodes[0].notes)
    assert told in " ".join(come.nodes[0].notes)


def test_a_request_of_dify_that_is_tried_again_there_says_that_it_is_not_here():
    data = {"type": "http-request", "method": "get", "url": "https://example.com/"}
    come = converted({"ask": {**data, "retry_config": {"retry_enabled": True}}}, [])
    assert "How often it is tried again was dropped." in come.nodes[0].notes


_IN_JINJA = {"edition_type": "jinja2", "text": "x", "jinja2_text": "{{ a }}"}


@pytest.mark.parametrize("prompt", [[{"role": "user", **_IN_JINJA}], _IN_JINJA])
def test_a_prompt_of_dify_in_jinja_is_told(prompt):
    come = converted({"ask": {"type": "llm", "prompt_template": prompt}}, [])
    assert "Jinja" in come.nodes[0].notes[0]


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        ("{{#sys.query#}}!", "Be brief.\n\n{{input.message}}!"),
        ("", "Be brief.\n\n{{input.message}}"),
    ],
)
def test_a_model_of_dify_with_a_memory_is_asked_what_was_said_last_after_its_own_question(
    asked, question
):
    prompts = [{"role": "system", "text": "Help."}, {"role": "user", "text": "Be brief."}]
    memory = {"window": {"enabled": False}, "query_prompt_template": asked}
    come = converted({"ask": {"type": "llm", "prompt_template": prompts, "memory": memory}}, [])
    told = {one["type"]: one["config"] for one in come.graph["nodes"]}
    assert (told["model"]["system"], told["prompt"]["template"]) == ("Help.", question)


def test_a_workflow_of_dify_runs_as_it_says(imported, client, drain):
    told = imported("dify_workflow.json")
    address = f"{DEFINITIONS}{told['definition']['id']}/execute/"

    def said(age):
        started = client.post(address, {"input": {"age": age}, "mode": "background"}).json()
        drain()
        ran = client.get(f"/api/v1/executions/{started['execution']['id']}/").json()
        return ran["output"]["text"]

    assert said(40) == "age: 40\ntold: 40"
    assert said("17.5") == "17.5"


def test_a_question_becomes_a_prompt_where_there_are_prompts():
    found = read(from_yaml(file("dify_chatflow.yml")), Known({"openai:gpt-4o"}, {"prompt"}))
    nodes = {node["id"]: node["config"] for node in found.graph["nodes"]}
    assert nodes["long_question"] == {"template": "Write about {{input.message}}, without ."}
    assert nodes["long"]["model"] == "openai:gpt-4o"
    assert "Write about" not in nodes["long"]["system"]
    ways = {(edge["source"], edge["target"]) for edge in found.graph["edges"]}
    assert {("long_question", "long"), ("how_long_case_2", "long_question")} <= ways


def test_braces_that_refer_to_nothing_are_no_references_here():
    document = from_yaml(file("dify_chatflow.yml"))
    model = document["workflow"]["graph"]["nodes"][2]["data"]
    model["prompt_template"][0]["text"] = "Say {{ name }} and {{#sys.query#}}"
    found = read(document, Known(set(), set()))
    nodes = {node["id"]: node["config"] for node in found.graph["nodes"]}
    assert nodes["short"]["system"].startswith("Say { { name }} and {{input.message}}")
    assert not errors_in(validate(found.graph))


# --- Langflow ------------------------------------------------------------------------------------


def test_a_flow_of_langflow_comes_in_node_by_node(imported):
    told = imported("langflow.json")
    assert outcomes(told) == {
        "Chat Input": "carried",
        "Message History": "approximated",
        "Prompt": "approximated",
        "If-Else": "carried",
        "OpenAI": "approximated",
        "Chat Output": "carried",
        "Parting": "carried",
        "Astra DB": "left_out",
    }
    assert edges(told) == {
        "start.out>if_else",
        "if_else.true>parting",
        "if_else.false>openai_memory",
        "openai_memory.out>openai",
        "openai.out>chat_output",
    }
    found = configs(told)
    assert found["openai"]["system"] == "Be kind. {literal}"
    assert (found["openai"]["temperature"], found["openai"]["seed"]) == (0.1, 1)
    assert found["openai_memory"]["window"] == 12


def test_what_a_flow_of_langflow_loses_is_told():
    models = {"model": {"value": [{"name": "gpt-4o"}]}, "json_mode": {"value": True}}
    begun = {"prefill": {"value": "{"}}
    shaped = {"format": {"value": "json"}, "base_url": {"value": "http://host:11434"}}
    parts = {"LanguageModel": models, "AnthropicModel": begun, "OllamaModel": shaped}
    nodes = [
        {"id": kind, "data": {"type": kind, "node": {"template": template}}}
        for kind, template in parts.items()
    ]
    come = read({"name": "x", "data": {"nodes": nodes, "edges": []}}, Known((), NODE_TYPES.keys()))
    told = {one.type: " ".join(one.notes) for one in come.nodes}
    assert "the default answers" in told["LanguageModel"]
    assert "'json_mode' was dropped" in told["LanguageModel"]
    assert "'prefill' was dropped" in told["AnthropicModel"]
    assert "'format' was dropped" in told["OllamaModel"]
    assert "'base_url' was dropped" in told["OllamaModel"]


def test_a_variable_of_langflow_whose_value_is_not_in_the_file_is_told_and_its_name_is_no_text():
    field = {"value": "HOUSE_RULES", "load_from_db": True}
    key = {"value": "OPENAI_API_KEY", "load_from_db": True, "password": True}
    fields = {"system_message": field, "api_key": key}
    found = read(langflow([("m", "OpenAIModel", fields)]), Known((), NODE_TYPES.keys()))
    [model] = [one for one in found.graph["nodes"] if one["type"] == "model"]
    assert model["config"]["system"] == ""
    notes = " ".join(found.nodes[0].notes)
    assert "'system_message' is the variable 'HOUSE_RULES', which is not in the file" in notes
    assert "OPENAI_API_KEY" not in notes, "keys stay behind anyway"


@pytest.mark.parametrize(("outputs", "told"), [(["a", "b"], True), (["a", "a"], False)])
def test_of_a_component_that_led_several_ways_it_is_said_that_all_are_taken_now(outputs, told):
    document = langflow([("in", "ChatInput", {}), ("r", "SmartRouter", {})])
    for at, output in enumerate(outputs):
        document["data"]["nodes"].append({"id": f"m{at}", "data": {"type": "OpenAIModel"}})
        handles = {"sourceHandle": {"name": output}, "targetHandle": {"fieldName": "input_value"}}
        document["data"]["edges"].append({"source": "r", "target": f"m{at}", "data": handles})
    found = read(document, Known((), NODE_TYPES.keys()))
    [router] = [one for one in found.nodes if one.id == "r"]
    note = "If it chose one of its ways, now all of them are taken."
    assert (router.outcome, note in router.notes) == ("left_out", told)


@pytest.fixture
def answered(imported, client, drain):
    """What the run of an imported file says to a message."""

    def run(name, message):
        address = f"{DEFINITIONS}{imported(name)['definition']['id']}/execute/"
        body = {"input": {"message": message}, "mode": "background"}
        started = client.post(address, body).json()
        drain()
        ran = client.get(f"/api/v1/executions/{started['execution']['id']}/").json()
        assert ran["status"] == "completed"
        return ran["output"]["text"]

    return run


def test_a_workflow_of_dify_runs_the_rounds_of_its_loop(answered):
    assert answered("dify_loop.yml", "a birch").startswith("4, 3: ")


def test_a_flow_of_langflow_runs_by_its_router(answered):
    assert answered("langflow.json", "Well, GOOD BYE then") == "Well, GOOD BYE then"


def test_a_flow_of_langflow_runs_its_loop_for_each_item(answered):
    assert answered("langflow_each.json", "go").count("* ") == 3


def test_a_request_that_nobody_may_send_is_left_out_of_a_file_of_dify(client):
    ToolSetting.objects.update_or_create(tool="http_request", defaults={"enabled": False})
    asks_for = {"type": "http-request", "method": "get", "url": "https://example.com/"}
    nodes = [{"id": "s", "data": {"type": "start"}}, {"id": "r", "data": asks_for}]
    nodes.append(tells(0, "Sum up {{#r.body#}}"))
    answer = client.post(IMPORT, dify(nodes, [("s", "r"), ("r", "m0")]))
    assert answer.status_code == 201, answer.json()
    told = {one["id"]: one for one in answer.json()["report"]["nodes"]}
    assert (told["r"]["outcome"], told["m0"]["outcome"]) == ("left_out", "approximated")
    assert "The tool 'http_request', which does that here, may not be used." in told["r"]["notes"]


# --- how much a file may be ----------------------------------------------------------------------


def dify(nodes, edges=()):
    graph = {"nodes": nodes, "edges": [{"source": one, "target": to} for one, to in edges]}
    return {"kind": "app", "app": {"mode": "workflow", "name": "x"}, "workflow": {"graph": graph}}


def tells(at, text):
    return {"id": f"m{at}", "data": {"type": "llm", "prompt_template": [{"text": text}]}}


def langflow(nodes, edges=()):
    """Nodes are `(id, type, fields)`, edges `(source, target, field)`."""
    drawn = [
        {"id": key, "data": {"type": kind, "node": {"template": fields}}}
        for key, kind, fields in nodes
    ]
    wires = [
        {"source": one, "target": to, "data": {"targetHandle": {"fieldName": name}}}
        for one, to, name in edges
    ]
    return {"name": "x", "data": {"nodes": drawn, "edges": wires}}


@pytest.mark.parametrize(
    ("document", "ours"),
    [
        (
            dify([{"id": "l", "data": {"type": "loop", "title": "Until"}}, tells(0, "hello")]),
            "loop",
        ),
        (langflow([("l", "LoopComponent", {}), ("m", "OpenAIModel", {})]), "map"),
    ],
    ids=["dify", "langflow"],
)
def test_in_the_place_of_a_loop_that_is_left_out_the_report_names_what_there_is(document, ours):
    found = read(document, Known((), NODE_TYPES.keys()))
    [told] = [one for one in found.nodes if one.id == "l"]
    assert told.outcome == "left_out"
    assert f"draw a {ours} node in its place" in told.notes[0]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (dify([{"id": "l", "data": {"type": "human-input"}}, tells(0, "hello")]), "approval node"),
        (dify([{"id": "l", "data": {"type": "trigger-webhook"}}, tells(0, "hello")]), "a webhook"),
        (dify([{"id": "l", "data": {"type": "trigger-schedule"}}, tells(0, "hi")]), "a schedule"),
        (langflow([("m", "OpenAIModel", {}), ("l", "Webhook", {})]), "a webhook"),
        (langflow([("m", "OpenAIModel", {}), ("l", "RunFlow", {})]), "subworkflow node"),
        (langflow([("m", "OpenAIModel", {}), ("l", "MCPTools", {})]), "its server"),
    ],
)
def test_of_what_there_is_here_too_the_report_does_not_say_that_nothing_does_it(document, told):
    found = read(document, Known((), NODE_TYPES.keys()))
    [left] = [one for one in found.nodes if one.id == "l"]
    assert left.outcome == "left_out"
    assert told in left.notes[0]
    assert "Nothing here" not in left.notes[0]


def asking_through(template):
    """A model of Langflow that asks a prompt of prompts, each made of the one before."""
    nodes = [(f"p{at}", "Prompt", {"template": {"value": template}}) for at in range(5)]
    nodes += [("in", "TextInput", {}), ("m", "OpenAIModel", {})]
    edges = [(f"p{at}", f"p{at + 1}", "a") for at in range(4)]
    return langflow(nodes, [*edges, ("in", "p0", "a"), ("p4", "m", "input_value")])


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (asking_through("{a}" * 90), "too long"),
        (dify([tells(0, "{{#sys.query#}}" * 9_000)]), "too long"),
        (dify([tells(at, "x" * 95_000) for at in range(10)] + [tells(10, "y" * 60_000)]), "most"),
        (dify([tells(at, "") for at in range(301)]), "300 nodes"),
        (dify([tells(0, "")], [("m0", "m0")] * 601), "600 edges"),
        (dify([{"id": "i", "data": {"type": "if-else", "cases": [{}] * 101}}]), "100 nodes"),
        (langflow([(f"m{at}", "OpenAIModel", {}) for at in range(301)]), "300 nodes"),
    ],
    ids=["prompts", "text", "characters", "nodes", "edges", "cases", "components"],
)
def test_a_file_that_would_become_too_large_is_refused_before_it_is_converted(
    client, document, told
):
    answer = client.post(IMPORT, document)
    assert (answer.status_code, answer.json()["code"]) == (400, "file_unreadable")
    assert told in answer.json()["message"]
    assert WorkflowDefinition.objects.count() == 0


def test_notes_are_no_nodes(client):
    notes = [{"id": f"n{at}", "data": {"type": "note"}} for at in range(120)]
    answer = client.post(IMPORT, dify([*notes, tells(0, "{{#sys.query#}}")]))
    assert answer.status_code == 201, answer.json()
    outcomes = [node["outcome"] for node in answer.json()["report"]["nodes"]]
    assert (len(outcomes), outcomes.count("left_out")) == (121, 120)


def test_aggregators_that_all_bring_one_another_together_are_looked_at_once_each():
    nodes = [
        {
            "id": f"a{at}",
            "data": {
                "type": "variable-aggregator",
                "variables": [[f"a{(at + step) % 100}", "output"] for step in range(20)],
            },
        }
        for at in range(100)
    ]
    found = read(dify([*nodes, tells(0, "{{#a1.output#}}!")]), Known((), NODE_TYPES.keys()))
    assert "Nothing stands where it refers to 'a1.output'" in found.nodes[-1].notes[0]


def test_prompts_that_all_use_one_another_are_put_together_once_each():
    names = [f"a{at}" for at in range(20)]
    template = {"value": "".join(f"{{{name}}}" for name in names)}
    nodes = [(f"p{at}", "Prompt", {"template": template}) for at in range(8)]
    nodes += [("memory", "Memory", {}), ("m", "OpenAIModel", {})]
    edges = [(f"p{at}", f"p{at + 1}", name) for at in range(7) for name in names]
    edges += [("memory", "p0", "a0"), ("p7", "m", "input_value")]
    found = read(langflow(nodes, edges), Known(set(), {"prompt"}))
    assert [node["type"] for node in found.graph["nodes"]] == ["start", "memory", "model", "end"]


def test_braces_that_open_and_open_are_looked_at_once():
    found = read(dify([tells(0, "{{" * 20_000)]), Known(set(), {"prompt"}))
    assert "Double braces in its text were parted, for here they are references." in (
        found.nodes[0].notes
    )


def test_of_many_notes_some_are_told():
    text = "".join(f"{{{{#x.y{at}#}}}}" for at in range(5_000))
    found = read(dify([tells(0, text)]), Known(set(), {"prompt"}))
    assert len(found.nodes[0].notes) < 100
    assert "more" in found.nodes[0].notes[-1]


@pytest.mark.parametrize("text", ["9:30:00", "2024-01-01", "1:30.5"])
def test_times_of_yaml_stay_texts(text):
    assert from_yaml(f"at: {text}") == {"at": text}


# --- every file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dify_chatflow.yml", "dify_workflow.json", "langflow.json"])
def test_no_secret_of_a_file_comes_in(imported, name, client):
    told = imported(name)
    whole = (
        json.dumps(told)
        + client.get(f"{DEFINITIONS}{told['definition']['id']}/export/").content.decode()
    )
    assert not [secret for secret in SECRETS if secret in whole]
    assert "os.system" not in whole


scalars = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=6)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(path.name for path in FILES.iterdir())), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_file_is_read_or_refused_and_never_raises(name, data):
    document = from_yaml(file(name))
    for _ in range(data.draw(st.integers(1, 4))):
        _damage(document, data)
    try:
        found = read(document, Known(set(), NODE_TYPES.keys()))
    except Unreadable:
        return
    assert isinstance(errors_in(validate(found.graph)), list)
    assert all(node.outcome and (node.notes or node.became) for node in found.nodes)


def _damage(document, data):
    """Replace, or take away, one thing somewhere in it."""
    at = document
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(at[key], dict | list) and data.draw(st.integers(0, 5)):
            at = at[key]
        elif data.draw(st.booleans()):
            del at[key]
            return
        else:
            at[key] = data.draw(anything)
            return


@pytest.mark.parametrize(
    ("name", "key", "before"),
    [("langflow_agent.json", "Agent-d", "ChatInput-a"), ("dify_iteration.yml", "i", "w")],
)
def test_what_goes_round_and_nothing_leads_to_follows_the_start(client, name, key, before):
    """An agent with tools and no memory, or an iteration, that stands beside the others."""
    document = from_yaml(file(name).replace('"n_messages": {"value": 30}', '"n_messages": {}'))
    drawn = document.get("data") or document["workflow"]["graph"]
    drawn["edges"] = [
        one for one in drawn["edges"] if (one["source"], one["target"]) != (before, key)
    ]
    answer = client.post(IMPORT, document)
    assert answer.status_code == 201, answer.json()
    [told] = [one for one in answer.json()["report"]["nodes"] if one["id"] == key]
    assert "Nothing led here; it follows the start." in told["notes"]
