"""What every row has: a time-ordered public id and the instant it was made."""

import uuid

from django.db import models
from uuid_utils.compat import uuid7

from core import clock


def new_id() -> uuid.UUID:
    """A version 7 UUID: unique anywhere, ordered by time."""
    return uuid7()


def writes_id(text: str, pk: uuid.UUID) -> bool:
    """Whether this is what the text says; some write ids in capitals, or without dashes."""
    try:
        return uuid.UUID(text) == pk
    except ValueError:
        return False


class Record(models.Model):
    """A row that is written once, or whose changes are told elsewhere."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class EditableRecord(Record):
    """A row that people edit."""

    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
