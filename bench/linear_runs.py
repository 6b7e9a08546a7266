"""The runs that `bench.linear` measures: recorded in the database, stored, and compiled by hand."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from accounts.models import User
from core.models import new_id
from workflows.definition.graph import GraphDefinition
from workflows.engine.compiler import Compiler
from workflows.engine.context import ExecutionContext
from workflows.engine.engine import ExecutionEngine
from workflows.engine.events import Event
from workflows.engine.request import ExecutionRequest
from workflows.models import WorkflowDefinition
from workflows.pump.hosts import PumpThread, database_at_work
from workflows.registry import NODE_TYPES
from workflows.selectors import bound_graph
from workflows.services.definitions import create_definition
from workflows.services.executions import start_execution
from workflows.services.planning import plan_execution
from workflows.tracking.log import Tail

Once = Callable[[], Awaitable[Any]]
_INPUT = {"message": "Hello"}


class _Nothing:
    """A log that keeps nothing."""

    def emit(self, event: Event) -> None:
        pass


def stored_and_by_hand(document: Mapping[str, Any]) -> tuple[Once, Once]:
    """The engine with a graph read from its row, and LangGraph with the same steps, built once."""
    definition = _definition(document)
    version = WorkflowDefinition.objects.select_related("version").get(pk=definition.pk).version
    engine = ExecutionEngine(NODE_TYPES)
    graph = GraphDefinition.model_validate(document)
    compiled = Compiler(NODE_TYPES).runnable(graph)

    def context(of: GraphDefinition) -> ExecutionContext:
        return ExecutionContext(new_id(), 1, of, _INPUT, {}, None, _Nothing())  # type: ignore[arg-type]

    async def stored() -> None:
        await engine.execute(context(bound_graph(version, {})))

    async def by_hand() -> None:
        state = {"nodes": {}, "variables": {}}
        limit = {"recursion_limit": 1_000}
        given = context(graph)
        async for _ in compiled.astream(state, limit, context=given, stream_mode="values"):
            pass

    return stored, by_hand


@contextmanager
def recorded(document: Mapping[str, Any]) -> Iterator[Once]:
    """A run of a definition, from its start to its last event, as every door of Chatter does it."""
    definition = _definition(document)
    host = PumpThread()

    async def once() -> None:
        request = ExecutionRequest(
            id=new_id(),
            user_id=definition.owner_id,
            request_id="bench",
            input=_INPUT,
            definition=definition.id,
        )
        with Tail(request.id, unborn=True) as tail:
            await start_execution(partial(plan_execution, definition.owner, request))
            async for frame in tail.frames():
                if frame.last and frame.type != "execution.completed":
                    raise RuntimeError(f"It ended with {frame.type}.")

    with database_at_work():
        host.start()
        try:
            yield once
        finally:
            host.stop()


def _definition(document: Mapping[str, Any]) -> WorkflowDefinition:
    owner = User.objects.get(username="bench")
    return create_definition(owner=owner, name="A line", graph=document)
