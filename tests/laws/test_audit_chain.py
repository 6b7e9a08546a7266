"""Law: whatever the history, an untouched chain passes and any tampering is found and named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.chain import GENESIS, hash_of, seal_of
from audit.checkpoints import as_checkpoint, note_checkpoint
from audit.guards import lift_guards
from audit.models import AuditEntry, AuditHead, AuditSeal, Outcome, UnsealedEntry
from audit.record import Entry, record_many
from audit.sealing import seal_entries
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
GUESS = b"not the key"
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
    """The rows as an intruder sees them: anything can be written anywhere, and how the chain is
    made is known; only the keys are not.
    """

    def __init__(self, history: list[list[Entry]]) -> None:
        lift_guards(connection)
        for group in [EntryFactory.build_batch(2, personal={"name": "Ann"}), *history]:
            record_many(group)
            seal_entries()
        self.length = AuditEntry.objects.count()

    @classmethod
    def of_groups(cls, lengths: list[int]) -> "Chain":
        return cls([EntryFactory.build_batch(length) for length in lengths])

    def row(self, seq: int) -> dict[str, Any]:
        return AuditEntry.objects.filter(seq=seq).values().get()

    def seal(self, seq: int) -> str:
        return self.row(seq)["seal"] if seq else GENESIS

    def write(self, seq: int, **columns: Any) -> None:
        rows = AuditSeal if "seal" in columns else AuditEntry
        assert rows.objects.filter(seq=seq).update(**columns) == 1

    def add(self, seq: int | None) -> None:
        """A row made as Chatter does, but for the key."""
        row = {
            **{"id": new_id(), "at": clock.now(), "action": "tests.thing.forged"},
            **{"outcome": "success", "actor_id": new_id(), "target": "", "detail": {"a": 1}},
            **{"personal_hash": "", "request_id": ""},
        }
        entry_hash = hash_of(row, GUESS)
        added = AuditEntry.objects.create(**row, hash=entry_hash)
        if seq is None:
            UnsealedEntry.objects.create(entry=added, hash=entry_hash)
        else:
            seal = seal_of(self.seal(seq - 1), seq, entry_hash, GUESS) if seq else ""
            AuditSeal.objects.create(seq=seq, entry=added, seal=seal)

    def delete(self, first: int, last: int) -> None:
        """Entries and their seals."""
        AuditEntry.objects.filter(seq__range=(first, last)).delete()
        AuditSeal.objects.filter(seq__range=(first, last)).delete()

    def shift(self, first: int, by: int) -> None:
        """Renumber all rows from `first`; in two steps, for numbers are unique at every moment."""
        AuditSeal.objects.filter(seq__gte=first).update(seq=-F("seq") - by)
        AuditSeal.objects.filter(seq__lt=0).update(seq=-F("seq"))


def edit(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Any column to any other value."""
    row = chain.row(seq)
    column = data.draw(st.sampled_from([*OTHER_VALUES]))
    chain.write(seq, **{column: OTHER_VALUES[column](row[column])})
    return seq


OTHER_VALUES: dict[str, Callable[[Any], Any]] = {
    "id": lambda pk: new_id(),
    "at": lambda at: at + timedelta(microseconds=1),
    "action": lambda action: action + "x",
    "outcome": lambda outcome: "denied" if outcome != "denied" else "success",
    "actor_id": lambda actor: None if actor else new_id(),
    "target": lambda target: target + "x",
    "detail": lambda detail: {**detail, "more": 1},
    "personal": lambda personal: {**(personal or {}), "more": 1},
    "personal_hash": lambda text: "" if text else "0" * 64,
    "request_id": lambda text: text + "x",
    "hash": lambda text: "f" * 64,
    "seal": lambda text: "f" * 64,
}


def edit_and_hash(chain: Chain, seq: int, data: st.DataObject) -> int:
    """With all seals behind it and the head made anew, by a key that is not ours."""
    chain.write(seq, action="tests.thing.harmless")
    chain.write(seq, hash=hash_of(chain.row(seq), GUESS))
    for number in range(seq, chain.length + 1):
        entry_hash = chain.row(number)["hash"]
        chain.write(number, seal=seal_of(chain.seal(number - 1), number, entry_hash, GUESS))
    AuditHead.objects.update(seal=chain.seal(chain.length))
    return seq


def delete_some(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Entries, or their seals, or both."""
    numbers = (seq, data.draw(st.integers(seq, chain.length)))
    for rows in data.draw(st.sampled_from([[AuditEntry], [AuditSeal], [AuditEntry, AuditSeal]])):
        rows.objects.filter(seq__range=numbers).delete()
    return seq


def delete_and_close_the_gap(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.delete(seq, seq)
    chain.shift(seq + 1, -1)
    return seq


def unseal(chain: Chain, seq: int, data: st.DataObject) -> int:
    """As if it had only just been recorded."""
    row = chain.row(seq)
    AuditSeal.objects.filter(seq=seq).delete()
    UnsealedEntry.objects.create(entry_id=row["id"], hash=row["hash"])
    return seq


def keep_from_being_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    """So that nobody would miss it later. It has no number to be named by."""
    record_many([EntryFactory.build()])
    UnsealedEntry.objects.all().delete()


def have_it_sealed_again(chain: Chain, seq: int, data: st.DataObject) -> int:
    """So that nothing is sealed from then on, and what is recorded can be deleted unseen."""
    row = chain.row(seq)
    UnsealedEntry.objects.create(entry_id=row["id"], hash=row["hash"])
    return seq


def have_nothing_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    """What is to be sealed was never recorded, or was deleted meanwhile."""
    UnsealedEntry.objects.create(entry_id=new_id(), hash="f" * 64)


def insert_between(chain: Chain, seq: int, data: st.DataObject) -> int:
    """A forged row, the later ones and the head moved up."""
    chain.shift(seq, 1)
    chain.add(seq)
    AuditHead.objects.update(seq=F("seq") + 1)
    return seq


def append(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add(chain.length + 1)
    return chain.length + 1


def append_and_have_it_sealed(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Nobody looks at what is sealed but whoever verifies."""
    chain.add(None)
    seal_entries()
    return chain.length + 1


def prepend(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add(0)
    return 0


def swap(chain: Chain, seq: int, data: st.DataObject) -> int:
    other = data.draw(st.integers(1, chain.length).filter(lambda number: number != seq))
    for now, then in ((seq, -1), (other, seq), (-1, other)):
        AuditSeal.objects.filter(seq=now).update(seq=then)
    return min(seq, other)


def swap_what_is_sealed(chain: Chain, seq: int, data: st.DataObject) -> int:
    """The seals stay where they are, and tell of each other's entries."""
    other = data.draw(st.integers(1, chain.length).filter(lambda number: number != seq))
    ids = [chain.row(number)["id"] for number in (seq, other)]
    for number, entry in ((seq, new_id()), (other, ids[0]), (seq, ids[1])):
        AuditSeal.objects.filter(seq=number).update(entry=entry)
    return min(seq, other)


def copy(chain: Chain, seq: int, data: st.DataObject) -> int:
    """An act that was done once, told twice."""
    row = {**chain.row(seq), "id": new_id()}
    del row["seq"], row["seal"]
    told = AuditEntry.objects.create(**row)
    UnsealedEntry.objects.create(entry=told, hash=told.hash)
    seal_entries()
    return chain.length + 1


def set_the_head_back(chain: Chain, seq: int, data: st.DataObject) -> int:
    AuditHead.objects.update(seq=seq - 1, seal=chain.seal(seq - 1))
    return seq


def forge_the_head(chain: Chain, seq: int, data: st.DataObject) -> int:
    AuditHead.objects.update(seal="f" * 64)
    return chain.length


def cut_the_tail(chain: Chain, seq: int, data: st.DataObject) -> int:
    """With the head set back, as if it had never been."""
    chain.delete(seq, chain.length)
    AuditHead.objects.update(seq=seq - 1, seal=chain.seal(seq - 1))
    return seq


TAMPERINGS = [
    *(edit, edit_and_hash, delete_some, delete_and_close_the_gap, insert_between),
    *(unseal, keep_from_being_sealed, append, append_and_have_it_sealed, prepend, copy),
    *(have_it_sealed_again, have_nothing_sealed),
    *(swap, swap_what_is_sealed),
    *(set_the_head_back, forge_the_head, cut_the_tail),
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
        noted = note_checkpoint()
        assert noted is not None
        seq = data.draw(st.integers(1, chain.length))
        bad_seq = tamper(chain, seq, data)
        verdict = verify([as_checkpoint(noted)])
        assert (verdict.ok, verdict.bad_seq) == (False, bad_seq), verdict
        transaction.set_rollback(True)
