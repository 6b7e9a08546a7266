"""Langflow's API requests come in without their keys, and ask what they asked there."""

import json

import pytest

from tests.core.web import web_server
from tests.definitions.conftest import DEFINITIONS
from tests.definitions.test_imported_runs import come, configs, notes, outcomes, ran
from tests.definitions.test_interchange import IMPORT, langflow
from tools.models import ToolSetting
from workflows import validation
from workflows.interchange.foreign import Known
from workflows.interchange.reading import read
from workflows.registry import NODE_TYPES

SHAPED = "sk-" + "a1" * 12
ALWAYS = "What goes on is the text that the server answers"


def fields(**values):
    return {name: {"value": value} for name, value in values.items()}


def asking(request, *more, edges=()):
    """A flow that is one request, `r`, between a chat's input and output."""
    nodes = [
        ("in", "ChatInput", {}),
        *more,
        ("r", "APIRequest", request),
        ("out", "ChatOutput", {}),
    ]
    return langflow(nodes, [*edges, ("r", "out", "input_value")])


def prompt(text):
    return {"template": {"value": text}}


def the_request(found):
    [node] = [one for one in found.graph["nodes"] if one["type"] == "http_request"]
    return node["config"]


def test_a_request_of_todays_langflow_comes_in_without_its_keys():
    table = [
        {"key": "Authorization", "value": "Bearer abc"},
        {"key": "X-Said", "value": "a {{b}}"},
        {"key": "Host", "value": "evil"},
        {"key": "X-Shaped", "value": SHAPED},
        {"key": "", "value": ""},
    ]
    body = [
        {"key": "n", "value": "5"},
        {"key": "deep", "value": '{"x": [true, "{{y}}"], "password": "hunter2"}'},
        {"key": "said", "value": "hello"},
        {"key": "api_key", "value": "1234"},
        {"key": "no value"},
    ]
    request = fields(
        mode="cURL",
        url_input=" api.example.com/v1?x=1&appid=0123456789&y=2 ",
        curl_input=f"curl -H 'Authorization: Bearer {SHAPED}' https://api.example.com",
        method="post",
        query_params="q=a+b&token=abc",
        headers=table,
        body=body,
        timeout=900,
        follow_redirects=False,
        save_to_file=True,
        include_httpx_metadata=True,
        use_mtls=True,
        verify_server_cert=False,
    )
    found = come(asking(request, edges=[("in", "r", "timeout")]))
    assert the_request(found) == {
        "method": "POST",
        "url": "https://api.example.com/v1?x=1&y=2",
        "query": {"q": "a b"},
        "headers": {"X-Said": "a { {b}}"},
        "json": {"n": 5, "deep": {"x": [True, "{ {y}}"]}, "said": "hello"},
        "timeout_s": 300,
        "fail_on_status": False,
    }
    told = notes(found)["APIRequest"]
    for one in (
        ALWAYS,
        "'Authorization' stays behind: save it as a secret and name it in `secret_headers`",
        "'appid' stays behind: save it as a secret and name it in `secret_query`",
        "'token' stays behind",
        "'api_key' stays behind: save it as a secret and name it in `secret_fields`",
        "'password' stays behind",
        "A value 'X-Shaped' is or may be a secret",
        "The header 'Host' cannot be set here",
        "What it is given as its 'timeout' was dropped.",
        "300 seconds at most",
        "Redirects are followed",
        "not saved to a file",
        "What was sent is not told",
        "certificate of its own",
        "certificate of the server is checked",
    ):
        assert one in told
    kept = json.dumps([found.graph, found.report()])
    for secret in ("abc", SHAPED, "0123456789", "hunter2", "1234"):
        assert secret not in kept


def test_a_request_of_an_old_file_comes_in_too():
    request = fields(
        urls=["https://example.com/"],
        curl="",
        method="PUT",
        headers={"X-Said": "hi", "X-Number": 5},
        body={"n": "5", "list": [1]},
        timeout=5,
    )
    found = come(asking(request))
    assert the_request(found) == {
        "method": "PUT",
        "url": "https://example.com/",
        "query": {},
        "headers": {"X-Said": "hi", "X-Number": "5"},
        "json": {"n": "5", "list": [1]},
        "timeout_s": 5,
        "fail_on_status": False,
    }
    assert outcomes(found)["APIRequest"] == "approximated"


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        (fields(url_input="x.example", method="POST", body=[]), {}),
        (fields(url_input="x.example", method="GET", body=[]), None),
        (fields(urls=["https://x.example"], method="POST", body={}), None),
        (fields(url_input="x.example", body='{"a": {"b": "1"}}'), {"a": {"b": "1"}}),
        (fields(url_input="x.example", body="just said"), {"data": "just said"}),
        (fields(url_input="x.example", body={"a": "1", "b": "NaN"}), {"a": 1, "b": "NaN"}),
        (fields(url_input="x.example", body=f'{{"a": {"[" * 25}{"]" * 25}}}'), None),
        (fields(url_input="x.example", body={str(at): "x" * 90 for at in range(90)}), None),
    ],
)
def test_the_body_is_the_object_that_langflow_makes_of_it(request_, sent):
    assert the_request(come(asking(request_)))["json"] == sent


def test_a_body_that_is_dropped_is_told():
    found = come(
        asking(fields(url_input="x.example", body={str(at): "x" * 90 for at in range(90)}))
    )
    assert "too long or nests too deep" in notes(found)["APIRequest"]


def test_a_table_whose_values_are_variables_stays_behind():
    request = fields(url_input="x.example", headers=[{"key": "X-Who", "value": "MY_NAME"}])
    request["headers"]["table_schema"] = [{"name": "key"}, {"name": "value", "load_from_db": True}]
    found = come(asking(request))
    assert the_request(found)["headers"] == {}
    assert "Its 'X-Who' is the variable 'MY_NAME'" in notes(found)["APIRequest"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (fields(url_input=""), "no address"),
        (fields(url_input="", curl_input="curl https://x.example"), "no address"),
        (fields(urls=["https://a.example", "https://b.example"]), "several addresses"),
        (fields(urls=["a.example"]), "host"),
        (fields(url_input="http://127.0.0.1/"), "private network"),
        (fields(url_input=f"https://x.example/{SHAPED}"), "secret"),
        (fields(url_input="https://me:word@x.example/"), "secret"),
        (fields(url_input="https://x.example/{secret:mine}"), "secret"),
        (fields(url_input="x.example", method="TRACE"), "TRACE"),
    ],
)
def test_a_request_that_cannot_be_carried_over_is_left_out_with_its_reason(request_, told):
    found = come(asking(request_))
    assert outcomes(found)["APIRequest"] == "left_out"
    assert told in notes(found)["APIRequest"]
    assert SHAPED not in json.dumps([found.graph, found.report()])


def test_where_there_is_no_such_node_a_request_is_left_out():
    found = read(
        asking(fields(url_input="x.example")), Known((), {*NODE_TYPES.keys()} - {"http_request"})
    )
    [told] = [one for one in found.nodes if one.id == "r"]
    assert told.outcome == "left_out"
    assert "save them as secrets" in told.notes[0]


def test_what_is_wired_to_a_request_becomes_references():
    found = come(
        asking(
            fields(url_input="", query_params="", body="", method="POST"),
            ("p", "Prompt", prompt("https://x.example/find?q={what}&api_key=abc")),
            edges=[("in", "p", "what"), ("p", "r", "url_input"), ("in", "r", "query_params")]
            + [("in", "r", "body")],
        )
    )
    asked = the_request(found)
    assert asked["url"] == "https://x.example/find?q={{input.message}}"
    assert asked["query"] == asked["json"] == {"text": "{{input.message}}"}
    assert "'query_params' only the text is sent" in notes(found)["APIRequest"]
    [called] = ran(found, "birds").services.called
    assert called.arguments["url"] == "https://x.example/find?q=birds"
    assert json.loads(called.arguments["body"]) == {"text": "birds"}


def test_a_request_may_be_made_of_what_another_one_answered_wherever_it_stands_in_the_file():
    nodes = [
        ("out", "ChatOutput", {}),
        ("m", "OpenAIModel", {}),
        ("p", "Prompt", prompt("Sum up: {it}")),
        ("two", "APIRequest", fields(url_input="two.example", method="POST")),
        ("one", "APIRequest", fields(url_input="one.example")),
        ("in", "ChatInput", {}),
    ]
    edges = [("in", "one", "x"), ("one", "two", "body"), ("two", "p", "it")]
    edges += [("p", "m", "input_value"), ("m", "out", "input_value")]
    found = come(langflow(nodes, edges))
    asked = {
        one["config"]["url"]: one["config"]
        for one in found.graph["nodes"]
        if "url" in one["config"]
    }
    assert asked["https://two.example"]["json"] == {
        "status_code": "{{nodes.apirequest.status}}",
        "response_headers": "{{nodes.apirequest.headers}}",
        "result": "{{nodes.apirequest.data}}",
    }
    assert "Sum up: {{nodes.apirequest_2.text}}" in json.dumps(configs(found))
    done = ran(found)
    assert [one.arguments["url"] for one in done.services.called] == [
        "https://one.example",
        "https://two.example",
    ]
    assert done.services.asked[0].messages[-1].text.startswith("Sum up: http_request of")


def test_what_a_request_is_given_that_was_left_out_itself_is_told():
    found = come(
        asking(
            fields(url_input="x.example", method="POST"),
            ("b", "APIRequest", fields(url_input="")),
            edges=[("b", "r", "body"), ("b", "r", "query_params")],
        )
    )
    assert the_request(found)["json"] == {}
    [told] = [one for one in found.nodes if one.id == "r"]
    assert "What it is given as its 'body' was dropped." in told.notes
    assert "What it is given as its 'query_params' was dropped." in told.notes


def agent_with(request):
    """A flow whose agent may make this request."""
    nodes = [("in", "ChatInput", {}), ("r", "APIRequest", request), ("a", "Agent", {})]
    return langflow(nodes, [("in", "a", "input_value"), ("r", "a", "tools")])


def test_an_agent_that_may_make_requests_gets_the_tool_that_asks_for_pages():
    headers = [{"key": "Authorization", "value": SHAPED}]
    found = come(agent_with(fields(url_input="", method="GET", headers=headers, body=[])))
    assert configs(found)["agent"]["tools"] == ["http_get"]
    told = notes(found)["APIRequest"]
    assert "The agent calls the tool 'http_get' in its place." in told
    assert "Nothing of its 'headers' is sent then." in told
    assert "'body'" not in told
    assert SHAPED not in json.dumps([found.graph, found.report()])


def test_an_agent_gets_no_tool_for_requests_that_change_something_and_that_is_told():
    found = come(agent_with(fields(url_input="", method="DELETE")))
    assert "tools" not in configs(found)["agent"]
    assert outcomes(found)["APIRequest"] == "left_out"
    assert "sends a request 'DELETE' here" in notes(found)["APIRequest"]


@pytest.mark.parametrize("kind", ["APIRequest", "CalculatorTool", "Unknown"])
def test_what_an_agent_may_call_is_no_step_that_others_could_name(kind):
    nodes = [
        ("in", "ChatInput", {}),
        ("a", "Agent", {}),
        ("t", kind, fields(url_input="x.example")),
    ]
    nodes += [("m", "OpenAIModel", {}), ("c", "ConditionalRouter", fields(match_text="a"))]
    edges = [("in", "a", "input_value"), ("t", "a", "tools"), ("t", "c", "input_text")]
    found = come(langflow(nodes[2:] + nodes[:2], [*edges, ("in", "m", "input_value")]))
    assert "nothing is known of what it compares" in notes(found)["ConditionalRouter"]


@pytest.fixture
def web(settings):
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1"]
    reachable = {"reachable": ("127.0.0.1",)}
    settings.CHATTER_GRAPH_LIMITS = {**settings.CHATTER_GRAPH_LIMITS, **reachable}
    validation._validator.cache_clear()
    with web_server() as server:
        yield server
    validation._validator.cache_clear()


@pytest.mark.django_db
def test_an_address_that_a_person_gives_is_asked_as_it_was_there(client, drain, web):
    request = fields(
        url_input="",
        method="POST",
        headers=[{"key": "X-Said", "value": "hi"}],
        body=[{"key": "n", "value": "5"}],
        query_params="q=a b",
    )
    answer = client.post(IMPORT, asking(request, edges=[("in", "r", "url_input")]))
    assert answer.status_code == 201, answer.json()
    address = f"{DEFINITIONS}{answer.json()['definition']['id']}/execute/"
    body = {"input": {"message": web.url("/echo/?x=1")}, "mode": "background"}
    started = client.post(address, body).json()
    drain()
    done = client.get(f"/api/v1/executions/{started['execution']['id']}/").json()
    assert done["status"] == "completed", done
    (method, path, headers, sent) = web.seen[0]
    assert (method, path, headers["x-said"]) == ("POST", "/echo/?x=1&q=a+b", "hi")
    assert json.loads(sent) == {"n": 5}
    assert json.loads(done["output"]["text"])["path"] == "/echo/?x=1&q=a+b"


@pytest.mark.django_db
def test_an_answer_of_400_or_above_goes_on_as_there(client, drain, web):
    answer = client.post(IMPORT, asking(fields(url_input=""), edges=[("in", "r", "url_input")]))
    address = f"{DEFINITIONS}{answer.json()['definition']['id']}/execute/"
    body = {"input": {"message": web.url("/status/503")}, "mode": "background"}
    started = client.post(address, body).json()
    drain()
    done = client.get(f"/api/v1/executions/{started['execution']['id']}/").json()
    assert (done["status"], done["output"]["text"]) == ("completed", "no")


@pytest.mark.django_db
def test_a_request_that_nobody_may_send_is_left_out_and_the_rest_comes_in(client):
    ToolSetting.objects.update_or_create(tool="http_request", defaults={"enabled": False})
    answer = client.post(IMPORT, asking(fields(url_input="x.example")))
    assert answer.status_code == 201, answer.json()
    [told] = [one for one in answer.json()["report"]["nodes"] if one["id"] == "r"]
    assert told["outcome"] == "left_out"
    assert "The tool 'http_request', which does that here, may not be used." in told["notes"]
