"""Answer a message again."""

from django.http import HttpRequest, JsonResponse
from drf_spectacular.utils import extend_schema

from accounts.authentication import authenticate_request
from conversations.services.turns import retry_turn
from core.api import AsyncAPIView
from core.database import database
from workflows.api.shapes import ExecutionStarted, execution_out
from workflows.selectors import execution_for


class ExecutionRetry(AsyncAPIView):
    """A new execution for the same message; its reply joins the same turn."""

    @extend_schema(request=None, responses={202: ExecutionStarted})
    async def post(self, request: HttpRequest, pk: str) -> JsonResponse:
        user = await authenticate_request(request)
        execution = await database.run(execution_for, user, pk)
        plan = await retry_turn(user, execution, request.request_id)  # type: ignore[attr-defined]
        started = ExecutionStarted(execution=execution_out(plan.execution, template=plan.template))
        return JsonResponse(started.to_json(), status=202)
