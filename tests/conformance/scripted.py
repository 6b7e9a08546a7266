"""The outside of a run: a provider, a tool and a web server that do what a file says."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import ClassVar

from tests.conformance.case import Answer, Page, ToolAnswer
from tests.wire import WirePart, WireServer
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_ANY_NUMBER = 10**6


def tell(wire: WireServer | WirePart, answers: Sequence[Answer], *, for_ever: bool = False) -> None:
    """Have the provider answer so; `for_ever`: each answer may be asked for again."""
    for answer in answers:
        lasting = for_ever or answer.times == "always"
        wire.script(
            _directives(answer),
            next=None if lasting else int(answer.times),
            match=answer.asked,
            model=answer.model,
        )


def wanted(answers: Sequence[Answer | ToolAnswer]) -> tuple[int, int]:
    """How often, at least and at most, the answers are to be asked for."""
    least = sum(int(answer.times) for answer in answers if answer.times != "always")
    lasting = any(answer.times == "always" for answer in answers)
    return least, _ANY_NUMBER if lasting else least


def _directives(answer: Answer) -> str:
    parts = [
        f"[[tool={name} {json.dumps(arguments)}]]"
        for call in answer.tools
        for name, arguments in call.items()
    ]
    if answer.tools:
        parts.append(f"[[rounds={answer.rounds}]]")
    if answer.thinks:
        parts.append(f"[[reasoning={answer.thinks}]]")
    if answer.say is not None:
        parts.append(f"[[say={answer.say}]]")
    if answer.fault is not None:
        parts.append(f"[[fault={answer.fault}]]")
    return " ".join(parts)


class Anything(ToolArgs):
    question: str = ""


@dataclass
class Lines:
    """What the tool `scripted` says in one case; counts how often it was really called."""

    answers: Sequence[ToolAnswer] = ()
    called: list[str] = field(default_factory=list)

    def next(self, call: str) -> ToolAnswer:
        left = len(self.called)
        self.called.append(call)
        for answer in self.answers:
            if answer.times == "always" or left < answer.times:
                return answer
            left -= answer.times
        return ToolAnswer(fail="This call is not in the script.")


class Scripted(Tool[Anything]):
    """Says what stands in the lines of the case that is played."""

    key = "scripted"
    label = "Scripted"
    description = "Answers as it was told to."
    args = Anything
    lines: ClassVar[Lines] = Lines()

    async def call(self, args: Anything, context: ToolContext) -> ToolResult:
        answer = await self.answer(context)
        if answer.hang:
            await asyncio.Event().wait()
        if answer.crash:
            raise RuntimeError("password=hunter2")
        if answer.fail:
            raise ToolFailed(reason=answer.fail)
        return ToolResult(answer.say, answer.data)

    async def answer(self, context: ToolContext) -> ToolAnswer:
        return self.lines.next(str(context.call_id))


class BrokenNode(NodeType[NodeConfig]):
    """Somebody else's, with an error of its own."""

    key = "broken"
    label = "Broken"
    can_fail = True
    config = NodeConfig

    async def run(self, config: NodeConfig, inputs: Inputs, visit: Visit) -> Outputs:
        raise RuntimeError("password=hunter2")


class Web(ThreadingHTTPServer):
    """Has these pages, and a meter: each request that reached it, in order."""

    daemon_threads = True

    def __init__(self, pages: Mapping[str, Page]) -> None:
        super().__init__(("127.0.0.1", 0), _Visitor)
        self.pages = pages
        self.requests: list[tuple[str, str]] = []  # what was asked, and its Idempotency-Key
        self.closed = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def sent(self) -> list[str]:
        """Each request; those with a key with the number of that key among all of them."""
        keys = list(dict.fromkeys(key for _, key in self.requests if key))
        return [f"{line} #{keys.index(key) + 1}" if key else line for line, key in self.requests]


class _Visitor(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        page = self.server.pages.get(self.path, Page(status=404))
        before = sum(line.split()[1] == self.path for line, _ in self.server.requests)
        asked = f"{self.command} {self.path} {body}".strip()
        self.server.requests.append((asked, self.headers.get("idempotency-key", "")))
        if before < page.silent:
            self.server.closed.wait()
        elif any(self.headers.get(name) != value for name, value in page.needs.items()):
            self._say(Page(status=401))
        else:
            self._say(page)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def _say(self, page: Page) -> None:
        self.send_response(page.status)
        for name, value in {"content-type": "text/plain", **page.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(page.text.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server(pages: Mapping[str, Page]) -> Iterator[Web]:
    with Web(pages) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server
        finally:
            server.closed.set()
            server.shutdown()
