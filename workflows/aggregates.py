"""The numbers kept on an execution: sums of the model calls that have it as their origin."""

from typing import Any

from core import origins
from core.aggregates import Aggregate, declare
from llms.signals import model_calls_settled
from workflows.totals import TOKENS

CALL_TOTALS = (
    Aggregate(into="call_count"),
    Aggregate(into="estimated_calls", only=(("exactness", "estimated"),)),
    Aggregate(into="unpriced_calls", only=(("exactness", "unpriced"),)),
    Aggregate(into="open_calls", only=(("exactness", "open"),)),
    *(Aggregate(into=name, of=name) for name in TOKENS),
    Aggregate(into="cost_nano_usd", of="cost_nano_usd"),
)

of_executions = declare(
    *CALL_TOTALS,
    model="llms.ModelCall",
    parent_model="workflows.WorkflowExecution",
    parent="origin",
    prefix=origins.EXECUTION,
    counted_once="settled_at",
)


def on_model_calls_settled(calls: list[dict[str, Any]], **_: Any) -> None:
    of_executions.add_group(calls)


def connect() -> None:
    of_executions.connect()
    model_calls_settled.connect(on_model_calls_settled, dispatch_uid="workflows.execution_totals")
