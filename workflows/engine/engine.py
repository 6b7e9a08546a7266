"""Runs a graph. LangGraph schedules; nodes tell the log what happens as it happens."""

from dataclasses import replace

from langgraph.errors import GraphInterrupt, GraphRecursionError

from workflows.definition.graph import ERROR, GraphDefinition
from workflows.engine.compiler import Compiler, Handler, NodeTypes
from workflows.engine.context import ExecutionContext
from workflows.engine.errors import RunFailed, RunStopped
from workflows.engine.pausing import RunPaused
from workflows.engine.result import ExecutionResult
from workflows.engine.state import Passed, RunState

_INTERRUPT = "__interrupt__"


class ExecutionEngine:
    """One instance runs any number of executions at once; it keeps nothing of them."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._compiler = Compiler(node_types)

    async def execute(self, context: ExecutionContext) -> ExecutionResult:
        """Run the context's graph to its end.

        Writes nothing itself: nodes emit to `context.log` and ask `context.services`. Raises
        RunFailed when a node's error is taken up by no edge and by no handler of the graph, or by
        one that fails the run in the end, BeyondLimit when it would use more than it may, RunPaused
        when a node waits for a decision and all that ran beside it has ended. Cancelling the task
        cancels the nodes.
        """
        guard, graph = context.guard, context.graph
        async with guard.run():
            try:
                state = await self._run(context, graph, {"nodes": {}, "variables": {}})
            except RunFailed as error:
                handler = self._compiler.handler_of(graph)
                if handler is None or error.state is None or isinstance(error, RunStopped):
                    raise
                state = await self._run(context, handler.part, _taken_up(error, handler))
                graph = handler.part
                if handler.fails:
                    raise
        result = _result(graph, state)
        if not context.path:  # what runs within it leaves no output of the run
            _refuse_unreached(context)
            guard.check_output(result)
        return result

    async def go_on(self, context: ExecutionContext, state: RunState) -> RunState:
        """Run the context's graph to its end, from this state. Raises as `execute`."""
        return await self._run(context, context.graph, state)

    async def _run(
        self, context: ExecutionContext, graph: GraphDefinition, state: RunState
    ) -> RunState:
        steps = self._compiler.runnable(graph).astream(
            state,
            {"recursion_limit": context.guard.most_supersteps(len(context.graph.nodes))},
            context=replace(context, execute=self.execute, go_on=self.go_on),
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
            error.state = error.state or state
            raise
        if paused:
            raise RunPaused
        return state


def _taken_up(error: RunFailed, handler: Handler) -> RunState:
    """What a handler begins with: all that was done before the node that failed, and the error."""
    state = error.state or {"nodes": {}, "variables": {}}
    values = {"code": error.code, "message": error.message, "node": error.node}
    failed = Passed(port=ERROR, text=error.message, values=values)
    return {**state, "nodes": state["nodes"] | {handler.node: failed}}


def _refuse_unreached(context: ExecutionContext) -> None:
    """A fork that never came to what it was to change is not what was asked for."""
    for edit in context.edits:
        if (edit.node, edit.visit) not in context.met:
            message = f"The run came to its end without visit {edit.visit} of this node."
            raise RunStopped(edit.node, "fork_not_reached", message)


def _result(graph: GraphDefinition, state: RunState) -> ExecutionResult:
    """Behind the handler of a graph, only the ends there answer."""
    passed = state["nodes"]
    ends = [node.id for node in graph.nodes if node.type == "end"]
    texts = [passed[end].text for end in ends if end in passed and passed[end].port is not None]
    memories = [one.memory for one in passed.values() if one.memory is not None]
    return ExecutionResult(
        text="\n\n".join(text for text in texts if text),
        variables=state["variables"],
        memory=memories[-1] if memories else None,
    )
