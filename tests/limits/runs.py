"""What tests of limits ask of a run, and graphs they run."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync

from audit.models import AuditEntry
from core import clock
from core.aggregates import all_differences
from llms.metering import close_clients
from llms.models import ModelCall
from llms.services.profiles import forget_profiles
from tests.drills.mortal import MortalWriter, events_of, logged, take_up, until
from tests.factories.llms import PriceFactory
from tools.models import ToolCall
from workflows.models import WorkflowExecution
from workflows.pump.pump import Pump
from workflows.totals import totals_json

Begin = Callable[..., WorkflowExecution]


def finished(execution: WorkflowExecution) -> WorkflowExecution:
    """The run at its end."""
    take_up()
    execution.refresh_from_db()
    return execution


def outlasted(execution: WorkflowExecution, kind: str, seconds: float) -> WorkflowExecution:
    """The run at its end, when so much time passes at once as soon as its log tells of `kind`."""

    async def life() -> None:
        loop: Any = asyncio.get_running_loop()
        work = loop.create_task(Pump(MortalWriter()).drain())
        await until(logged(kind))
        now = loop.time
        loop.time = lambda: now() + seconds
        await work
        await close_clients()

    async_to_sync(life)()
    execution.refresh_from_db()
    return execution


def reached(execution: WorkflowExecution) -> list[dict[str, Any]]:
    """What the log says of limits; the audit trail has to say the same."""
    told = [event["data"] for event in events_of(execution) if event["type"] == "limit.reached"]
    target = f"workflows.workflowexecution:{execution.pk}"
    entries = AuditEntry.objects.filter(action="workflows.limit.reached", target=target)
    audited = [(one.detail["limit"], one.detail["most"], one.detail["node"]) for one in entries]
    assert sorted(audited) == sorted((one["limit"], str(one["most"]), one["node"]) for one in told)
    assert all((one.outcome, one.actor_id) == ("failure", execution.user_id) for one in entries)
    return told


def ended_by(execution: WorkflowExecution, limit: str, node: str = "") -> dict[str, Any]:
    """The one limit that ended the run: an event before the end, an entry, an error with a name."""
    assert execution.status == "failed"
    assert (execution.error["code"], execution.error["node"]) == (f"limit_{limit}", node)
    assert execution.output is None
    (told,) = reached(execution)
    assert told["limit"] == limit
    assert limit.replace("_", " ") in execution.error["message"]
    kinds = [event["type"] for event in events_of(execution)]
    assert kinds.index("limit.reached") < kinds.index("execution.failed") == len(kinds) - 1
    assert not ModelCall.objects.filter(origin=execution.origin, status="open").exists()
    assert not ToolCall.objects.filter(origin=execution.origin, status="open").exists()
    assert list(all_differences()) == []
    return told


def calls_of(execution: WorkflowExecution) -> list[ModelCall]:
    return list(ModelCall.objects.filter(origin=execution.origin).order_by("id"))


def tokens_of(execution: WorkflowExecution) -> int:
    return int(totals_json(vars(execution))["total_tokens"])


def price_of_the_demo(dollars: int) -> None:
    """For a million tokens, each way."""
    PriceFactory(
        provider_kind="demo",
        model="chatter-demo",
        effective_from=clock.now() - timedelta(seconds=1),
        input_nano_usd_per_mtok=dollars * 10**9,
        output_nano_usd_per_mtok=dollars * 10**9,
    )
    forget_profiles()


def rounds(count: int, *body: dict[str, Any]) -> dict[str, Any]:
    """A loop of so many rounds through these nodes."""
    names = [node["id"] for node in body]
    edges = [("start", "out", "loop"), ("loop", "continue", names[0]), ("loop", "done", "end")]
    edges += [(one, "out", other) for one, other in zip(names, names[1:], strict=False)]
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "loop", "type": "loop", "config": {"max_iterations": count}},
            *body,
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"source": source, "source_port": port, "target": target}
            for source, port, target in [*edges, (names[-1], "out", "loop")]
        ],
    }


def says(words: int, node: str = "model", **config: Any) -> list[dict[str, Any]]:
    """Two nodes that ask the demo for an answer of so many words."""
    text = {"id": f"{node}_text", "type": "prompt", "config": {"template": f"say {words} words"}}
    return [text, {"id": node, "type": "model", "config": config}]


def counts(node: str = "count") -> dict[str, Any]:
    return {"id": node, "type": "variable", "config": {"name": "n", "operation": "increment"}}
