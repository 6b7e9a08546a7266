"""Runs a graph. LangGraph schedules; nodes tell the log what happens as it happens."""

from langgraph.errors import GraphRecursionError

from workflows.engine.compiler import Compiler, NodeTypes
from workflows.engine.context import ExecutionContext
from workflows.engine.errors import RunFailed
from workflows.engine.result import ExecutionResult
from workflows.engine.state import RunState


class ExecutionEngine:
    """One instance runs any number of executions at once; it keeps nothing of them."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._compiler = Compiler(node_types)

    async def execute(self, context: ExecutionContext) -> ExecutionResult:
        """Run the context's graph to its end.

        Writes nothing itself: nodes emit to `context.log` and ask `context.services`. Raises
        RunFailed when a node's error is taken up by no edge, or the run takes too many steps.
        Cancelling the task cancels the nodes.
        """
        state: RunState = {"nodes": {}, "variables": {}}
        steps = self._compiler.runnable(context.graph).astream(
            state,
            {"recursion_limit": context.max_steps},
            context=context,
            stream_mode="values",
        )
        try:
            async for step in steps:
                state = step
        except GraphRecursionError as error:
            message = f"The run took more than {context.max_steps:,} steps."
            raise RunFailed("", "too_many_steps", message) from error
        _refuse_unreached(context, state)
        return _result(context, state)


def _refuse_unreached(context: ExecutionContext, state: RunState) -> None:
    """A fork that never came to what it was to change is not what was asked for."""
    for edit in context.edits:
        passed = state["nodes"].get(edit.node)
        if edit.node in context.graph.by_id and (passed is None or passed.visit < edit.visit):
            message = f"The run came to its end without visit {edit.visit} of this node."
            raise RunFailed(edit.node, "fork_not_reached", message)


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
