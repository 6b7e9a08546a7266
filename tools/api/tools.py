"""The tools one may use, and a way to try them."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import authenticate_request, user_of
from core.api import AsyncAPIView, parsed
from core.idempotency import KEY, idempotency_key
from core.listing import Page
from core.queries import strict_query
from tools.api.shapes import ToolAnswerOut, ToolOut, answer_out, tool_out
from tools.catalogue import catalogue
from tools.models import ToolCallStatus
from tools.request import ToolRefused, ToolRequest
from tools.selectors import statistics_for, usable_tools
from tools.services.switching import ToolNotFound
from tools.services.trying import origin_of, try_tool, try_tool_once


class CallIn(BaseModel):
    """`arguments`: as the tool's `parameters` say."""

    model_config = ConfigDict(extra="forbid")

    arguments: dict[str, Any] = Field(default_factory=dict)


class ToolList(APIView):
    """The tools you may use now, with the JSON schema of their arguments."""

    @strict_query("tools_list", [], Page[ToolOut])
    def get(self, request: Request) -> Response:
        user = user_of(request)
        statistics = statistics_for(user)
        shown = [tool_out(tool, statistics) for tool in usable_tools(user)]
        return Response(Page[ToolOut](next=None, previous=None, results=shown).to_json())


class TryTool(AsyncAPIView):
    """Call a tool outside any workflow, and get what a model would get.

    A failure is a 200 with an `error`, a refusal a 403, or a 429 where the calls of this hour are
    used up; all are in the ledger. With an
    `Idempotency-Key`, the call continues if you leave, and its answer is kept for you for a day.
    """

    @extend_schema(
        operation_id="tools_call", request=CallIn, responses=ToolAnswerOut, parameters=[KEY]
    )
    async def post(self, request: HttpRequest, key: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        body = await parsed(CallIn, request)
        tool = await catalogue.find(key)
        if tool is None or not tool.offered:
            raise ToolNotFound(tool=key)
        once = idempotency_key(request)
        asked = ToolRequest(
            tool=key,
            arguments=body.arguments,
            origin=origin_of(user.pk, once),
            user_id=user.pk,
            request_id=request.request_id,  # type: ignore[attr-defined]
        )
        answer = await (try_tool(asked) if once is None else try_tool_once(asked))
        if answer.status == ToolCallStatus.REFUSED:
            raise ToolRefused(answer.error, answer.message)
        return HttpResponse(answer_out(answer).model_dump_json(), content_type="application/json")
