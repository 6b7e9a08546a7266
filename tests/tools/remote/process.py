"""An MCP server over stdio, by hand: one of the library takes 2 s to start, at each call."""

import json
import os
import sys
import time
from typing import Any

_ANYTHING = {"type": "object"}
_TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
_TOOLS = [
    {"name": "echo", "description": "Says it again.", "inputSchema": _TEXT},
    {"name": "environment", "description": "Tells its variables.", "inputSchema": _ANYTHING},
    {"name": "hang", "description": "Says nothing.", "inputSchema": _ANYTHING},
    {"name": "leave", "description": "Ends the process.", "inputSchema": _ANYTHING},
    {"name": "linger", "description": "Answers, and goes on.", "inputSchema": _ANYTHING},
    {"name": "say", "description": "Says this line first.", "inputSchema": _TEXT},
]
lingering = False


def _call(tool: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
    global lingering  # noqa: PLW0603 - one process, one call
    if tool == "leave":
        sys.exit(3)
    if tool == "say":
        print(arguments["text"], flush=True)  # noqa: T201
    if tool == "hang" or (tool == "say" and arguments["text"].startswith("{")):
        return None
    lingering = tool == "linger"
    text = arguments.get("text") or " ".join(sorted(os.environ))
    return {"content": [{"type": "text", "text": text}]}


def _answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "By hand", "version": "1"},
        }
    if method == "tools/list":
        return {"tools": _TOOLS}
    return _call(params["name"], params["arguments"])


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked and (result := _answer(asked["method"], asked.get("params", {}))):
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)  # noqa: T201
while lingering:
    time.sleep(1)
