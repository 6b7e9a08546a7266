"""One id from the request through a worker to the provider, and back."""

import json
import time

import httpx2
import pytest

from tests.drills.models import asks, chain
from tests.drills.server import chatter, wire
from tests.telemetry.collector import collecting
from tests.telemetry.conftest import BEARER, TOKEN

pytestmark = pytest.mark.slow
GRAPHS = {"ask": chain(asks("ask", "openai:gpt-test"))}
ID = "follow-me_1"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """What everybody knows of one request: `{answer, log, meter, execution, …}`."""
    home = tmp_path_factory.mktemp("followed")
    meter = home / "meter.jsonl"
    with wire(meter) as provider, collecting() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "METRICS_TOKEN": TOKEN,
            "OPENAI_API_KEY": "sk-the-key",
            "OPENAI_BASE_URL": provider + "/v1",
            "CHATTER_PUMP": "workers",
        }
        with chatter(home / "chatter", **environment) as server:
            server.furnish(
                people=["ada"], profile_parameters={"openai:gpt-test": {}}, graphs=GRAPHS
            )
            server.start()
            worker = server.spawn("manage.py", "work")
            try:
                httpx2.post(provider + "/script", json={"directives": "fault=429", "next": 1})
                yield follow(server, meter, collector)
            finally:
                worker.terminate()
                worker.wait(_PATIENCE_S)


def follow(server, meter, collector):
    definition = server.made["definitions"]["ask"]
    client = httpx2.Client(base_url=server.url, timeout=_PATIENCE_S)
    client.headers.update(server.people["ada"].headers)
    answer = client.post(
        f"/api/v1/definitions/{definition}/execute/?secret=in-the-query",
        json={"mode": "background", "input": {"message": "my own words"}},
        headers={"X-Request-ID": ID, "traceparent": TRACE},
    )
    assert answer.status_code == 202, answer.text
    pk = answer.json()["execution"]["id"]
    address = f"/api/v1/executions/{pk}/"
    deadline = time.monotonic() + _PATIENCE_S
    while (execution := client.get(address).json())["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline, server.log[-4000:]
        time.sleep(0.1)
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return {
        "answer": answer,
        "execution": execution,
        "spans": collector.trace_of(pk),
        "metrics": client.get("/metrics", headers=BEARER).text,
        "events": client.get(address + "events/").json(),
        "rows": server.ask("tests.drills.dump"),
        "meter": [json.loads(line) for line in meter.read_text().splitlines()],
        "log": lines,
        "text": server.log,
    }


def test_the_answer_and_the_execution_carry_the_id(followed):
    assert followed["answer"].headers["X-Request-ID"] == ID
    assert followed["execution"]["request_id"] == ID
    assert followed["execution"]["status"] == "completed"


def test_the_provider_was_told_the_id_by_a_worker(followed):
    asked = {(record["request"], record["call"]) for record in followed["meter"]}
    calls = followed["rows"]["calls"]
    assert [call["status"] for call in calls] == ["failed", "succeeded"]
    assert asked == {(ID, call["id"]) for call in calls}


def test_the_ledger_has_the_id_and_the_one_the_provider_gave(followed):
    given = {record["call"]: record["id"] for record in followed["meter"]}
    for call in followed["rows"]["calls"]:
        assert (call["request_id"], call["provider_request_id"]) == (ID, given[call["id"]])


def test_the_first_event_tells_the_id_and_the_span_it_came_from(followed):
    first = followed["events"]["results"][0]
    assert (first["type"], first["data"]["request_id"]) == ("execution.created", ID)
    assert first["data"]["traceparent"] == TRACE


def test_the_worker_sends_the_trace_to_which_the_request_belongs(followed):
    spans = followed["spans"]
    assert {span.trace for span in spans.values()} == {TRACE.split("-")[1]}
    root = spans["invoke_workflow ask"]
    assert root.attributes["chatter.request.id"] == ID
    given = {span.attributes.get("chatter.provider.request_id") for span in spans.values()}
    assert given >= {record["id"] for record in followed["meter"]}


def test_the_server_counts_what_the_worker_ran(followed):
    assert 'chatter_execution_seconds_count{rerun="",status="completed"} 1.0' in followed["metrics"]


def test_every_line_that_the_run_caused_in_the_worker_carries_all_ids(followed):
    execution = followed["execution"]["id"]
    caused = [line for line in followed["log"] if line.get("execution") == execution]
    assert {line["request_id"] for line in caused} == {ID}
    (failed,) = [line for line in caused if line["event"] == "model.attempt_failed"]
    assert (failed["node"], failed["visit"], failed["attempt"]) == ("ask", 1, 1)


def test_the_request_is_one_line_with_its_route_and_without_its_query(followed):
    answered = [line for line in followed["log"] if line["event"] == "request.answered"]
    (line,) = [line for line in answered if line["request_id"] == ID]
    assert line["route"] == "api/v1/definitions/<str:pk>/execute/"
    assert (line["method"], line["status"]) == ("POST", 202)
    assert line["ms"] > 0
    assert line["user"]


def test_no_line_has_a_secret_or_what_was_said(followed):
    for secret in ("sk-the-key", "in-the-query", "my own words"):
        assert secret not in followed["text"]
