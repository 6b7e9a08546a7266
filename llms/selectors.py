"""Reads of the ledger."""

from llms.ledger import CallRecord
from llms.models import ModelCall


def calls_of(origin: str) -> list[CallRecord]:
    """Every call of an execution, oldest first: what a replay answers from."""
    rows = ModelCall.objects.of_origin(origin).order_by("id").values()
    return [CallRecord(**row) for row in rows]
