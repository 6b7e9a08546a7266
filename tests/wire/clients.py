"""The real clients pointed at the server, and what they believe they used."""

from collections.abc import Callable
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_openai import ChatOpenAI

from .usage import Billed

# Messages are left untyped: the clients add keys and shapes that LangChain's types do not have.
Ask = Callable[..., Any]


def openai_client(url: str, **options: Any) -> ChatOpenAI:
    """Make a client of Chat Completions that does not retry and asks for streamed usage."""
    defaults = {"model": "gpt-test", "api_key": "key", "stream_usage": True, "max_retries": 0}
    return ChatOpenAI(base_url=url + "/v1", **{**defaults, **options})


def anthropic_client(url: str, **options: Any) -> ChatAnthropic:
    """Make a client of Messages that does not retry."""
    defaults = {"model": "claude-test", "api_key": "key", "max_retries": 0}
    return ChatAnthropic(base_url=url, **{**defaults, **options})


def invoke(model: Runnable[LanguageModelInput, AIMessage]) -> Ask:
    """Ask for the answer in one piece."""
    return model.invoke


def stream(model: Runnable[LanguageModelInput, AIMessage]) -> Ask:
    """Ask for a stream, and add up its chunks."""

    def ask(question: LanguageModelInput, **options: Any) -> Any:
        whole: Any = None
        for chunk in model.stream(question, **options):
            whole = chunk if whole is None else whole + chunk
        return whole

    return ask


def believed(message: Any) -> Billed:
    """Turn LangChain's usage into the meter's disjoint categories.

    Anthropic's cache writes stand under `ephemeral_…` in a whole answer, with `cache_creation` 0,
    and under `cache_creation` in a stream.
    """
    usage: Any = message.usage_metadata
    given, made = usage.get("input_token_details", {}), usage.get("output_token_details", {})
    timed = (given.get(f"ephemeral_{ttl}_input_tokens", 0) for ttl in ("5m", "1h"))
    read, written = given.get("cache_read", 0), sum(timed) or given.get("cache_creation", 0)
    reasoning = made.get("reasoning", 0)
    return Billed(
        input=usage["input_tokens"] - read - written,
        cache_read=read,
        cache_write=written,
        output=usage["output_tokens"] - reasoning,
        reasoning=reasoning,
    )
