"""Facts become tallies; each connection to a database is watched for slow queries."""

from typing import Any

from django.db.backends.signals import connection_created

from audit.signals import request_answered
from llms.signals import model_calls_settled
from telemetry import tallies
from telemetry.instruments import HTTP_SECONDS, method_label
from telemetry.slow_queries import watch
from tools.signals import tool_calls_settled
from workflows.signals import executions_finished


def on_executions_finished(executions: list[dict[str, Any]], **_: Any) -> None:
    if tallies.wanted():
        tallies.add_executions(executions)


def on_model_calls_settled(calls: list[dict[str, Any]], **_: Any) -> None:
    if tallies.wanted():
        tallies.add_model_calls(calls)


def on_tool_calls_settled(calls: list[dict[str, Any]], **_: Any) -> None:
    if tallies.wanted():
        tallies.add_tool_calls(calls)


def on_request_answered(method: str, route: str, status: int, took_s: float, **_: Any) -> None:
    if tallies.wanted():
        HTTP_SECONDS.labels(method_label(method), route, status).observe(took_s)


def on_connection_created(connection: Any, **_: Any) -> None:
    watch(connection)


def connect() -> None:
    executions_finished.connect(on_executions_finished, dispatch_uid="telemetry.executions")
    model_calls_settled.connect(on_model_calls_settled, dispatch_uid="telemetry.model_calls")
    tool_calls_settled.connect(on_tool_calls_settled, dispatch_uid="telemetry.tool_calls")
    request_answered.connect(on_request_answered, dispatch_uid="telemetry.requests")
    connection_created.connect(on_connection_created, dispatch_uid="telemetry.connections")
