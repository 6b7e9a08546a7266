"""Runs within a run: the same engine, log and ledger, the names of nodes one step further down.

A node `sub` that runs a workflow shows its nodes as `sub/draft`, from its second visit on as
`sub#2/draft`; a node `each` that runs a part of its own graph for each item of a list as
`each[3]/draft`, counted from 0. So each call of the whole run has a name of its own that is the
same when the run is taken up again, and a replay finds it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from workflows.engine.state import RunState


@dataclass(frozen=True, slots=True)
class InnerLog:
    """Writes to the log of the run around it, under longer names."""

    outer: Log
    step: str

    def emit(self, event: Event) -> None:
        named: Any = event
        self.outer.emit(replace(named, node=self.step + named.node))


@dataclass(frozen=True, slots=True)
class InnerServices:
    """Asks through the services of the run around it, under longer names."""

    outer: Services
    step: str
    in_conversation: bool

    async def ask(self, question: Question) -> Reply:
        return await self.outer.ask(replace(question, node=self.step + question.node))

    async def call_tool(self, question: ToolQuestion) -> ToolReply:
        return await self.outer.call_tool(replace(question, node=self.step + question.node))

    async def history(self, most: int, *, unsummed: bool) -> History:
        if not self.in_conversation:
            return History()
        return await self.outer.history(most, unsummed=unsummed)

    async def sleep(self, node: str, visit: int, seconds: float) -> None:
        await self.outer.sleep(self.step + node, visit, seconds)

    async def workflow(self, name: str, parameters: Mapping[str, Any]) -> GraphDefinition:
        return await self.outer.workflow(name, parameters)

    async def approval(self, question: ApprovalQuestion) -> Decision | None:
        return await self.outer.approval(replace(question, node=self.step + question.node))


@dataclass(frozen=True, slots=True)
class Inner:
    """A graph that a visit of a node runs: another workflow, or its own body for an item."""

    outer: ExecutionContext
    node: str
    visit: int
    graph: GraphDefinition

    async def run_workflow(
        self, given: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> ExecutionResult:
        """Run it to its end. Raises NodeError for what its nodes take up nowhere."""
        outer, step = self.outer, self._step()
        if outer.execute is None:
            raise RuntimeError("a node is run by an engine")
        if outer.depth >= outer.max_depth:
            message = f"Workflows run in one another at most {outer.max_depth} deep."
            raise NodeError("workflows_too_deep", message)
        inner = replace(
            self._context(step, in_conversation=False),
            input=given,
            parameters=parameters,
            depth=outer.depth + 1,
        )
        with _errors_of(step):
            return await outer.execute(inner)

    async def run_item(self, item: int, state: RunState) -> RunState:
        """Run it for an item, from this state to its end. Raises as `run_workflow`."""
        if self.outer.go_on is None:
            raise RuntimeError("a node is run by an engine")
        step = self._step(f"[{item}]")
        inner = self._context(step, in_conversation=True)
        with _errors_of(step):
            return await self.outer.go_on(inner, state)

    def _context(self, step: str, *, in_conversation: bool) -> ExecutionContext:
        self._check_names(self.outer.path + step)
        return replace(
            self.outer,
            graph=self.graph,
            services=InnerServices(self.outer.services, step, in_conversation),
            log=InnerLog(self.outer.log, step),
            path=self.outer.path + step,
        )

    def _step(self, which: str = "") -> str:
        again = f"#{self.visit}" if self.visit > 1 else ""
        return f"{self.node}{again}{which}/"

    def _check_names(self, path: str) -> None:
        longest = len(path) + max(len(node.id) for node in self.graph.nodes)
        if longest > MOST_NAME_CHARACTERS:
            message = f"With the path to them, nodes are called '{path}…': that is too long."
            raise NodeError("path_too_long", message)


@contextmanager
def _errors_of(step: str) -> Iterator[None]:
    """What fails the inner graph is an error of the node that runs it."""
    try:
        yield
    except RunStopped:
        raise
    except RunFailed as error:
        whose = step + error.node if error.node else ""
        raise NodeError(error.code, error.message, whose) from error
