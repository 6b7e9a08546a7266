"""What Django refuses for what it says before a view sees it, such as a name that is not ours.

Anybody can send such requests, so each is one short line in the log: the log of Django's own, which
tells them as errors with a traceback, is off.
"""

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.views import defaults

from core.api import FOR_PROGRAMS, problem_response
from core.errors import Invalid

_MOST_CHARACTERS = 200
log = structlog.get_logger(__name__)


class UnknownHost(Invalid):
    code = "unknown_host"
    message = "This server does not go by the name in the header Host."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`."""
    log.warning("request.bad", reason=str(exception)[:_MOST_CHARACTERS])
    if not request.path.startswith(FOR_PROGRAMS):
        return defaults.bad_request(request, exception)
    known = not isinstance(exception, DisallowedHost)
    return problem_response(Invalid() if known else UnknownHost(), request)
