"""An MCP server with tools good and bad."""

import asyncio
from threading import Event
from typing import Any

from mcp.server.fastmcp import Context, FastMCP
from mcp.server.fastmcp.utilities.types import Image
from pydantic import BaseModel


class Address(BaseModel):
    street: str
    number: int = 1


def made(hanging: Event) -> FastMCP:
    """A server of its own: tests change what it offers. `hanging` is set once a call hangs."""
    server = FastMCP("For the tests", log_level="CRITICAL")

    @server.tool()
    def echo(text: str) -> str:
        """Says it again."""
        return text

    @server.tool()
    def addTwo(first: int, second: int = 2) -> dict[str, int]:  # noqa: N802 - as others write names
        """Adds."""
        return {"sum": first + second}

    @server.tool()
    def visit(address: Address) -> str:
        """Takes something with parts."""
        return f"{address.street} {address.number}"

    @server.tool()
    def fail(reason: str = "no luck") -> str:
        """Never works."""
        raise ValueError(reason)

    @server.tool()
    async def hang() -> str:
        """Takes its time."""
        hanging.set()
        await asyncio.sleep(60)
        return "late"

    @server.tool()
    def much(characters: int) -> str:
        """Says a lot."""
        return "x" * characters

    @server.tool(structured_output=False)
    def picture() -> list[Any]:
        """Shows something."""
        return ["Look:", Image(data=b"\0" * 300, format="png")]

    server.add_tool(reflect)
    return server


def reflect(context: Context[Any, Any, Any], fails: bool = False) -> dict[str, str]:
    """Repeats what it was sent."""
    request = context.request_context.request
    sent = {**request.headers, **request.query_params}
    if fails:
        raise ValueError(str(sent))
    return sent
