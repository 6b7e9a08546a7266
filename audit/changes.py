"""What changed, before and after, in the form an audit entry holds it."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models

from audit.record import AuditDetail
from core.json_values import same

MASK = "***"
_LONGEST = 200
_LOGIN = re.compile(r"(?<=://)[^/?#\s'\"]{1,500}@")  # "name:password@" of an address
_IN_QUERY = re.compile(  # "key=…" of an address
    r"(?<=[?&])([^=&#\s]{0,60}(?:key|authorization|password|secret|token)=)[^&#\s'\"]+", re.I
)
_SECRET_NAME = re.compile(r"(?:key|authorization|headers?|password|secret|token)$", re.I)


def changes_for_audit(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    personal: Collection[str] = (),
    secret: Collection[str] = (),
    **more: Any,
) -> AuditDetail:
    """The names that differ (`changed`) and their values from and to.

    Those of `secret` are masked, those of `personal` stand in the part that can be erased.
    """
    changed = sorted(name for name, value in after.items() if not same(before.get(name), value))
    values: dict[str, Any] = {
        name: MASK
        if name in secret
        else {"from": entry_value(before.get(name)), "to": entry_value(after[name])}
        for name in changed
    }
    apart = {name: values.pop(name) for name in changed if name in personal}
    return {"detail": {"changed": changed, "values": values, **more}, "personal": apart}


def entry_value(value: Any) -> Any:
    """A value as an entry can hold it: shortened, without floats, and without secrets as far as
    an address, or the key above them in a dict, shows that they are secrets. A permission is told
    by its name, any other row by its id.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Permission):
        return f"{ContentType.objects.get_for_id(value.content_type_id).app_label}.{value.codename}"
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
        return [entry_value(inner) for inner in value]
    text = _LOGIN.sub(f"{MASK}@", str(_masked(value)))
    return _IN_QUERY.sub(rf"\1{MASK}", text)[:_LONGEST]


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK if _SECRET_NAME.search(str(name)) else _masked(inner)
            for name, inner in value.items()
        }
    return [_masked(inner) for inner in value] if isinstance(value, list) else value
