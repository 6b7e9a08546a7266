"""Who may use which tools: grants made, changed and taken back, each with its entry."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from audit.changes import changes_for_audit
from audit.record import record
from core.errors import Invalid, NotFound
from tools.catalogue import catalogue
from tools.models import EVERY_TOOL, SCOPE, ToolGrant

_FIELDS = (
    *("user", "group", "tool", "allow", "expires_at"),
    *("from_time", "to_time", "time_zone", "calls_per_hour"),
)


class GrantNotFound(NotFound):
    code = "tool_grant_not_found"
    message = "There is no such grant."


class BadGrant(Invalid):
    """`errors` lists `{path, code, message}`."""

    code = "bad_tool_grant"
    message = "This grant makes no sense."


def grantable() -> list[tuple[str, str]]:
    """What a grant may be for, with what people call it: tools, scopes, every tool."""
    found = catalogue.all()
    scopes = sorted({scope for tool in found for scope in tool.scopes})
    return [
        (EVERY_TOOL, "every tool"),
        *((SCOPE + scope, f"tools of the scope “{scope}”") for scope in scopes),
        *((tool.key, tool.label) for tool in found),
    ]


def grant_for(by: User, pk: UUID) -> ToolGrant:
    """Raises GrantNotFound."""
    found: ToolGrant | None = ToolGrant.objects.visible_to(by).for_list().filter(pk=pk).first()
    if found is None:
        raise GrantNotFound
    return found


@transaction.atomic
def create_grant(
    *, by: User, user: UUID | None = None, group: str | None = None, **fields: Any
) -> ToolGrant:
    """A new rule, for a user, a group (by its name), or with neither for everyone.

    Raises BadGrant.
    """
    grant = ToolGrant(user=_user(user), group=_group(group), **fields)
    if grant.tool not in dict(grantable()):
        raise _bad("tool", "unknown_tool", "There is no tool or scope of this name.")
    _check(grant)
    grant.save(force_insert=True)
    record("tools.toolgrant.created", actor=by, target=grant, **changes_for_audit({}, _of(grant)))
    return grant


@transaction.atomic
def change_grant(grant: ToolGrant, *, by: User, changes: Mapping[str, Any]) -> ToolGrant:
    """Set what is given; for whom and for what it is stays. Nothing is written where nothing
    differs. Raises BadGrant, GrantNotFound.
    """
    grant = _locked(grant)
    before = _of(grant)
    for name, value in changes.items():
        setattr(grant, name, value)
    _check(grant)
    after = _of(grant)
    if after != before:
        grant.save()
        told = changes_for_audit(before, after)
        record("tools.toolgrant.changed", actor=by, target=grant, **told)
    return grant


@transaction.atomic
def delete_grant(grant: ToolGrant, *, by: User) -> None:
    """Take it back: from the next call on it does not hold. Raises GrantNotFound."""
    grant = _locked(grant)
    detail = {"tool": grant.tool, "who": str(grant.user_id or grant.group or "everyone")}
    record("tools.toolgrant.deleted", actor=by, target=grant, detail=detail)
    grant.delete()


def _user(pk: UUID | None) -> User | None:
    found = User.objects.filter(pk=pk).first() if pk else None
    if pk and found is None:
        raise _bad("user", "unknown_user", "There is no such user.")
    return found


def _group(name: str | None) -> Group | None:
    found = Group.objects.filter(name=name).first() if name is not None else None
    if name is not None and found is None:
        raise _bad("group", "unknown_group", "There is no such group.")
    return found


def _locked(grant: ToolGrant) -> ToolGrant:
    rows = ToolGrant.objects.for_list().select_for_update(of=("self",))
    found: ToolGrant | None = rows.filter(pk=grant.pk).first()
    if found is None:
        raise GrantNotFound
    return found


def _of(grant: ToolGrant) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in _FIELDS}


def _check(grant: ToolGrant) -> None:
    """Raises BadGrant."""
    try:
        grant.full_clean()
    except ValidationError as error:
        raise BadGrant(
            errors=[
                {
                    "path": "" if name == "__all__" else name,
                    "code": str(one.code or "invalid"),
                    "message": " ".join(one.messages),
                }
                for name, found in error.error_dict.items()
                for one in found
            ]
        ) from error


def _bad(path: str, code: str, message: str) -> BadGrant:
    return BadGrant(errors=[{"path": path, "code": code, "message": message}])
