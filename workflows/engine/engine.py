"""Runs a graph. LangGraph schedules; nodes tell the log what happens as it happens."""

from dataclasses import replace

from langgraph.errors import GraphInterrupt, GraphRecursionError

from workflows.engine.compiler import Compiler, NodeTypes
from workflows.engine.context import ExecutionContext
from workflows.engine.errors import RunStopped
from workflows.engine.pausing import RunPaused
from workflows.engine.result import ExecutionResult
from workflows.engine.state import RunState

_INTERRUPT = "__interrupt__"


class ExecutionEngine:
    """One instance runs any number of executions at once; it keeps nothing of them."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._compiler = Compiler(node_types)

    async def execute(self, context: ExecutionContext) -> ExecutionResult:
        """Run the context's graph to its end.

        Writes nothing itself: nodes emit to `context.log` and ask `context.services`. Raises
        RunFailed when a node's error is taken up by no edge, BeyondLimit when it would use more
        than it may, RunPaused when a node waits for a decision and all that ran beside it has
        ended. Cancelling the task cancels the nodes.
        """
        guard = context.guard
        async with guard.run():
            state = await self._run(context)
        result = _result(context, state)
        guard.check_output(result)
        return result

    async def _run(self, context: ExecutionContext) -> RunState:
        state: RunState = {"nodes": {}, "variables": {}}
        steps = self._compiler.runnable(context.graph).astream(
            state,
            {"recursion_limit": context.guard.most_supersteps(len(context.graph.nodes))},
            context=replace(context, execute=self.execute),
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
        if paused:
            raise RunPaused
        if not context.path:
            _refuse_unreached(context)
        return state


def _refuse_unreached(context: ExecutionContext) -> None:
    """A fork that never came to what it was to change is not what was asked for."""
    for edit in context.edits:
        if (edit.node, edit.visit) not in context.met:
            message = f"The run came to its end without visit {edit.visit} of this node."
            raise RunStopped(edit.node, "fork_not_reached", message)


def _result(context: ExecutionContext, state: RunState) -> ExecutionResult:
    passed = state["nodes"]
    ends = [node.id for node in context.graph.nodes if node.type == "end"]
    texts = [passed[end].text for end in ends if end in passed and passed[end].port is not None]
    memories = [one.memory for one in passed.values() if one.memory is not None]
    return ExecutionResult(
        text="\n\n".join(text for text in texts if text),
        variables=state["variables"],
        memory=memories[-1] if memories else None,
    )
