"""How the API says no: every error leaves as problem+json with a stable code."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import orjson
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ValidationError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import (
    ChatterError,
    Invalid,
    NotAuthenticated,
    NotFound,
    Refused,
    TooMany,
    problem,
)
from core.outage import AWAY, database_away
from core.overtaken import overtaken, was_overtaken
from core.refusals import told

CONTENT_TYPE = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/hooks/")  # what begins so is no page
_AT_ONCE = 64_000  # bytes; it takes up to 1 s to read two million
_MOST_ISSUES = 1_000
log = structlog.get_logger(__name__)


class MethodNotAllowed(ChatterError):
    code = "method_not_allowed"
    status = 405
    message = "This address does not answer {method}."


class UnsupportedMediaType(ChatterError):
    code = "unsupported_media_type"
    status = 415
    message = "Send JSON, with the header Content-Type: application/json."


class MalformedBody(Invalid):
    code = "malformed_body"
    message = "The body is not valid JSON: {reason}"


class BodyTooLarge(ChatterError):
    code = "body_too_large"
    status = 413
    message = "The body is larger than this server accepts."


class TooManyParameters(Invalid):
    code = "too_many_parameters"
    message = "An address has more parameters than this server accepts."


class InternalError(ChatterError):
    code = "internal_error"
    message = "Something went wrong here; the server's log has the request id."


def handle_exception(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: what the view raised, as a problem; always in JSON."""
    request = context["request"]
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    request_id = getattr(request, "request_id", "")
    told = as_chatter_error(error, request_id)
    return Response(
        problem(told, request_id),
        status=told.status,
        headers=headers_for(told),
        content_type=CONTENT_TYPE,
    )


def problem_response(error: Exception, request: HttpRequest) -> JsonResponse:
    """The same, for views outside DRF."""
    request_id = getattr(request, "request_id", "")
    told = as_chatter_error(error, request_id)
    return JsonResponse(
        problem(told, request_id),
        status=told.status,
        headers=headers_for(told),
        content_type=CONTENT_TYPE,
    )


def as_chatter_error(error: Exception, request_id: str = "") -> ChatterError:
    """The situation an exception stands for; one that nobody foresaw is logged with its id."""
    if isinstance(error, ChatterError):
        return error
    for kind, tell in _KNOWN.items():
        if isinstance(error, kind):
            return tell(error)
    if was_overtaken(error):
        return overtaken(error, request_id)
    log.error("request.failed", request_id=request_id, exc_info=error)
    return InternalError()


def headers_for(error: ChatterError) -> dict[str, str]:
    headers = {}
    if "retry_after_s" in error.detail:
        headers["Retry-After"] = str(error.detail["retry_after_s"])
    if error.status == NotAuthenticated.status:
        headers["WWW-Authenticate"] = "Token"
    return headers


class AsyncAPIView(APIView):
    """A view that waits or streams: documented like every view of DRF, run without a thread.

    Its handlers are async, take the plain request, and call `authenticate_request` themselves
    (which checks sessions for CSRF, as DRF does). Errors leave as problems.
    """

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        documented = super().as_view(**initkwargs)

        @csrf_exempt
        async def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self = cls(**initkwargs)
            try:
                verb = (request.method or "").lower()
                handler = getattr(self, verb, None) if verb in self.http_method_names else None
                if verb == "options" or handler is None:
                    raise MethodNotAllowed(method=request.method)
                response: HttpResponseBase = await handler(request, *args, **kwargs)
                return response
            except Exception as error:
                answer = problem_response(error, request)
                if isinstance(error, MethodNotAllowed):
                    methods = [one for one in self.allowed_methods if one != "OPTIONS"]
                    answer.headers["Allow"] = ", ".join(methods)
                return answer

        view.cls, view.initkwargs = documented.cls, documented.initkwargs  # type: ignore[attr-defined]
        return view


M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], request: HttpRequest) -> M:
    """The body as this model; none at all is an empty object, whatever type it is said to have.

    Raises MalformedBody, UnsupportedMediaType, Invalid.
    """
    if request.body and request.content_type != "application/json":
        raise UnsupportedMediaType
    try:
        return model.model_validate(orjson.loads(request.body or b"{}"))
    except orjson.JSONDecodeError as error:
        raise MalformedBody(reason=str(error)) from error
    except ValidationError as error:
        raise Invalid(errors=issues_of(error)) from error


async def parsed(model: type[M], request: HttpRequest) -> M:
    """As `parse`, for views in the event loop, which goes on while something large is read."""
    read = partial(parse, model, request)
    return read() if len(request.body) <= _AT_ONCE else await asyncio.to_thread(read)


def issues_of(error: ValidationError) -> list[dict[str, str]]:
    """Pydantic's findings as `{path, code, message}`; the values themselves are not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        {
            "path": ".".join(str(step) for step in detail["loc"]),
            "code": detail["type"],
            "message": told(detail),
        }
        for detail in islice(found, _MOST_ISSUES)
    ]


def _invalid(error: exceptions.ValidationError) -> Invalid:
    return Invalid(errors=list(_issues(error.detail)))


def _issues(detail: Any, path: str = "") -> Any:
    """DRF's nested messages as a flat list of `{path, code, message}`."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _issues(value, f"{path}.{name}".strip("."))
    elif isinstance(detail, list):
        for value in detail:
            yield from _issues(value, path)
    else:
        yield {"path": path, "code": detail.code, "message": str(detail)}


_KNOWN: dict[type[Exception], Callable[[Any], ChatterError]] = {
    exceptions.ValidationError: _invalid,
    exceptions.ParseError: lambda error: MalformedBody(reason=str(error)),
    exceptions.NotAuthenticated: lambda _: NotAuthenticated(),
    exceptions.AuthenticationFailed: lambda _: NotAuthenticated(),
    exceptions.PermissionDenied: lambda _: Refused(),
    exceptions.MethodNotAllowed: lambda error: MethodNotAllowed(
        method=error.args[0] if error.args else "this method"
    ),
    exceptions.UnsupportedMediaType: lambda _: UnsupportedMediaType(),
    exceptions.Throttled: lambda error: TooMany(retry_after_s=math.ceil(error.wait or 1)),
    exceptions.NotFound: lambda _: NotFound(),
    Http404: lambda _: NotFound(),
    PermissionDenied: lambda _: Refused(),
    RequestDataTooBig: lambda _: BodyTooLarge(),
    TooManyFieldsSent: lambda _: TooManyParameters(),
    **dict.fromkeys(AWAY, database_away),
}


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """An address for programs that does not exist, whatever is sent there."""
    return problem_response(NotFound(), request)
