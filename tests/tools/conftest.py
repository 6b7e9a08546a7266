"""Tools made for the tests, a ledger in memory, and ways to call."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from tests.tools.plugins import PLUGINS
from tests.tools.recorder import Recorder, Willing
from tools.base import ToolContext, ToolResult
from tools.calling import call_tool
from tools.registry import tools
from tools.request import ToolAnswer, ToolRequest


@pytest.fixture
def plugins(settings: Any) -> Iterator[None]:
    """The built-in tools and some by a third party."""
    settings.CHATTER_TOOLS = [*settings.CHATTER_TOOLS, *PLUGINS]
    tools.__dict__.pop("_by_key", None)
    yield
    tools.__dict__.pop("_by_key", None)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def request_for(tool: str, user: User | None = None, **fields: Any) -> ToolRequest:
    return ToolRequest(
        **{
            "tool": tool,
            "arguments": {},
            "origin": "execution:00000000-0000-7000-8000-000000000001",
            "user_id": user and user.pk,
            "node": "tools",
            **fields,
        }
    )


def called(request: ToolRequest, recorder: Any, permissions: Any = None) -> ToolAnswer:
    """Through the one door, from where sync code stands."""
    answer: ToolAnswer = async_to_sync(call_tool)(request, recorder, permissions or Willing())
    return answer


@pytest.fixture
def use() -> Callable[..., ToolResult]:
    """Call a built-in tool itself, with arguments as they come."""

    def run(key: str, **arguments: Any) -> ToolResult:
        tool = tools.get(key)
        context = ToolContext(None, "test:1", None)  # type: ignore[arg-type]
        result: ToolResult = async_to_sync(tool.call)(tool.args.model_validate(arguments), context)
        return result

    return run
