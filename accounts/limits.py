"""What the runs of a user may use: the server's limits, lowered for this user."""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from pydantic import ValidationError as Unreadable

from core.errors import Invalid
from core.limits import RunLimits
from core.refusals import told

if TYPE_CHECKING:
    from accounts.models import User


log = structlog.get_logger(__name__)


class InvalidLimits(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "invalid_limits"
    message = "These limits cannot be set."


def server_limits() -> RunLimits:
    """What every run keeps to, whoever it is for."""
    return _read(tuple(settings.CHATTER_RUN_LIMITS.items()))


@lru_cache(maxsize=8)
def _read(given: tuple[tuple[str, Any], ...]) -> RunLimits:
    return RunLimits.model_validate(dict(given))


def limits_of(user: "User") -> RunLimits:
    """The least of the server's and the user's own, as far as these can be read."""
    server = server_limits()
    return server.lowered(_own(user)) if user.limits else server


def _own(user: "User") -> RunLimits:
    """What was kept before it was checked as today may be no limits: runs begin all the same."""
    kept: Any = user.limits
    try:
        return RunLimits.model_validate(kept)
    except Unreadable as error:
        wrong = {one["loc"][0] for one in error.errors() if one["loc"]}
        log.warning("limits.unreadable", user=str(user.pk), names=sorted(map(str, wrong)))
        rest = {name: kept[name] for name in kept if name not in wrong} if wrong else {}
        return RunLimits.model_validate(rest)


def lowered(limits: RunLimits, given: Mapping[str, Any]) -> RunLimits:
    """The least of these and of others, given as JSON."""
    return limits.lowered(RunLimits.model_validate(given)) if given else limits


def below_the_servers(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these limits that are less than the server's, which may have come down since."""
    return lowered(server_limits(), given).differing(server_limits())


def within_the_servers(limits: RunLimits) -> dict[str, Any]:
    """Those of these limits that may be set here, as JSON; above them the server's hold anyway."""
    above = limits.above(server_limits())
    return {name: value for name, value in limits.given().items() if name not in above}


def checked_limits(given: Any) -> dict[str, Any]:
    """Limits as they are kept. Raises InvalidLimits: nobody may set more than the server allows."""
    try:
        limits = RunLimits.model_validate(given)
    except Unreadable as error:
        raise InvalidLimits(errors=_issues_of(error)) from error
    server = server_limits()
    issues = [
        {
            "path": f"limits.{name}",
            "code": "above_the_servers",
            "message": f"The server allows at most {getattr(server, name)}.",
        }
        for name in limits.above(server)
    ]
    if issues:
        raise InvalidLimits(errors=issues)
    return limits.given()


def _issues_of(error: Unreadable) -> list[dict[str, str]]:
    """As `core.api.issues_of`, which models cannot import."""
    return [
        {
            "path": ".".join(("limits", *(str(step) for step in one["loc"]))),
            "code": one["type"],
            "message": told(one),
        }
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def validate_limits(given: Any) -> None:
    """For forms: the same, as Django says it."""
    try:
        checked_limits(given)
    except InvalidLimits as error:
        told = [f"{one['path']}: {one['message']}" for one in error.detail["errors"]]
        raise ValidationError(told) from error
