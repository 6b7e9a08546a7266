"""The built-in chat model: no network, no cost, the same answer to the same conversation.

It streams words, reports usage, thinks, calls a bound tool and fails when it is asked to (see
`demo_replies.HELP`). Its tokens, by rule: in, one per word it is sent and 3 per message; out, one
per word of text, thoughts, tool name and arguments.

Parameters: `delay_ms_per_word` (15; 0 for measurements) and `max_tokens` (words).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from llms.providers.demo_script import Fault, Line, Said, input_tokens, script

_STATUSES = {Fault.REFUSES: 422, Fault.BUSY: 429}


class DemoFailure(Exception):
    """A failure that was asked for, as the error answer of a provider."""

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code
        self.body = {"message": "the demo was asked to fail"}
        super().__init__(self.body["message"])


class DemoChatModel(BaseChatModel):
    """See the module."""

    model: str = "chatter-demo"
    delay_ms_per_word: float = 15
    max_tokens: int | None = None

    @property
    def _llm_type(self) -> str:
        return "demo"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Tools it may be asked to call; `tool_choice` changes nothing."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        said = _said(messages)
        line = self._line(said, kwargs)
        if line.fault is Fault.HANGS:
            await asyncio.Event().wait()
        pause_s = self._pause_s(line)
        for chunk in self._chunks(line, said):
            if pause_s:
                await asyncio.sleep(pause_s)
            yield chunk

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _in_one([chunk async for chunk in self._astream(messages, **kwargs)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        said = _said(messages)
        line = self._line(said, kwargs)
        time.sleep(self._pause_s(line) * len(line.words))
        return _in_one(list(self._chunks(line, said)))

    def _line(self, said: list[Said], options: dict[str, Any]) -> Line:
        tools = [tool["function"]["name"] for tool in options.get("tools") or ()]
        return script(said, tools).cut_to(options.get("max_tokens") or self.max_tokens)

    def _pause_s(self, line: Line) -> float:
        return self.delay_ms_per_word * line.slowness / 1000

    def _chunks(self, line: Line, said: list[Said]) -> Iterator[ChatGenerationChunk]:
        """The answer word by word, and the usage in a chunk of its own, as providers stream it."""
        if line.fault in _STATUSES:
            raise DemoFailure(_STATUSES[line.fault])
        for word in line.thoughts:
            yield _chunk(content="", additional_kwargs={"reasoning_content": word})
        for at, word in enumerate(line.words):
            if line.fault is Fault.BREAKS and at * 2 >= len(line.words):
                raise ConnectionResetError("the demo was asked to break off")
            yield _chunk(content=word)
        if used := line.tool_use:
            call = {"name": used.name, "args": used.arguments, "id": "demo-call", "index": 0}
            yield _chunk(content="", tool_call_chunks=[call])
        yield _chunk(
            content="",
            usage_metadata=_usage(line, said),
            response_metadata={"model_name": self.model, "finish_reason": line.finish_reason},
            chunk_position="last",
        )


def _chunk(**fields: Any) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(**fields))


def _said(messages: list[BaseMessage]) -> list[Said]:
    return [Said(message.type, message.text) for message in messages]


def _usage(line: Line, said: list[Said]) -> UsageMetadata:
    """Reasoning inside output, as LangChain counts."""
    read, thought = input_tokens(said), len(line.thoughts)
    written = line.output_tokens + thought
    return UsageMetadata(
        input_tokens=read,
        output_tokens=written,
        total_tokens=read + written,
        output_token_details={"reasoning": thought},
    )


def _in_one(chunks: list[ChatGenerationChunk]) -> ChatResult:
    """The whole answer as one message."""
    whole: Any = chunks[0].message
    for chunk in chunks[1:]:
        whole = whole + chunk.message
    message = AIMessage(
        content=whole.content,
        additional_kwargs=whole.additional_kwargs,
        tool_calls=whole.tool_calls,
        usage_metadata=whole.usage_metadata,
        response_metadata=whole.response_metadata,
    )
    return ChatResult(generations=[ChatGeneration(message=message)])
