"""The tools of a call, in the form its provider expects."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llms.request import CallRequest

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

# How LangChain's `bind_tools` says to these providers that none of the tools may be called.
_NONE: dict[str, Any] = {"anthropic": {"type": "none"}, "azure_openai": "none", "openai": "none"}

# They refuse a dialogue with tool calls in it when no tool is described, and Bedrock has no word
# for `none`: what may not be called is described, and only the instructions say so.
_HAVE_TO_DESCRIBE = frozenset(
    {"anthropic_bedrock", "bedrock", "bedrock_converse", "bedrock_mantle_anthropic"}
    | {"google_anthropic_vertex"}
)


def described_tools(request: CallRequest) -> Sequence[Mapping[str, Any]]:
    """The tools that the provider is sent: where none may be called, as few as it stands."""
    kind = request.profile.provider_kind
    if request.may_call_tools or kind in _NONE or kind in _HAVE_TO_DESCRIBE:
        return request.tools
    return ()


def tool_options(model: "BaseChatModel", request: CallRequest) -> dict[str, Any]:
    """The tools as this provider wants them, as options of one request."""
    tools = [{"type": "function", "function": dict(tool)} for tool in described_tools(request)]
    if not tools:
        return {}
    choice = {}
    if not request.may_call_tools and (none := _NONE.get(request.profile.provider_kind)):
        choice = {"tool_choice": none}
    bound: Any = model.bind_tools(tools, **choice)
    return dict(bound.kwargs)
