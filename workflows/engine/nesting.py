"""Runs within a run: the same engine, log and ledger, the names of nodes one step further down.

A node `each` that runs a workflow shows its nodes as `each/draft`; when it runs one for each item
of a list, as `each[3]/draft`, counted from 0; from its second visit on as `each#2/draft`. So each
call of the whole run has a name of its own that is the same when the run is taken up again, and a
replay finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflows.definition.graph import GraphDefinition
from workflows.definition.nesting import MOST_NAME_CHARACTERS
from workflows.engine.context import (
    ExecutionContext,
    History,
    Log,
    Question,
    Reply,
    Services,
    ToolQuestion,
    ToolReply,
)
from workflows.engine.errors import NodeError, RunFailed, RunStopped
from workflows.engine.events import Event
from workflows.engine.pausing import ApprovalQuestion, Decision
from workflows.engine.result import ExecutionResult


@dataclass(frozen=True, slots=True)
class InnerLog:
    """Tells the log of the run around it."""

    outer: Log
    step: str

    def emit(self, event: Event) -> None:
        named: Any = event
        self.outer.emit(replace(named, node=self.step + named.node))


@dataclass(frozen=True, slots=True)
class InnerServices:
    """Asks by the services of the run around it. What runs within one is in no conversation."""

    outer: Services
    step: str

    async def ask(self, question: Question) -> Reply:
        return await self.outer.ask(replace(question, node=self.step + question.node))

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        return await self.outer.call_tool(replace(question, node=self.step + question.node))

    async def history(self) -> History:
        return History()

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        await self.outer.sleep(self.step + node, visit, seconds)

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        return await self.outer.workflow(name, parameters)

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        return await self.outer.approval(replace(question, node=self.step + question.node))


@dataclass(frozen=True, slots=True)
class Inner:
    """A graph that a visit of a node runs, once or for each of many items."""

    outer: ExecutionContext
    node: str
    visit: int
    graph: GraphDefinition
    parameters: Mapping[str, Any]

    async def run(self, given: Mapping[str, Any], item: int | None = None) -> ExecutionResult:
        """Run it to its end. Raises NodeError for what its nodes take up nowhere."""
        outer, step = self.outer, self._step(item)
        if outer.execute is None:
            raise RuntimeError("a node is run by an engine")
        if outer.path.count("/") >= outer.max_depth:
            message = f"Workflows run in one another at most {outer.max_depth} deep."
            raise NodeError("workflows_too_deep", message)
        self._check_names(outer.path + step)
        context = replace(
            outer,
            graph=self.graph,
            input=given,
            parameters=self.parameters,
            services=InnerServices(outer.services, step),
            log=InnerLog(outer.log, step),
            path=outer.path + step,
        )
        try:
            return await outer.execute(context)
        except RunStopped:
            raise
        except RunFailed as error:
            whose = step + error.node if error.node else ""
            raise NodeError(error.code, error.message, whose) from error

    def _step(self, item: int | None) -> str:
        again = f"#{self.visit}" if self.visit > 1 else ""
        which = "" if item is None else f"[{item}]"
        return f"{self.node}{again}{which}/"

    def _check_names(self, path: str) -> None:
        longest = len(path) + max(len(node.id) for node in self.graph.nodes)
        if longest > MOST_NAME_CHARACTERS:
            message = f"With the path to them, nodes are called '{path}…': that is too long."
            raise NodeError("path_too_long", message)
