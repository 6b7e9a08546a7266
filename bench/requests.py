"""The bytes that are sent, and what must stand in the answer for it to count."""

import json
from dataclasses import dataclass
from typing import Any

MESSAGE = "Hello"


class Void(Exception):
    """The measurement counts for nothing, because something was not done or not recorded."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent again and again."""

    raw: bytes
    status: int
    proof: bytes


def chat(token: str, definition: str, mode: str, **more: str) -> Request:
    """A one-node chat: start, model, end."""
    body = {"message": MESSAGE, "definition": definition, "mode": mode, **more}
    status, proof = {
        "wait": (201, b'"status":"completed"'),
        "stream": (200, b"event: execution.completed"),
        "background": (202, b'"execution":'),
    }[mode]
    return Request(raw("POST", "/api/v1/chat/", token, body), status, proof)


def execution(token: str, definition: str) -> Request:
    """An execution of a definition, in the background."""
    body = {"input": {"message": MESSAGE}, "mode": "background"}
    path = f"/api/v1/definitions/{definition}/execute/"
    return Request(raw("POST", path, token, body), 202, b'"execution":')


def partner(token: str, path: str = "/bench/partner/") -> Request:
    return Request(raw("POST", path, token, {"message": MESSAGE}), 200, b"event: end")


def raw(method: str, path: str, token: str = "", body: Any = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(content)}"]
    if body is not None:
        lines.append("Content-Type: application/json")
    if token:
        lines.append(f"Authorization: Token {token}")
    return "\r\n".join([*lines, "", ""]).encode() + content
