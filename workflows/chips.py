"""What the list of executions is asked for, as people read it, and how to ask for less."""

from dataclasses import dataclass
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
    "kind": "kind",
    "conversation": "conversation",
    "finished_after": "ended from",
    "finished_before": "ended before",
    "replays": "with replays",
    "of": "of",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """`address` asks for all the rest."""

    name: str
    value: str
    address: str


def chips_of(asked: QueryDict, reader: User) -> list[Chip]:
    """Everything asked for but the status, with the names of what the reader may see."""
    return [
        Chip(said, _named(name, str(value), reader), without(asked, name))
        for name, value in asked.dict().items()
        if value and (said := _SAID.get(name))
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
        return value
    found, column = rows[name]
    try:
        return found.filter(pk=value).values_list(column, flat=True).first() or value
    except ValidationError:
        return value
