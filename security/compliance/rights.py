"""Asks as users without any rights, and sees whether they get further than they may.

Nothing is written for it, and only GET is asked. Each question is by a user of its own, whom no row
knows: nobody of this installation, and nobody who asked often.
"""

from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from http import HTTPMethod
from typing import Any

from django.apps import apps
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated

from accounts.models import User
from security.compliance.check import Finding, Status, judged
from security.compliance.probe import Probe, refuses
from security.compliance.routes import PUBLIC, Route, routes

# All that lies beneath is for staff; and so is what says so of itself.
FOR_STAFF = (
    *("admin/", "compliance/", "analytics/live/"),
    *("api/v1/analytics/system/", "api/v1/audit/", "api/v1/dashboard/", "api/v1/mcp-servers/"),
    *("api/v1/privacy/users/", "api/v1/security/"),
)
# Whose the first parameter is, by what stands before it.
THINGS = {
    **{"chat/": "conversations.Conversation", "executions/": "workflows.WorkflowExecution"},
    **{"schedules/": "triggers.Schedule", "experiments/": "experiments.Experiment"},
    **{"webhooks/in/": "webhooks.IncomingWebhook", "webhooks/out/": "webhooks.WebhookEndpoint"},
    **{
        "analytics/definitions/": "workflows.WorkflowDefinition",
        "analytics/users/": "accounts.User",
    },
    "budgets/": "budgets.Budget",
    "api/v1/analytics/definitions/": "workflows.WorkflowDefinition",
    "api/v1/analytics/users/": "accounts.User",
    "api/v1/approvals/": "workflows.Approval",
    "api/v1/budgets/": "budgets.Budget",
    "api/v1/chains/": "triggers.Chain",
    "api/v1/conversations/": "conversations.Conversation",
    "api/v1/definitions/": "workflows.WorkflowDefinition",
    "api/v1/executions/": "workflows.WorkflowExecution",
    "api/v1/experiments/": "experiments.Experiment",
    "api/v1/schedules/": "triggers.Schedule",
    "api/v1/templates/": "workflows.WorkflowTemplate",
    "api/v1/tool-calls/": "tools.ToolCall",
    "api/v1/webhooks/endpoints/": "webhooks.WebhookEndpoint",
    "api/v1/webhooks/incoming/": "webhooks.IncomingWebhook",
    "api/v1/webhooks/messages/": "webhooks.WebhookMessage",
}
_NOT_THERE = 404
_MOST_TOLD = 20
_asking: ContextVar[bool] = ContextVar("compliance_is_asking", default=False)


def look(thorough: bool) -> Finding:
    if _asking.get():
        return Finding(Status.NOT_CHECKED, "Asked by this very check.", {})
    token = _asking.set(True)
    try:
        return _found()
    finally:
        _asking.reset(token)


def for_staff(route: Route) -> bool:
    """By its address, or by what its class says."""
    said = getattr(getattr(route.view, "cls", None), "permission_classes", ())
    beyond = [one for one in said if _is_more(one)]
    return route.route.startswith(FOR_STAFF) or bool(beyond)


def _found() -> Finding:
    probe, asked = Probe(), Counter[str]()
    faults: list[str] = []
    foreign = {label: _foreign(label) for label in set(THINGS.values())}
    for kind, route, path in _questions(foreign):
        asked[kind] += 1
        answer = probe.answer(HTTPMethod.GET, path, User(username="nobody"))
        if not (refuses(answer) or answer.status_code == _NOT_THERE):
            faults.append(f"GET {route.route} answered {answer.status_code}: {kind}")
        if answer.streaming:
            answer.close()
    evidence = {
        "asked": dict(asked),
        "nothing_of_others": sorted(label for label, key in foreign.items() if key is None),
        "faults": faults[:_MOST_TOLD],
        "fault_count": len(faults),
    }
    good = "Users without rights get to nothing of staff, and to nothing of others."
    return judged(faults, good, "Users get further than they may.", evidence)


def _questions(foreign: dict[str, Any]) -> Iterator[tuple[str, Route, str]]:
    """What is wrong with an answer, of which route, by which address."""
    for route in routes():
        if not isinstance(route, Route) or route.route in PUBLIC or "get" not in route.methods:
            continue
        if for_staff(route):
            yield "for staff", route, route.path
            continue
        before, parameter, _ = route.route.partition("<")
        key = foreign.get(THINGS.get(before, "")) if parameter else None
        if key is not None:
            yield "of others", route, route.path_of(key)


def _foreign(label: str) -> Any:
    """The id of one thing that who has no rights may not see; None where there is none."""
    things: Any = apps.get_model(label).objects.all()
    if things.model is not User:  # all users are others
        seen = things.visible_to(User(username="nobody")).order_by().values("pk")
        things = things.exclude(pk__in=seen)
    return things.order_by("-pk").values_list("pk", flat=True).first()


def _is_more(permission: Any) -> bool:
    """Whether it asks for more than a login."""
    return (
        isinstance(permission, type)
        and issubclass(permission, BasePermission)
        and permission not in (AllowAny, BasePermission, IsAuthenticated)
    )
