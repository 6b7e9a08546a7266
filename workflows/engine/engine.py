"""Runs a graph: LangGraph schedules it, and nodes report to the log as things happen."""

from collections.abc import Iterator
from dataclasses import replace

from langgraph.errors import GraphInterrupt, GraphRecursionError

from workflows.definition.graph import ERROR, GraphDefinition
from workflows.engine.compiler import Compiler, Handler, NodeTypes
from workflows.engine.context import ExecutionContext
from workflows.engine.ending import to_its_end
from workflows.engine.errors import RunFailed, RunStopped
from workflows.engine.pausing import RunPaused
from workflows.engine.result import ExecutionResult
from workflows.engine.state import Passed, RunState

_INTERRUPT = "__interrupt__"


class ExecutionEngine:
    """One instance runs any number of executions at once, and keeps no state of them."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._compiler = Compiler(node_types)

    async def execute(self, context: ExecutionContext) -> ExecutionResult:
        """Run the context's graph to its end.

        Writes nothing itself: nodes emit to `context.log` and use `context.services`. Raises
        RunFailed when no edge and no handler of the graph takes up a node's error, or when the
        handler fails the run in the end; BeyondLimit when the run would use more than it may;
        RunPaused when a node waits for a decision and everything beside it has ended; and what
        `context.passes`. Cancelling the task cancels the nodes.
        """
        guard, graph = context.guard, context.graph
        handler = self._compiler.handler_of(graph)
        async with guard.run():
            try:
                state = await self._run(context, graph, {"nodes": {}, "variables": {}})
            except RunFailed as error:
                if handler is None or error.state is None or isinstance(error, RunStopped):
                    raise
                state = await self._run(context, handler.part, _taken_up(error, handler))
                graph = handler.part
                if handler.fails:
                    raise
        result = _result(graph, state)
        if not context.path:  # an inner run leaves no output of its own
            _refuse_unreached(context)
            guard.check_output(result)
        return result

    async def go_on(self, context: ExecutionContext, state: RunState) -> RunState:
        """Run the context's graph to its end, from this state. Raises as `execute`."""
        return await self._run(context, context.graph, state)

    async def _run(
        self, context: ExecutionContext, graph: GraphDefinition, state: RunState
    ) -> RunState:
        stepped = self._stepped(context, graph, state)
        # Nobody cancels the outermost graph twice.
        return await (to_its_end(stepped) if context.path else stepped)

    async def _stepped(
        self, context: ExecutionContext, graph: GraphDefinition, state: RunState
    ) -> RunState:
        failed: list[RunFailed] = []
        within = replace(
            context,
            execute=self.execute,
            go_on=self.go_on,
            failed=failed,
        )
        if context.wait_to_begin is not None:
            within = replace(within, fatal=context.fatal.union(_fatal(context.path, graph)))
        steps = self._compiler.runnable(graph).astream(
            state,
            {"recursion_limit": context.guard.most_supersteps(len(context.graph.nodes))},
            context=within,
            stream_mode="values",
        )
        paused = False
        try:
            async for step in steps:
                state, paused = step, paused or _INTERRUPT in step
        except GraphInterrupt:  # of a graph that runs within a node of another
            paused = True
        except GraphRecursionError:
            context.guard.too_many_steps()
        except RunFailed as error:
            # Of branches that fail at once LangGraph raises any.
            first = error if isinstance(error, RunStopped) or not failed else failed[0]
            first.state = first.state or state
            raise first from first.__cause__
        if paused:
            raise RunPaused
        return state


def _fatal(path: str, graph: GraphDefinition) -> Iterator[str]:
    """The nodes whose errors no edge takes up."""
    taken_up = {edge.source for edge in graph.edges if edge.source_port == ERROR}
    return (path + node for node in graph.by_id if node not in taken_up)


def _taken_up(error: RunFailed, handler: Handler) -> RunState:
    """What a handler begins with: everything done before the node that failed, and the error."""
    state = error.state or {"nodes": {}, "variables": {}}
    values = {"code": error.code, "message": error.message, "node": error.node}
    failed = Passed(port=ERROR, text=error.message, values=values, memory=error.memory)
    return {**state, "nodes": state["nodes"] | {handler.node: failed}}


def _refuse_unreached(context: ExecutionContext) -> None:
    """A fork must reach the visit it was to change."""
    for edit in context.edits:
        if (edit.node, edit.visit) not in context.met:
            message = f"The run came to its end without visit {edit.visit} of this node."
            raise RunStopped(edit.node, "fork_not_reached", message)


def _result(graph: GraphDefinition, state: RunState) -> ExecutionResult:
    """The answer of the ends in `graph`: behind a handler, only the ends there count."""
    passed = state["nodes"]
    ends = [node.id for node in graph.nodes if node.type == "end"]
    texts = [passed[end].text for end in ends if end in passed and passed[end].port is not None]
    memories = [one.memory for one in passed.values() if one.memory is not None]
    return ExecutionResult(
        text="\n\n".join(text for text in texts if text),
        variables=state["variables"],
        memory=max(memories, key=lambda memory: memory.through, default=None),
    )
