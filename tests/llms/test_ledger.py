"""Rows on their way, and rows whose process died."""

import pytest
from django.db import IntegrityError, transaction

from core import clock
from core.bulk import update_rows
from llms.ledger import CallRecord, lost_row
from llms.models import ModelCall
from llms.selectors import calls_of
from tests.factories.llms import CallFactory, PriceFactory
from workflows.tracking.facts import CallBooked, CallOpened

pytestmark = pytest.mark.django_db


def an_open_call(**fields: object) -> ModelCall:
    nothing = dict.fromkeys(
        ["input_tokens", "output_tokens", "total_tokens", "cost_nano_usd", "settled_at", "answer"]
    )
    nothing |= dict.fromkeys(["cache_read_tokens", "cache_write_tokens", "reasoning_tokens"])
    return CallFactory(**nothing, **{"status": "open", "exactness": "open", **fields})


def test_a_call_lost_with_its_process_stays_unknown_with_a_bound() -> None:
    call = an_open_call(upper_bound_tokens=900, upper_bound_nano_usd=5000)
    row = ModelCall.objects.values().get(pk=call.pk)
    update_rows(ModelCall, [lost_row(row)])
    call.refresh_from_db()
    assert (call.status, call.exactness) == ("lost", "open")
    assert call.settled_at is not None
    assert call.total_tokens is call.cost_nano_usd is None
    assert (call.upper_bound_tokens, call.upper_bound_nano_usd) == (900, 5000)


def test_a_lost_row_has_the_keys_of_any_settled_row() -> None:
    row = ModelCall.objects.values().get(pk=an_open_call().pk)
    assert lost_row(row).keys() == CallRecord(**row).settled_row().keys()


def test_a_row_that_is_opened_late_is_open_all_the_same_and_has_its_bound() -> None:
    """The writer may come to it when the call is over, and the process die before it says so."""
    call = an_open_call(upper_bound_tokens=900, upper_bound_nano_usd=5000)
    (record,) = calls_of(call.origin)
    opened = CallOpened(record.row(), CallBooked(record))
    record.status, record.exactness, record.settled_at = "cancelled", "metered", clock.now()
    record.total_tokens = 0
    record.upper_bound_tokens = record.upper_bound_nano_usd = None
    ModelCall.objects.all().delete()
    CallOpened.write([opened])
    call.refresh_from_db()
    assert (call.status, call.exactness) == ("open", "open")
    assert call.settled_at is call.total_tokens is call.answer is None
    assert (call.upper_bound_tokens, call.upper_bound_nano_usd) == (900, 5000)


def test_a_row_is_read_back_as_it_was_written() -> None:
    call = CallFactory(price=PriceFactory())
    (record,) = calls_of(call.origin)
    assert record.row() == ModelCall.objects.values().get(pk=call.pk)
    assert record.row().keys() == {field.attname for field in ModelCall._meta.concrete_fields}


def test_calls_come_in_the_order_they_were_made() -> None:
    origin = "execution:00000000-0000-7000-8000-000000000000"
    made = [CallFactory(origin=origin, call_index=index).pk for index in range(3)]
    assert [call.id for call in calls_of(origin)] == made


def test_one_attempt_is_one_row() -> None:
    call = CallFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        CallFactory(origin=call.origin)


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_tokens": 16},
        {"status": "succeeded", "settled_at": None},
        {"status": "open"},
    ],
)
def test_the_table_refuses_rows_that_cannot_be_true(wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        CallFactory(**wrong)


def test_the_ledger_outlives_the_user() -> None:
    call = CallFactory()
    call.user.delete()
    call.refresh_from_db()
    assert call.user_id is None
