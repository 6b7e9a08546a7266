"""What is sealed verifies for ever: the text that is hashed is one, whoever makes it."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.chain import canonical

TEXTS = st.text(st.characters(codec=None, exclude_categories=()))  # halves of surrogate pairs too
LEAVES = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)
TIMES = st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - see there


def by_the_rule(value: Any) -> bytes:
    """Sorted keys, no spaces, nothing escaped that need not be."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


@given(VALUES)
def test_whatever_an_entry_holds_its_text_is_the_one_of_the_rule(value):
    assert canonical(value) == by_the_rule(value)


@given(TIMES, st.uuids())
def test_instants_are_told_in_utc_with_microseconds_and_ids_with_dashes(at, given_id):
    told = at.astimezone(UTC).isoformat(timespec="microseconds")
    assert canonical([at, given_id]) == by_the_rule([told, str(given_id)])


def test_what_lies_very_deep_has_a_text_too():
    value: Any = "here"
    for _ in range(400):
        value = [value]
    assert canonical(value) == by_the_rule(value)
