"""Try an execution again, whatever it ran for."""

from functools import partial

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema

from accounts.authentication import authenticate_request
from conversations.services.turns import retry_execution
from core.api import AsyncAPIView, parsed
from core.database import database
from core.idempotency import KEY
from workflows.api.execute import RESPONSES, started_out
from workflows.api.reruns import RerunIn, rerun_request
from workflows.api.starting import Door, start_for
from workflows.models import Rerun
from workflows.selectors import execution_for


class ExecutionRetry(AsyncAPIView):
    """A new execution that continues from the node that failed, or from where it was cancelled.

    Finished calls are not paid for again. A retry of a run that answers a message of a conversation
    adds its reply to the same turn; there, a completed run can be retried too, and asks the model
    again.
    """

    @extend_schema(request=RerunIn, parameters=[KEY], responses=RESPONSES)
    async def post(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        user = await authenticate_request(request)
        source = await database.run(execution_for, user, pk)
        body = await parsed(RerunIn, request)
        wanted = rerun_request(request, Rerun.RETRY, body)
        key = (user.id, wanted.idempotency_key)
        door = Door(wanted.id, partial(retry_execution, user, source, wanted), started_out, key=key)
        return await start_for(request, user, door, body.mode)
