"""What every row has: a time-ordered public id and the instant it was made."""

import uuid
from datetime import datetime, timedelta

from django.db import models
from uuid_utils.compat import uuid7

from core import clock

_APART = timedelta(hours=1)  # an id and the instant beside it, at most


def new_id() -> uuid.UUID:
    """A version 7 UUID: unique anywhere, ordered by time."""
    return uuid7()


def made_since(at: datetime) -> models.Q:
    """A bound that the index of ids has; some that were made a little before pass it."""
    return models.Q(pk__gte=_id_at(at, -_APART))


def made_until(at: datetime) -> models.Q:
    """As `made_since`; some that were made a little after pass it."""
    return models.Q(pk__lte=_id_at(at, _APART))


def _id_at(at: datetime, apart: timedelta) -> uuid.UUID:
    """The first id of that millisecond."""
    return uuid.UUID(int=max(0, int((at.timestamp() + apart.total_seconds()) * 1000)) << 80)


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
