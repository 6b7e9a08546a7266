"""The outside of a run: a provider, a tool and a web server that do what a file says."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

from tests.conformance.case import Answer, Page, ToolAnswer
from tests.wire import WireServer
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult

_ANY_NUMBER = 10**6


def tell(wire: WireServer, answers: Sequence[Answer], *, for_ever: bool = False) -> None:
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
    if answer.say is not None:
        parts.append(f"[[say={answer.say}]]")
    if answer.fault is not None:
        parts.append(f"[[fault={answer.fault}]]")
    return " ".join(parts)


class Anything(ToolArgs):
    question: str = ""


class Scripted(Tool[Anything]):
    """Counts how often it was really called."""

    key = "scripted"
    label = "Scripted"
    description = "Answers as it was told to."
    args = Anything
    answers: ClassVar[list[ToolAnswer]] = []
    called: ClassVar[list[str]] = []

    async def call(self, args: Anything, context: ToolContext) -> ToolResult:
        answer = self._next()
        self.called.append(str(context.call_id))
        if answer.hang:
            await asyncio.Event().wait()
        if answer.crash:
            raise RuntimeError("password=hunter2")
        if answer.fail:
            raise ToolFailed(reason=answer.fail)
        return ToolResult(answer.say)

    def _next(self) -> ToolAnswer:
        left = len(self.called)
        for answer in self.answers:
            if answer.times == "always" or left < answer.times:
                return answer
            left -= answer.times
        return ToolAnswer(fail="This call is not in the script.")


@contextmanager
def web_server(pages: Mapping[str, Page]) -> Iterator[str]:
    """The address of a web server with these pages."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path, Page(status=404))
            self.send_response(page.status)
            for name, value in {"content-type": "text/plain", **page.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(page.text.encode())))
            self.end_headers()
            self.wfile.write(page.text.encode())

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
