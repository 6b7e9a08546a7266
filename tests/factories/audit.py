"""Audit entries for tests."""

import factory
from django.db import transaction

from audit.record import Entry, record_many
from audit.sealing import seal_entries
from core.models import new_id


class EntryFactory(factory.Factory[Entry]):
    """An entry that is not written yet."""

    class Meta:
        model = Entry

    action = "tests.thing.done"
    actor = factory.LazyFunction(new_id)
    target = factory.Sequence(lambda n: f"tests.thing:{n}")
    detail = factory.Sequence(lambda n: {"number": n})
    request_id = factory.Sequence(lambda n: f"request-{n}")


def write_entries(count: int, **fields: object) -> None:
    """Each a group of its own, and sealed, as they are within a second."""
    with transaction.atomic():
        for entry in EntryFactory.build_batch(count, **fields):
            record_many([entry])
    seal_entries()
