"""What a list is asked for, as people read it, and how to ask for less."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import User
from workflows.models import WorkflowDefinition, WorkflowTemplate

_SAID = {
    "template": "template",
    "definition": "workflow",
    "version": "version",
    "user": "of",
    "of": "of",
    "kind": "kind",
    "conversation": "conversation",
    "execution": "run",
    **{"provider": "provider", "model": "model", "tool": "tool"},
    **{"node": "node", "within": "node"},
    **{"answered_by": "answered by", "exactness": "exactness", "purpose": "purpose"},
    **{"created_after": "begun from", "created_before": "begun before"},
    **{"started_after": "begun from", "started_before": "begun before"},
    **{"settled_after": "over from", "settled_before": "over before"},
    **{"finished_after": "ended from", "finished_before": "ended before"},
    "at": "in the period of",
    **{"weekday": "on", "hour": "in hour", "zone": "of"},
    **{"min_duration_ms": "took ms", "min_latency_ms": "took ms"},
    "min_first_token_ms": "first word after ms",
    **{"replays": "with replays", "reruns": "with reruns", "late": "late"},
    "helpful": "helpful",
    **{"metric": "counts for", "variant": "variant", "unit": "unit"},
    **{"counted": "counted", "diverted": "diverted"},
    "request_id": "request",
}
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Chip:
    """`address` asks for all the rest."""

    name: str
    value: str
    address: str


def chips_of(asked: QueryDict, reader: User, names: Mapping[str, str]) -> list[Chip]:
    """Everything asked for but a status, with the names of what the reader may see, and these."""
    said = _SAID if "," not in asked.get("status", "") else {**_SAID, "status": "status"}
    return [
        Chip(
            said[name],
            names.get(str(value)) or _named(name, str(value), reader),
            without(asked, name),
        )
        for name, value in asked.dict().items()
        if value and name in said
    ]


def without(asked: QueryDict, name: str, **instead: str) -> str:
    """The query with something else, or nothing, in place of this; from the first page on."""
    kept = asked.copy()
    for one in (name, "cursor"):
        kept.pop(one, None)
    kept.update(instead)
    return f"?{kept.urlencode()}"


def _named(name: str, value: str, reader: User) -> str:
    rows: dict[str, tuple[QuerySet[Any], str]] = {
        "template": (WorkflowTemplate.objects.visible_to(reader), "name"),
        "definition": (WorkflowDefinition.objects.visible_to(reader), "name"),
        "user": (
            User.objects.all() if reader.is_staff else User.objects.filter(pk=reader.pk),
            "username",
        ),
    }
    if name not in rows:
        return _readable(name, value)
    found, column = rows[name]
    try:
        return found.filter(pk=value).values_list(column, flat=True).first() or value
    except ValidationError:
        return value


def _readable(name: str, value: str) -> str:
    if name == "weekday" and value in map(str, range(1, len(_WEEK) + 1)):
        return _WEEK[int(value) - 1]
    if name.startswith("min_"):
        return f"≥ {value}"
    if not (name == "at" or name.endswith(("_after", "_before"))):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{at:%Y-%m-%d %H:%M:%S} {at.tzname() or ''}".rstrip()
