"""What answers a turn: what was asked for, unless one of `CHATTER_ROUTES` says otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from accounts.models import User
from core.errors import ChatterError
from workflows.engine.request import ExecutionRequest
from workflows.services.planning import StartPlan, plan_execution
from workflows.tracking.facts import Fact

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Routed:
    """What is asked in place of what was; `facts` are committed with its execution."""

    request: ExecutionRequest
    facts: Sequence[Fact]


Route = Callable[[User, ExecutionRequest], Routed | None]


def plan_turn(user: User, request: ExecutionRequest) -> StartPlan:
    """The plan of this turn as it is routed; raises what `plan_execution` raises of what was asked.

    Nobody is refused for a route: where what it says cannot start, what was asked for does.
    """
    routed = _routed(user, request)
    if routed is not None:
        try:
            plan = plan_execution(user, routed.request)
        except ChatterError as error:
            log.warning("turn.route_refused", execution=str(request.id), code=error.code)
        else:
            plan.facts.extend([] if plan.existing else routed.facts)
            return plan
    return plan_execution(user, request)


def _routed(user: User, request: ExecutionRequest) -> Routed | None:
    found = (route(user, request) for route in _routes())
    return next((one for one in found if one is not None), None)


@cache
def _routes() -> list[Route]:
    return [import_string(path) for path in settings.CHATTER_ROUTES]
