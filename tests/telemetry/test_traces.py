"""Runs made over the API of a server, as a collector of traces sees them."""

import json
import subprocess
import sys
import time
from threading import Event

import httpx2
import pytest

from telemetry.tracing.spans import spans_of
from tests.definitions.graphs import graph
from tests.drills.models import asks, chain
from tests.drills.server import chatter, wire
from tests.telemetry.collector import collecting
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.slow
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "what nobody is to read"
MODEL = "openai:gpt-test"
DEMO = "demo:chatter-demo"
USE = {"id": "use", "type": "tools"}
GRAPHS = {
    "ask": chain(asks("ask", MODEL)),
    "tools": graph(
        {"id": "ask", "type": "model", "config": {"model": DEMO, "tools": ["calculator"]}},
        USE,
        edges=["start>ask", "ask.tool_calls>use", "use>ask", "ask>end"],
    ),
}
CLIENT = 3


def runs(node, definition):
    return {"id": node, "type": "subworkflow", "config": {"definition": definition}}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server whose traces go to a collector: `(start, collector, provider's url)`."""
    home = tmp_path_factory.mktemp("traced")
    with collecting() as collector, wire(home / "meter.jsonl") as provider:
        environment = {
            "OPENAI_API_KEY": "sk-the-key",
            "OPENAI_BASE_URL": provider + "/v1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=chatter-of-the-tests",
        }
        with chatter(home / "chatter", **environment) as server:
            server.furnish(people=["ada"], profile_parameters={MODEL: {}}, graphs=GRAPHS)
            server.start()
            site = Site(server, collector, provider)
            site.define("inner", chain(runs("sub", server.made["definitions"]["ask"])))
            yield site


class Site:
    def __init__(self, server, collector, provider):
        self.server, self.collector, self.provider = server, collector, provider

    def define(self, name, graph):
        address = f"{self.server.url}/api/v1/definitions/"
        body = {"name": name, "graph": graph}
        made = httpx2.post(address, json=body, headers=self.server.people["ada"].headers)
        assert made.status_code == 201, made.text
        self.server.made["definitions"][name] = made.json()["id"]

    def run(self, name, message, **headers):
        """Run a definition to its end; gives its execution and its spans."""
        answer = httpx2.post(
            f"{self.server.url}/api/v1/definitions/{self.server.made['definitions'][name]}/execute/",
            json={"mode": "wait", "input": {"message": message}},
            headers={**self.server.people["ada"].headers, **headers},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        execution = answer.json()["execution"]
        return execution, self.collector.trace_of(execution["id"])


def test_a_run_is_a_tree_of_spans_with_its_tokens(site):
    execution, spans = site.run("ask", f"[[words=7]] [[cached=5]] [[reasoning=4]] {SECRET}")
    root, node, call = spans["invoke_workflow ask"], spans["model ask"], spans["chat gpt-test"]
    assert (root.parent, node.parent, call.parent) == ("", root.id, node.id)
    assert {spans[name].parent for name in ("start start", "end end")} == {root.id}
    assert {one.trace for one in spans.values()} == {root.trace}
    assert {one.service for one in spans.values()} == {"chatter-of-the-tests"}
    assert root.began <= node.began <= call.began < call.ended <= node.ended <= root.ended
    assert root.attributes["chatter.request.id"] == execution["request_id"]
    assert call.kind == CLIENT
    assert root.events == ["execution.started"]
    usage = execution["totals"]["usage"]
    told = call.attributes
    assert told["gen_ai.operation.name"] == "chat"
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == ("openai", "gpt-test")
    assert told["gen_ai.usage.cache_read.input_tokens"] == 5
    assert told["gen_ai.usage.input_tokens"] == usage["input"] + 5
    assert told["gen_ai.usage.output_tokens"] == 7 + 4 == usage["output"] + usage["reasoning"]
    assert told["gen_ai.usage.reasoning.output_tokens"] == 4
    assert told["gen_ai.response.finish_reasons"] == ["stop"]


def test_nothing_that_was_said_leaves_the_house(site):
    site.run("ask", SECRET)
    assert SECRET not in repr(site.collector.spans)
    assert not any("messages" in name for one in site.collector.spans for name in one.attributes)


def test_each_attempt_is_a_span_of_its_own(site):
    rule = {"directives": "fault=500", "next": 1, "match": "once more"}
    httpx2.post(site.provider + "/script", json=rule)
    _, spans = site.run("ask", "once more")
    first, second = spans["chat gpt-test"], spans["chat gpt-test #2"]
    assert first.parent == second.parent == spans["model ask"].id
    assert (first.status, second.status) == (2, 0)
    assert first.attributes["error.type"]
    assert [one.attributes["chatter.call.attempt"] for one in (first, second)] == [1, 2]


def test_a_tool_is_called_by_its_node(site):
    _, spans = site.run("tools", 'use the tool calculator {"expression": "6*7"}')
    call = spans["execute_tool calculator"]
    assert call.parent == spans["tools use"].id
    assert call.attributes["gen_ai.tool.name"] == "calculator"
    assert spans["chat chatter-demo"].parent == spans["model ask"].id
    assert spans["chat chatter-demo #2"].parent == spans["model ask #2"].id


def test_what_runs_within_a_node_stands_below_it(site):
    _, spans = site.run("inner", "hello")
    sub = spans["subworkflow sub"]
    assert sub.parent == spans["invoke_workflow inner"].id
    assert spans["model sub/ask"].parent == sub.id
    assert spans["chat gpt-test"].parent == spans["model sub/ask"].id


def test_a_run_belongs_to_the_trace_of_who_asked_for_it(site):
    _, spans = site.run("ask", "hello", traceparent=f"00-{TRACE}-{SPAN}-01")
    assert {one.trace for one in spans.values()} == {TRACE}
    assert spans["invoke_workflow ask"].parent == SPAN


def test_a_failed_run_says_why(site):
    _, spans = site.run("ask", "[[fault=400]]")
    root, node = spans["invoke_workflow ask"], spans["model ask"]
    assert (root.status, node.status) == (2, 2)
    assert root.attributes["error.type"] == node.attributes["error.type"] != ""


def test_what_a_worker_has_run_is_told_before_it_ends(tmp_path):
    with collecting() as collector:
        take, asked, free = collector.take, Event(), Event()

        def held_up(body):
            asked.set()
            free.wait(20)
            take(body)

        collector.take = held_up
        address = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        with chatter(tmp_path, CHATTER_PUMP="workers", **address) as server:
            server.furnish(people=["ada"])
            server.start()
            worker = server.spawn("manage.py", "work")
            said = [say(server, "one")]
            assert asked.wait(20)
            said.append(say(server, "two"))  # which waits behind the other
            worker.terminate()
            while httpx2.get(server.url + "/readyz").json()["pumps"]["alive"]:
                time.sleep(0.02)
            time.sleep(1)  # by then a process that waits for nobody has ended
            free.set()
            worker.wait(60)
        for execution in said:
            assert collector.trace_of(execution)


def say(server, message):
    """Gives the execution that has answered."""
    told = httpx2.post(
        f"{server.url}/api/v1/chat/",
        json={"message": message},
        headers=server.people["ada"].headers,
        timeout=60,
    )
    assert told.status_code == 201, told.text
    return told.json()["execution"]["id"]


@pytest.mark.usefixtures("built_in")
def test_content_is_told_only_where_a_setting_allows_it(api, alice, drain, settings):
    body = {"input": {"message": SECRET}, "graph": chain(asks("ask", DEMO))}
    started = api(alice).post("/api/v1/workflows/execute/", {**body, "mode": "background"})
    drain()
    pk = WorkflowExecution.objects.get(pk=started.json()["execution"]["id"]).pk
    assert SECRET not in repr(spans_of(pk))
    settings.TRACES_CONTENT = True
    root, *_, call = spans_of(pk)
    (asked,) = json.loads(root.attributes["gen_ai.input.messages"])
    assert asked == {"role": "user", "parts": [{"type": "text", "content": SECRET}]}
    for span in (root, call):
        (told,) = json.loads(span.attributes["gen_ai.output.messages"])
        assert told["parts"][0]["content"]
        assert told["finish_reason"] == "stop"  # the conventions' schema requires one


@pytest.mark.usefixtures("built_in")
def test_a_tool_that_a_model_asked_for_is_its_answer(api, alice, drain, settings):
    settings.TRACES_CONTENT = True
    message = 'use calculator {"expression": "2*3"}'
    spans = spans_of(ran(api(alice), drain, GRAPHS["tools"], message))
    called, *_ = [span for span in spans if span.name == "chat chatter-demo"]
    (told,) = json.loads(called.attributes["gen_ai.output.messages"])
    (part,) = [part for part in told["parts"] if part["type"] == "tool_call"]
    assert (part["name"], part["arguments"]) == ("calculator", {"expression": "2*3"})
    assert part["id"]


@pytest.mark.usefixtures("built_in")
def test_an_answer_of_the_cache_is_no_request_to_a_provider(api, alice, drain):
    node = {"id": "ask", "type": "model", "config": {"model": DEMO, "cache": {"ttl_s": 60}}}
    asked, answered = (spans_of(ran(api(alice), drain, chain(node), "hello"))[-1] for _ in "12")
    assert (asked.attributes["chatter.call.answered_by"], asked.asks) == ("provider", True)
    assert (answered.attributes["chatter.call.answered_by"], answered.asks) == ("cache", False)
    assert asked.attributes["gen_ai.request.stream"] is True
    assert answered.attributes["gen_ai.request.stream"] is None


@pytest.mark.usefixtures("built_in")
def test_the_calls_of_a_conversation_name_it(api, alice, drain):
    body = {"message": "hello", "mode": "background"}
    said = api(alice).post("/api/v1/chat/", body).json()
    drain()
    spans = spans_of(WorkflowExecution.objects.get(pk=said["execution"]["id"]).pk)
    (call,) = [span for span in spans if span.asks]
    assert call.attributes["gen_ai.conversation.id"] == said["conversation"]["id"]


def ran(client, drain, graph, message):
    """Gives the key of an execution that has ended."""
    body = {"graph": graph, "input": {"message": message}, "mode": "background"}
    started = client.post("/api/v1/workflows/execute/", body)
    drain()
    return WorkflowExecution.objects.get(pk=started.json()["execution"]["id"]).pk


def test_nothing_of_it_is_loaded_where_no_address_is_set(site):
    """The SDK itself is loaded by LangSmith, a part of LangChain, wherever it is installed."""
    code = """
import sys, django
django.setup()
from workflows.tracking.ending import _outcomes
import chatter_project.urls
_outcomes()
parts = ("opentelemetry.exporter", "google.protobuf", "telemetry.tracing")
print(any(name.startswith(parts) for name in sys.modules))
"""
    environment = {**site.server._environment, "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["False"]
