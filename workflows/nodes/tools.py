"""Calls the tools that a model asked for."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from llms.messages import ChatMessage
from workflows.engine.context import ToolReply
from workflows.engine.errors import NodeError
from workflows.nodes.base import Inputs, NodeConfig, NodeType, Outputs, Visit

_NOT_CALLED = "Not called: at most {most} tools are called at a time. Ask again."


class Config(NodeConfig):
    parallel: int = Field(default=5, ge=1, le=20, description="Calls made at the same time.")
    max_calls: int = Field(default=20, ge=1, le=100, description="Calls made for one message.")
    timeout_s: float | None = Field(
        default=None, gt=0, le=600, description="For each call; empty takes the tool's own."
    )


class ToolsNode(NodeType[Config]):
    """Calls the tools that the model before it asked for, and gives it what they answered.

    Draw an edge from the model's `tool_calls` to this node and one back. What goes wrong with a
    call is an answer too, which the model can do something about.
    """

    key: ClassVar[str] = "tools"
    label: ClassVar[str] = "Tools"
    aliases: ClassVar[tuple[str, ...]] = ("tool", "execute_tools")
    can_fail: ClassVar[bool] = True
    leaves: ClassVar[tuple[str, ...]] = ("calls", "errors")
    config = Config

    async def run(self, config: Config, inputs: Inputs, visit: Visit) -> Outputs:
        asked = inputs.dialogue[-1] if inputs.dialogue else None
        calls = asked.tool_calls if asked else ()
        offered = asked.offered if asked else None
        if not calls:
            raise NodeError("no_tool_calls", "No model before this node asked for a tool.")
        room = asyncio.Semaphore(config.parallel)

        async def answered(call: Mapping[str, Any]) -> ToolReply:
            async with room:
                return await visit.call_tool(
                    tool=call["name"],
                    arguments=call["args"],
                    timeout_s=config.timeout_s,
                    offered=offered is None or call["name"] in offered,
                )

        made = await _together([answered(call) for call in calls[: config.max_calls]])
        texts = [answer.told for answer in made]
        texts += [_NOT_CALLED.format(most=config.max_calls)] * (len(calls) - len(made))
        results = [
            ChatMessage("tool", text, tool_call_id=call["id"])
            for call, text in zip(calls, texts, strict=True)
        ]
        return Outputs(
            text="\n\n".join(texts),
            values={"calls": len(made), "errors": sum(1 for answer in made if answer.error)},
            dialogue=(*inputs.dialogue, *results),
        )


async def _together(calls: Iterable[Coroutine[Any, Any, ToolReply]]) -> list[ToolReply]:
    """Their answers; when one cannot be made, the others are stopped before that is told."""
    try:
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in made]
