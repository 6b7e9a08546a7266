"""What LangGraph runs for a node: its inputs, its events, its errors."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime

from llms.errors import ProviderError
from llms.messages import ChatMessage
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import ERROR, Edge, NodeSpec
from workflows.definition.loops import Loop
from workflows.definition.parts import Body
from workflows.engine.context import ExecutionContext
from workflows.engine.edits import Edit
from workflows.engine.errors import (
    STEP_TIME,
    BeyondLimit,
    NodeError,
    RunFailed,
    RunStopped,
    StepTooLong,
)
from workflows.engine.events import NodeFailed, NodeFinished, NodeInput, NodeOutput, NodeStarted
from workflows.engine.pausing import RunPaused, pause
from workflows.engine.state import Change, Passed, RunState, apply_changes, remembered
from workflows.engine.turns import take_turn
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """A node in its place. `loop` is the one it is the head of, `body` what it runs itself.

    `waits_s` are the waits before it is tried again, once for each time it fails.
    """

    node: NodeSpec
    kind: NodeType[Any]
    config: NodeConfig
    incoming: tuple[Edge, ...]
    takes_errors: bool
    loop: Loop | None = None
    waits_s: Sequence[float] = ()
    body: Body | None = None

    async def __call__(
        self, state: RunState, runtime: Runtime[ExecutionContext]
    ) -> Mapping[str, Any]:
        """Visit the node, or pass it over when no edge into it was taken."""
        nodes, before = state["nodes"], state["nodes"].get(self.node.id, _NEVER)
        taken = [edge for edge in self._edges(before) if _taken(nodes, edge)]
        if self.incoming and not taken:
            return {"nodes": {self.node.id: Passed(port=None, visit=before.visit)}}
        sources = [nodes[edge.source] for edge in taken]
        inputs = Inputs(
            text="" if _too_long(sources) else _joined(sources),
            variables=state["variables"],
            nodes=nodes,
            memory=remembered(sources or [before]),  # a graph's handler begins with its own
            dialogue=max((source.dialogue for source in sources), key=len, default=()),
            before=before if self._goes_on(before) else None,
            sources=tuple(edge.source for edge in taken),
        )
        visit, inputs, outputs = await self._tried(inputs, runtime.context, before.visit + 1)
        left = Passed(
            port=outputs.port,
            text=inputs.text if outputs.text is None else outputs.text,
            values=outputs.values,
            visit=visit.number,
            memory=inputs.memory if outputs.memory is None else outputs.memory,
            dialogue=_said(inputs, outputs),
        )
        return {"nodes": {self.node.id: left}, "variables": outputs.changes}

    def _edges(self, before: Passed) -> tuple[Edge, ...]:
        """A head is reached from outside, or by the end of the round it began."""
        if self.loop is None:
            return self.incoming
        if self._goes_on(before):
            return self.loop.back
        return tuple(edge for edge in self.incoming if edge not in self.loop.back)

    def _goes_on(self, before: Passed) -> bool:
        return self.loop is not None and before.port == self.loop.port

    async def _tried(
        self, inputs: Inputs, context: ExecutionContext, number: int
    ) -> tuple[Visit, Inputs, Outputs]:
        """Visit it until it does not fail, as often as its error handler wants.

        A visit that took too long is not tried again: it would take as long.
        """
        changes: Sequence[Change] = ()
        for wait_s in (*self.waits_s, None):
            visit = Visit(context, self.node.id, number, self.body)
            if (edit := context.edit_of(visit.node, number)) is not None:
                inputs, changes = _edited(inputs, edit), edit.changes
            await take_turn(context.execution_id)
            outputs = await self._visited(inputs, visit, last=wait_s is None)
            failed = outputs.port == ERROR and outputs.values["code"] != STEP_TIME
            if not failed or wait_s is None:
                break
            await context.services.sleep(self.node.id, number, wait_s)
            number += 1
        if changes:
            outputs = replace(outputs, changes=(*changes, *outputs.changes))
        return visit, inputs, outputs

    async def _visited(self, inputs: Inputs, visit: Visit, *, last: bool) -> Outputs:
        emit, guard, halt = visit.context.log.emit, visit.context.guard, visit.context.halt
        here = visit.context.path + self.node.id, visit.number
        structlog.contextvars.bind_contextvars(node=here[0], visit=here[1])
        if visit.context.wait_to_begin is not None:
            await visit.context.wait_to_begin(*here, visit.context.fatal)
        await halt.pass_on(*here)
        guard.count_step(*here)
        label = self.node.label or self.kind.label
        emit(NodeStarted(self.node.id, self.node.type, label, visit.number))
        if (shown := visit.context.shown) is not None:
            emit(NodeInput(visit.node, visit.number, shown(_reached(inputs))))
        began = time.perf_counter()
        try:
            with halt.visit(*here):
                outputs = await self._timed(inputs, visit)
        except GraphBubbleUp:  # not an error: it waits here, and is visited again
            raise
        except (BeyondLimit, RunStopped) as error:
            emit(NodeFailed(self.node.id, visit.number, error.code, error.message))
            raise
        except Exception as error:
            if visit.context.passes(error):
                raise
            return self._failed(error, inputs, visit, last=last)
        if shown is not None:
            emit(NodeOutput(visit.node, visit.number, shown(_left(inputs, outputs))))
        took = round((time.perf_counter() - began) * 1000, 3)
        emit(NodeFinished(self.node.id, visit.number, outputs.port, took))
        return outputs

    async def _timed(self, inputs: Inputs, visit: Visit) -> Outputs:
        if self.kind.at_once:
            return await self._work(inputs, visit)
        guard = visit.context.guard
        return await guard.step(visit.name, visit.number, partial(self._work, inputs, visit))

    async def _work(self, inputs: Inputs, visit: Visit) -> Outputs:
        if _too_long([inputs.nodes[source] for source in inputs.sources]):
            raise NodeError("text_too_long", "The texts that meet here are too long together.")
        try:
            return await self.kind.run(self.config, inputs, visit)
        except RunPaused:  # of a graph within this node
            pause(self.node.id)

    def _failed(self, error: Exception, inputs: Inputs, visit: Visit, *, last: bool) -> Outputs:
        """Leave by the port for errors. Raises RunFailed where nothing takes them up."""
        emit = visit.context.log.emit
        if isinstance(error, StepTooLong):
            emit(replace(error.event, node=self.node.id))
        code, message = _code_and_message(error, visit)
        emit(NodeFailed(self.node.id, visit.number, code, message))
        whose = getattr(error, "node", "") or self.node.id
        if not self.takes_errors and (last or code == STEP_TIME):
            visit.context.failed.append(RunFailed(whose, code, message, inputs.memory))
            raise visit.context.failed[-1] from error
        values = {"code": code, "message": message, "node": whose}
        return Outputs(port=ERROR, text=message, values=values)


_NEVER = Passed(port=None)
_MOST_TEXT = 10_000_000  # characters; where two branches meet again and again, they double


def _too_long(sources: Sequence[Passed]) -> bool:
    return sum(len(source.text) for source in sources) > _MOST_TEXT


def _joined(sources: Sequence[Passed]) -> str:
    return "\n\n".join(filter(None, (source.text for source in sources)))


def _edited(inputs: Inputs, edit: Edit) -> Inputs:
    """In a dialogue with tools the text that reaches a node is the last thing said there."""
    variables = {**inputs.variables, **edit.variables}
    if edit.text is None:
        return replace(inputs, variables=variables)
    dialogue = tuple(inputs.dialogue)
    if dialogue:
        dialogue = (*dialogue[:-1], replace(dialogue[-1], text=edit.text))
    return replace(inputs, variables=variables, text=edit.text, dialogue=dialogue)


def _said(inputs: Inputs, outputs: Outputs) -> Sequence[ChatMessage]:
    dialogue = inputs.dialogue
    if outputs.dialogue is not None:
        return outputs.dialogue
    if outputs.text is None or not dialogue or dialogue[-1].role != "tool":
        return dialogue
    return (*dialogue[:-1], replace(dialogue[-1], text=outputs.text))


def _reached(inputs: Inputs) -> Mapping[str, Any]:
    return {"text": inputs.text, "variables": inputs.variables}


def _left(inputs: Inputs, outputs: Outputs) -> Mapping[str, Any]:
    return {
        "text": inputs.text if outputs.text is None else outputs.text,
        "port": outputs.port,
        "values": outputs.values,
        "variables": apply_changes(inputs.variables, outputs.changes),
    }


def _taken(nodes: Mapping[str, Passed], edge: Edge) -> bool:
    source = nodes.get(edge.source)
    return source is not None and source.port == edge.source_port


def _code_and_message(error: Exception, visit: Visit) -> tuple[str, str]:
    """The stable code and the message of a node's error; one nobody foresaw is logged."""
    if isinstance(error, NodeError | ProviderError | BadExpression):
        return error.code, str(error)
    log.error(
        "node.crashed",
        execution=str(visit.context.execution_id),
        node=f"{visit.context.path}{visit.node}",
        visit=visit.number,
        exc_info=error,
    )
    return (
        "node_crashed",
        "The node stopped on an error of its own; the server's log has the details.",
    )
