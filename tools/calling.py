"""The only door to a tool: a row before, the call, the row settled after, however it ends."""

import asyncio
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from core import clock
from core.api import issues_of
from core.errors import ChatterError
from core.models import new_id
from tools.base import Tool, ToolArgs, ToolContext, ToolFailed, UnfitArguments
from tools.catalogue import catalogue
from tools.keeping import kept_arguments, kept_result, storable
from tools.ledger import ToolCallRecord, ToolRecorder
from tools.models import ToolCallStatus
from tools.request import (
    BadArguments,
    ToolAnswer,
    ToolNotOffered,
    ToolRefused,
    ToolRequest,
    ToolTimedOut,
    UnknownTool,
)

_NAME_CHARACTERS = 64
_TOLD_ISSUES = 10
log = structlog.get_logger(__name__)


class Permissions(Protocol):
    """Decides whether a call may be made now."""

    async def refusal(self, tool: Tool[Any], call: ToolCallRecord) -> ToolRefused | None:
        """Why not, or None; a refusal has been audited."""


async def call_tool(
    request: ToolRequest, recorder: ToolRecorder, permissions: Permissions
) -> ToolAnswer:
    """Call a tool and return its answer; a failure is an answer too, with an `error`.

    A call that was answered before is answered from its row, without asking for permission again.
    Every other one is a row, committed open before the tool is called and settled however it ends.
    Raises CancelledError when cancelled, once the row is settled, and what the recorder and the
    permissions raise when they cannot do their work.
    """
    known = recorder.recorded(request.node, request.visit, request.call_index)
    if known is not None:
        return ToolAnswer.of(known, replayed=True)
    before = recorder.attempts(request.node, request.visit, request.call_index)
    call = _call(request, before + 1)
    try:
        tool = await _tool(request)
        args = _args(tool, request)
        refusal = await permissions.refusal(tool, call)
    except (UnknownTool, BadArguments, ToolFailed) as error:
        return await _unmade(call, recorder, ToolCallStatus.FAILED, error)
    if refusal is not None:
        return await _unmade(call, recorder, ToolCallStatus.REFUSED, refusal)
    await _opened(call, recorder)
    await _make(call, tool, args, recorder, request.timeout_s or tool.timeout_s)
    return ToolAnswer.of(call, replayed=False)


def _call(request: ToolRequest, attempt: int) -> ToolCallRecord:
    now = clock.now()
    return ToolCallRecord(
        id=new_id(),
        created_at=now,
        origin=request.origin,
        user_id=request.user_id,
        tool=storable(request.tool[:_NAME_CHARACTERS]),
        node=request.node,
        visit=request.visit,
        call_index=request.call_index,
        attempt=attempt,
        arguments=kept_arguments(request.arguments),
        started_at=now,
        request_id=request.request_id,
    )


async def _tool(request: ToolRequest) -> Tool[Any]:
    tool = await catalogue.find(request.tool)
    if tool is None or not (tool.offered or request.by_node):
        raise UnknownTool(tool=request.tool[:_NAME_CHARACTERS])
    if not request.offered:
        raise ToolNotOffered(tool=tool.key)
    return tool


def _args(tool: Tool[Any], request: ToolRequest) -> ToolArgs:
    try:
        args: ToolArgs = tool.read(request.arguments)
        return args
    except ValidationError as error:
        raise _bad(issues_of(error)) from error
    except UnfitArguments as error:
        raise _bad(error.issues) from error
    except ToolFailed:
        raise
    except Exception as error:
        log.error("tool.arguments_failed", tool=tool.key, exc_info=error)
        raise _broken() from error


def _bad(issues: list[dict[str, str]]) -> BadArguments:
    issues = issues[:_TOLD_ISSUES]
    told = "; ".join(f"{issue['path'] or 'all'}: {issue['message']}" for issue in issues)
    return BadArguments(told=told, errors=issues)


async def _opened(call: ToolCallRecord, recorder: ToolRecorder) -> None:
    try:
        await recorder.opened(call)
    except asyncio.CancelledError:
        _settle_stopped(call)
        recorder.settled(call)
        raise


async def _unmade(
    call: ToolCallRecord, recorder: ToolRecorder, status: str, error: ChatterError
) -> ToolAnswer:
    """A call that is not made has a row too, so that a replay does not decide again."""
    await _opened(call, recorder)
    call.settle(status, error.code, storable(str(error)))
    recorder.settled(call)
    return ToolAnswer.of(call, replayed=False)


async def _make(
    call: ToolCallRecord, tool: Tool[Any], args: ToolArgs, recorder: ToolRecorder, limit_s: float
) -> None:
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            result = await tool.call(args, _context(call))
        kept = kept_result(result)
        call.text, call.data = kept.text, kept.data
        call.settle(ToolCallStatus.SUCCEEDED)
    except ChatterError as error:
        call.settle(ToolCallStatus.FAILED, error.code, storable(str(error)))
    except BaseException as error:
        if _comes_from_outside(error):
            _settle_stopped(call)
            raise
        _settle_broken(call, error, limit, limit_s)
    finally:
        recorder.settled(call)


def _comes_from_outside(error: BaseException) -> bool:
    """Whether it stops the call; a tool, or its library, may exit or be cancelled by itself."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return not isinstance(error, Exception | SystemExit)


def _context(call: ToolCallRecord) -> ToolContext:
    return ToolContext(call.user_id, call.origin, call.id, call.request_id)


def _settle_broken(
    call: ToolCallRecord, error: BaseException, limit: asyncio.Timeout, limit_s: float
) -> None:
    """Describe an unforeseen error in our own words: its text may contain anything."""
    if isinstance(error, TimeoutError) and limit.expired():
        late = ToolTimedOut(limit_s=limit_s)
        call.settle(ToolCallStatus.TIMED_OUT, late.code, str(late))
        return
    log.error("tool.call_failed", call=str(call.id), tool=call.tool, exc_info=error)
    broken = _broken()
    call.settle(ToolCallStatus.FAILED, broken.code, str(broken))


def _broken() -> ToolFailed:
    return ToolFailed(reason="The tool had an error of its own; the server's log has the call.")


def _settle_stopped(call: ToolCallRecord) -> None:
    call.settle(ToolCallStatus.CANCELLED, "cancelled", "The call was stopped.")
