"""Law: whatever the history, an untouched chain passes and any tampering is found and named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.chain import GENESIS, digest
from audit.models import AuditEntry, AuditHead, Outcome
from audit.record import Entry, record_many
from audit.verification import verify
from core import clock
from core.models import new_id
from tests.factories.audit import EntryFactory

pytestmark = pytest.mark.django_db

texts = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
contents = st.dictionaries(texts, values, max_size=3)
acts = st.builds(
    Entry,
    action=st.sampled_from(["tests.thing.made", "tests.thing.changed", "tests.thing.deleted"]),
    actor=st.none() | st.builds(new_id),
    target=st.none() | texts,
    outcome=st.sampled_from(Outcome.values),
    detail=st.none() | contents,
    personal=st.none() | contents,
    request_id=st.none() | texts,
)
histories = st.lists(st.lists(acts, min_size=1, max_size=3), max_size=4)
lengths = st.lists(st.integers(1, 4), max_size=4)  # of groups, where content does not matter

for_each_history = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Chain:
    """The rows as an intruder sees them: anything can be written anywhere."""

    def __init__(self, history: list[list[Entry]]) -> None:
        record_many(EntryFactory.build_batch(2, personal={"name": "Ann"}))
        for group in history:
            record_many(group)
        self.length = AuditEntry.objects.count()

    @classmethod
    def of_groups(cls, lengths: list[int]) -> "Chain":
        return cls([EntryFactory.build_batch(length) for length in lengths])

    def row(self, seq: int) -> dict[str, Any]:
        return AuditEntry.objects.filter(seq=seq).values().get()

    def write(self, seq: int, **columns: Any) -> None:
        assert AuditEntry.objects.filter(seq=seq).update(**columns) == 1

    def seal(self, seq: int) -> None:
        """Make a row look right in itself again."""
        self.write(seq, hash=digest(self.row(seq)))

    def seal_to_the_end(self, seq: int) -> None:
        for number in range(seq, self.length + 1):
            link = self.row(number - 1)["hash"] if number > 1 else GENESIS
            self.write(number, previous_hash=link)
            self.seal(number)

    def add(self, seq: int, link: str) -> None:
        columns = {
            **{"seq": seq, "at": clock.now(), "action": "tests.thing.forged"},
            **{"outcome": "success", "actor_id": new_id(), "target": "", "detail": {"a": 1}},
            **{"personal_hash": "", "request_id": "", "previous_hash": link},
        }
        AuditEntry.objects.create(**columns, hash=digest(columns))

    def shift(self, first: int, by: int) -> None:
        """Renumber all rows from `first`; in two steps, for numbers are unique at every moment."""
        AuditEntry.objects.filter(seq__gte=first).update(seq=-F("seq") - by)
        AuditEntry.objects.filter(seq__lt=0).update(seq=-F("seq"))


def edit(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Any column to any other value."""
    row = chain.row(seq)
    column = data.draw(st.sampled_from([*OTHER_VALUES]))
    chain.write(seq, **{column: OTHER_VALUES[column](row[column])})
    return seq


OTHER_VALUES: dict[str, Callable[[Any], Any]] = {
    "at": lambda at: at + timedelta(microseconds=1),
    "action": lambda action: action + "x",
    "outcome": lambda outcome: "denied" if outcome != "denied" else "success",
    "actor_id": lambda actor: None if actor else new_id(),
    "target": lambda target: target + "x",
    "detail": lambda detail: {**detail, "more": 1},
    "personal": lambda personal: {**(personal or {}), "more": 1},
    "personal_hash": lambda text: "" if text else "0" * 64,
    "request_id": lambda text: text + "x",
    "previous_hash": lambda text: "f" * 64,
    "hash": lambda text: "f" * 64,
}


def edit_and_seal(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.write(seq, action="tests.thing.harmless")
    chain.seal(seq)
    return seq


def relink_and_seal(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.write(seq, previous_hash="f" * 64)
    chain.seal(seq)
    return seq


def edit_and_seal_all_but_the_head(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Nothing inside tells where the rewriting began, only that the end is another."""
    chain.write(seq, action="tests.thing.harmless")
    chain.seal_to_the_end(seq)
    return chain.length


def delete_some(chain: Chain, seq: int, data: st.DataObject) -> int:
    last = data.draw(st.integers(seq, chain.length))
    AuditEntry.objects.filter(seq__range=(seq, last)).delete()
    return seq


def delete_and_close_the_gap(chain: Chain, seq: int, data: st.DataObject) -> int:
    AuditEntry.objects.filter(seq=seq).delete()
    chain.shift(seq + 1, -1)
    return seq


def insert_between(chain: Chain, seq: int, data: st.DataObject) -> int:
    """A forged row that fits the one before it, the later ones and the head moved up."""
    chain.shift(seq, 1)
    chain.add(seq, chain.row(seq - 1)["hash"] if seq > 1 else GENESIS)
    AuditHead.objects.update(seq=F("seq") + 1)
    return seq


def append(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add(chain.length + 1, chain.row(chain.length)["hash"])
    return chain.length + 1


def prepend(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add(0, GENESIS)
    return 0


def swap(chain: Chain, seq: int, data: st.DataObject) -> int:
    other = data.draw(st.integers(1, chain.length).filter(lambda number: number != seq))
    for now, then in ((seq, -1), (other, seq), (-1, other)):
        AuditEntry.objects.filter(seq=now).update(seq=then)
    return min(seq, other)


def set_the_head_back(chain: Chain, seq: int, data: st.DataObject) -> int:
    AuditHead.objects.update(seq=seq - 1, hash=chain.row(seq - 1)["hash"] if seq > 1 else GENESIS)
    return seq


def forge_the_head(chain: Chain, seq: int, data: st.DataObject) -> int:
    AuditHead.objects.update(hash="f" * 64)
    return chain.length


TAMPERINGS = [
    *(edit, edit_and_seal, relink_and_seal, edit_and_seal_all_but_the_head),
    *(delete_some, delete_and_close_the_gap, insert_between, append, prepend),
    *(swap, set_the_head_back, forge_the_head),
]


@given(history=histories)
@for_each_history
def test_an_untouched_chain_always_passes(history):
    with transaction.atomic():
        chain = Chain(history)
        verdict = verify()
        assert (verdict.ok, verdict.entries) == (True, chain.length), verdict
        transaction.set_rollback(True)


@given(groups=lengths, data=st.data())
@for_each_history
def test_erasing_what_is_personal_never_breaks_the_chain(groups, data):
    with transaction.atomic():
        chain = Chain.of_groups(groups)
        erased = data.draw(st.sets(st.integers(1, chain.length)))
        AuditEntry.objects.filter(seq__in=erased).update(personal=None)
        assert verify().ok
        transaction.set_rollback(True)


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
@given(groups=lengths, data=st.data())
@for_each_history
def test_any_tampering_is_found_and_its_first_row_named(tamper, groups, data):
    with transaction.atomic():
        chain = Chain.of_groups(groups)
        seq = data.draw(st.integers(1, chain.length))
        bad_seq = tamper(chain, seq, data)
        verdict = verify()
        assert (verdict.ok, verdict.bad_seq) == (False, bad_seq), verdict
        transaction.set_rollback(True)
