"""What a management command changed is one entry, also where the command broke off."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from audit.models import Outcome
from audit.record import record


@contextmanager
def recorded(action: str, done: Mapping[str, Any]) -> Iterator[None]:
    """Write the entry when the block is left; `done` is what was done until then.

    For what is done in several transactions; who acts in one records in it.
    """
    outcome = Outcome.FAILURE
    try:
        yield
        outcome = Outcome.SUCCESS
    finally:
        with transaction.atomic():
            record(action, outcome=outcome, detail={"via": "command", **done})
