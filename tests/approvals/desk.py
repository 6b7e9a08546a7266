"""Runs that wait for people, and the people."""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from core import clock
from tests.definitions.graphs import asks, graph

APPROVALS = "/api/v1/approvals/"
ONCE = "/api/v1/workflows/execute/"


def approval(node: str = "ask", **config: Any) -> dict[str, Any]:
    return {"id": node, "type": "approval", "config": {"question": "Send it?", **config}}


def says(node: str, template: str) -> dict[str, Any]:
    return {"id": node, "type": "prompt", "config": {"template": template}}


def letter(**config: Any) -> Any:
    """A model writes, somebody looks at it, and it is sent or not."""
    return graph(
        asks(),
        approval(**config),
        says("sent", "sent by {{nodes.ask.by}}: {{nodes.ask.answer}}"),
        says("kept", "{{nodes.ask.decision}}: {{nodes.ask.comment}}"),
        edges=[
            "start>model",
            "model>ask",
            "ask.approved>sent",
            "ask.rejected>kept",
            "sent>end",
            "kept>end",
        ],
    )


def two_at_once(**config: Any) -> Any:
    """Two are asked at the same time; the end joins what both let pass."""
    return graph(
        approval("one", **config),
        approval("other", **config),
        says("first", "one: {{nodes.one.by}}"),
        says("second", "other: {{nodes.other.by}}"),
        edges=[
            "start>one",
            "start>other",
            "one.approved>first",
            "other.approved>second",
            "first>end",
            "second>end",
        ],
    )


class Desk:
    """Somebody at the API."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def begin(self, document: Any, message: str = "hello") -> str:
        """Start a graph; it waits to be run."""
        body = {"graph": document, "input": {"message": message}, "mode": "background"}
        told = self.client.post(ONCE, body)
        assert told.status_code == 202, told.json()
        return told.json()["execution"]["id"]

    def run(self, pk: str) -> dict[str, Any]:
        return self.client.get(f"/api/v1/executions/{pk}/").json()

    def waiting(self, node: str | None = None) -> Any:
        """The ids of what is to be decided; with `node`, of the one it asks."""
        found = self.client.get(APPROVALS, {"status": "pending"}).json()["results"]
        if node is None:
            return [one["id"] for one in found]
        [asked] = [one["id"] for one in found if one["node"] == node]
        return asked

    def decide(self, pk: str, decision: str = "approve", **more: Any) -> Any:
        return self.client.post(f"{APPROVALS}{pk}/decide/", {"decision": decision, **more})

    def approve(self, node: str = "ask", **more: Any) -> None:
        told = self.decide(self.waiting(node), **more)
        assert told.status_code == 200, told.json()


class later:  # noqa: N801 - reads as what it does
    """The clock goes on by so much while this is open."""

    def __init__(self, **by: float) -> None:
        self._by = timedelta(**by)
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        now = clock.now
        self._patch.setattr(clock, "now", lambda: now() + self._by)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
