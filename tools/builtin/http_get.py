"""A page of the web, through the guarded way out."""

import asyncio

from pydantic import Field

from core.egress import Fetched, Outgoing, fetch
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, ToolResult
from tools.builtin.page_text import text_of_html
from tools.http import is_text

_MAX_CHARACTERS = 20_000
_TIMEOUT_S = 20.0


class HttpGetArgs(ToolArgs):
    url: str = Field(max_length=2_000, description="An http or https address.")
    raw: bool = Field(default=False, description="Give HTML as it is instead of its text.")


class HttpGet(Tool[HttpGetArgs]):
    key = "http_get"
    label = "HTTP GET"
    description = "Fetches a page or document of the public web and gives its text."
    scopes = ("network",)
    timeout_s = _TIMEOUT_S + 5
    args = HttpGetArgs

    async def call(self, args: HttpGetArgs, context: ToolContext) -> ToolResult:
        fetched = await fetch(Outgoing(args.url, timeout_s=_TIMEOUT_S))
        text = await asyncio.to_thread(_text, fetched, args.raw)
        cut = len(text) > _MAX_CHARACTERS
        shown = text[:_MAX_CHARACTERS] + ("\n[…cut here]" if cut else "")
        return ToolResult(
            text=f"HTTP {fetched.status} from {fetched.url}\n\n{shown}",
            data={
                "status": fetched.status,
                "url": fetched.url,
                "content_type": fetched.content_type,
                "body": text[:_MAX_CHARACTERS],
                "cut": cut,
            },
        )


def _text(fetched: Fetched, raw: bool) -> str:
    kind = fetched.content_type
    if kind in ("text/html", "application/xhtml+xml") and not raw:
        return text_of_html(fetched.text)
    if is_text(kind):
        return fetched.text
    raise ToolFailed(reason=f"What is there is no text but {kind[:100]}.")
