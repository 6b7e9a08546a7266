"""The reference server, which uses every feature of the protocol (npm's `server-everything`)."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.tools.conftest import called, request_for
from tests.tools.recorder import Recorder
from tests.tools.remote.conftest import Register
from tools.models import McpTool

# `.ci/run` installs it there; by hand: npm install --prefix <directory> <VERSION>.
VERSION = "@modelcontextprotocol/server-everything@2026.8.31"
PROGRAM = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
_READY = b"listening"

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def everything() -> list[str]:
    """The command that runs it."""
    directory = os.environ.get("CHATTER_TEST_MCP_EVERYTHING", "")
    program = Path(directory, PROGRAM)
    node = shutil.which("node")
    if not directory or node is None or not program.exists():
        pytest.skip(f"set CHATTER_TEST_MCP_EVERYTHING to where npm installed {VERSION}")
    return [node, str(program)]


@pytest.fixture(scope="module")
def over_http(everything: list[str]) -> Iterator[str]:
    """Its address, once it says that it listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*everything, "streamableHttp"],
        env={"PATH": os.environ["PATH"], "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = b""
    while _READY not in said:
        line = process.stdout.readline()
        assert line, f"it ended: {said!r}"
        said += line
    yield f"http://127.0.0.1:{port}/mcp"
    process.kill()
    process.communicate()


def answer_of(tool: str, **arguments: Any) -> Any:
    return called(request_for(f"all__{tool}", arguments=arguments), Recorder())


def test_over_http_every_kind_of_answer_is_kept_or_told_of(
    register: Register, over_http: str
) -> None:
    server = register(name="all", url=over_http)
    assert (server.server_name, server.ok) == ("mcp-servers/everything", True)
    assert McpTool.objects.filter(approved_at__isnull=False).count() >= 10
    assert answer_of("echo", message="hello").text == "Echo: hello"
    assert answer_of("get_sum", a=40, b=2).text == "The sum of 40 and 2 is 42."
    assert answer_of("get_sum", a="forty").error == "invalid_arguments"
    assert "image/png" in answer_of("get_tiny_image").text
    weather = answer_of("get_structured_content", location="Chicago").data
    assert weather.keys() == {"temperature", "conditions", "humidity"}
    assert "demo://resource" in answer_of("get_resource_links", count=2).text
    assert "Resource 1" in answer_of("get_resource_reference", resourceType="Text").text
    slow = request_for(
        "all__trigger_long_running_operation", arguments={"duration": 60}, timeout_s=0.3
    )
    assert called(slow, Recorder()).error == "tool_timed_out"


def test_over_stdio_a_process_is_started_for_the_call(
    register: Register, everything: list[str], settings: Any, office: APIClient
) -> None:
    settings.CHATTER_MCP_COMMANDS = {"everything": [*everything, "stdio"]}
    register(name="all", transport="stdio", url="", command="everything")
    response = office.post("/api/v1/tools/all__get_env/call/", {})
    assert response.json()["status"] == "succeeded", response.json()
    assert "CHATTER_TEST_MCP_EVERYTHING" not in response.json()["text"]
