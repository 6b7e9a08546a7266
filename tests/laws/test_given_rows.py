"""Law: rows written together are the rows that would be there if each had been written alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bulk import insert_rows, update_rows
from core.models import new_id
from llms.models import ModelCall
from tests.factories.llms import CallFactory

pytestmark = pytest.mark.django_db

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
whole = st.integers(min_value=0, max_value=2**62)
documents = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
times = st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see there
columns = st.fixed_dictionaries(
    {
        "error_message": texts,
        "parameters": documents,
        "answer": st.none() | documents,
        "streamed": st.booleans(),
        "cost_nano_usd": st.none() | whole,
        "latency_ms": st.none() | st.integers(min_value=0, max_value=2**31 - 1),
        "started_at": times,
        "settled_at": times,
    }
)


@given(made=st.lists(columns, min_size=1, max_size=5), data=st.data())
def test_rows_written_together_are_as_those_written_alone(made, data):
    plain = vars(CallFactory())
    together, alone = (
        [{**plain, **row, "id": new_id(), "origin": new_id()} for row in made] for _ in range(2)
    )
    insert_rows(ModelCall, together)
    for row in alone:
        insert_rows(ModelCall, [row])
    assert kept(together) == kept(alone)

    changes = data.draw(st.lists(columns, min_size=len(made), max_size=len(made)))
    update_rows(ModelCall, with_ids(together, changes))
    for row in with_ids(alone, changes):
        update_rows(ModelCall, [row])
    assert kept(together) == kept(alone)
    assert [{name: row[name] for name in changes[0]} for row in kept(alone)] == changes


def with_ids(rows, changes):
    return [{**change, "id": row["id"]} for row, change in zip(rows, changes, strict=True)]


def kept(rows):
    """What the table has of them, in their order, without what must differ."""
    found = ModelCall.objects.in_bulk([row["id"] for row in rows])
    differ = {"_state", "id", "origin"}
    return [
        {name: value for name, value in vars(found[row["id"]]).items() if name not in differ}
        for row in rows
    ]
