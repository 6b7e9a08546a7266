"""The server around the answers: meter, script, routes, many clients, and life as a process."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from langchain_openai import ChatOpenAI

from . import WireServer
from .clients import openai_client, stream
from .directives import BadDirective
from .usage import Billed

ROOT = Path(__file__).parents[2]


@contextmanager
def process(meter: Path) -> Iterator[tuple[Any, str]]:
    """Run the server as a process; gives it and its url."""
    command = [sys.executable, "-m", "tests.wire", "--port", "0", "--meter", str(meter)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as popen:
        running: Any = popen
        try:
            yield running, f"http://127.0.0.1:{int(running.stdout.readline())}"
        finally:
            running.kill()


def chat_body(text: str, *, streamed: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "gpt-test", "messages": messages, "stream": streamed}


def test_models_are_listed(wire: WireServer) -> None:
    client = openai.OpenAI(base_url=wire.url + "/v1", api_key="key")
    assert "gpt-test" in [model.id for model in client.models.list()]


def test_a_request_without_a_key_is_refused(wire: WireServer) -> None:
    response = httpx2.post(wire.url + "/v1/chat/completions", json=chat_body("hello"))
    assert response.status_code == 401
    assert wire.meter.settled()[0].usage is None


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"model": "m"}', b'{"model": "m", "messages": [1]}']
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_body_that_makes_no_sense_is_refused_and_metered(
    wire: WireServer, path: str, body: bytes
) -> None:
    assert httpx2.post(wire.url + path, content=body).status_code == 400
    assert [record.status for record in wire.meter.settled()] == [400]


def test_a_path_nobody_serves_is_metered(wire: WireServer) -> None:
    """LangChain turns to the Responses API for some models."""
    with pytest.raises(openai.NotFoundError):
        openai_client(wire.url, model="gpt-5-pro").invoke("hello")
    (record,) = wire.meter.records
    assert (record.path, record.status) == ("/v1/responses", 404)


def test_a_script_rules_the_next_requests(wire: WireServer, gpt: ChatOpenAI) -> None:
    wire.script("[[words=3]] [[cached=5]]", next=2)
    for question in ("a", "b [[words=4]]", "c"):
        gpt.invoke(question)
    assert [record.usage for record in wire.meter.settled()] == [
        Billed(input=4, cache_read=5, output=3),
        Billed(input=5, cache_read=5, output=4),
        Billed(input=4, output=32),
    ]


def test_a_script_can_meet_one_model_or_message_only(wire: WireServer, gpt: ChatOpenAI) -> None:
    wire.script("fault=500", model="claude-test")
    wire.script("fault=500", match="bad")
    assert gpt.invoke("good").text
    with pytest.raises(openai.InternalServerError):
        gpt.invoke("bad")


def test_chance_does_not_depend_on_order(wire: WireServer, gpt: ChatOpenAI) -> None:
    def failing(questions: list[Any]) -> set[str]:
        wire.clear()
        wire.script("fault=500", probability=0.5, seed=7)
        gpt.batch(questions, return_exceptions=True)
        return {record.question for record in wire.meter.settled() if record.status == 500}

    questions = [f"question {number}" for number in range(20)]
    assert 0 < len(failing(questions)) < 20
    assert failing(questions) == failing(questions[::-1])


def test_a_script_that_makes_no_sense_is_refused(wire: WireServer) -> None:
    with pytest.raises(BadDirective):
        wire.script("fault=typo")
    for rule in ({}, {"directives": "words"}, {"directives": "words=3", "often": 1}):
        assert httpx2.post(wire.url + "/script", json=rule).status_code == 400


def test_many_streams_at_once_are_metered_one_by_one(
    wire: WireServer, gpt: ChatOpenAI, loop: asyncio.Runner
) -> None:
    async def believed_output(number: int) -> int:
        question, call = f"[[words={number + 1}]] [[delay_ms=1]]", str(number)
        chunks = gpt.astream(question, extra_headers={"X-Chatter-Call": call})
        (told,) = [chunk.usage_metadata async for chunk in chunks if chunk.usage_metadata]
        return told["output_tokens"]

    async def scenario() -> list[int]:
        return await asyncio.gather(*(believed_output(number) for number in range(50)))

    assert loop.run(scenario()) == list(range(1, 51))
    assert {record.call: record.usage for record in wire.meter.settled()} == {
        str(number): Billed(input=5, output=number + 1) for number in range(50)
    }


def test_a_cleared_meter_forgets_what_is_under_way(wire: WireServer) -> None:
    client = openai_client(wire.url, timeout=0.2)
    chunks: Any = client.stream("[[fault=hang after=1]]")
    next(chunks)
    wire.clear()
    chunks.close()
    stream(client)("hello")
    assert [record.question for record in wire.meter.settled()] == ["hello"]


def test_a_server_that_stops_finishes_what_is_open() -> None:
    body = chat_body("[[fault=hang after=1]]", streamed=True)
    with httpx2.Client(headers={"authorization": "key"}) as client:
        with WireServer() as wire:
            request = client.build_request("POST", wire.url + "/v1/chat/completions", json=body)
            client.send(request, stream=True)
        assert [record.ended for record in wire.meter.records] == ["stopped"]


def test_a_process_writes_its_meter_and_ends_on_sigterm(tmp_path: Path) -> None:
    meter = tmp_path / "meter.jsonl"
    with process(meter) as (running, url):
        httpx2.post(url + "/script", json={"directives": "words=5", "next": 1}).raise_for_status()
        message = openai_client(url).invoke("hello")
        received, finished = [json.loads(line) for line in meter.read_text().splitlines()]
        assert (received["state"], finished["state"]) == ("received", "finished")
        assert received["id"] == finished["id"] == message.response_metadata["id"]
        assert Billed(**finished["usage"]) == Billed(input=4, output=5)
        assert httpx2.get(url + "/meter").json() == [finished]
        httpx2.delete(url + "/meter").raise_for_status()
        assert (httpx2.get(url + "/meter").json(), meter.read_text()) == ([], "")
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) == 0


def test_a_process_ends_when_its_parent_closes_stdin(tmp_path: Path) -> None:
    with process(tmp_path / "meter.jsonl") as (running, _):
        running.stdin.close()
        assert running.wait(5) == 0
