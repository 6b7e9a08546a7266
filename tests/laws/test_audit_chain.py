"""Law: whatever the history, an untouched chain passes and any tampering is found and named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.chain import GENESIS, hash_of, joined, seal_of, separate
from audit.checkpoints import as_checkpoint, note_checkpoint
from audit.guards import lift_guards
from audit.models import AuditEntry, AuditHead, AuditSeal, Outcome, UnsealedGroup
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
        ann = {"personal": {"name": "Ann"}}
        first = [EntryFactory.build_batch(2, **ann), EntryFactory.build_batch(1, **ann)]
        for group in [*first, *history]:
            record_many(group)
            seal_entries()
        self.length = AuditEntry.objects.count()

    @classmethod
    def of_groups(cls, lengths: list[int]) -> "Chain":
        return cls([EntryFactory.build_batch(length) for length in lengths])

    def row(self, seq: int) -> dict[str, Any]:
        return AuditEntry.objects.filter(seq=seq).values().get()

    def group(self, seq: int) -> AuditSeal:
        """That of the entry with this number."""
        group = AuditSeal.objects.filter(seq__lte=seq).order_by("-seq").first()
        assert group is not None
        return group

    def hashes(self, group: AuditSeal) -> list[str]:
        return separate(group.hashes or AuditEntry.objects.get(group=group).hash)

    def seal(self, seq: int) -> str:
        return self.group(seq).seal if seq else GENESIS

    def write(self, seq: int, **columns: Any) -> None:
        assert AuditEntry.objects.filter(seq=seq).update(**columns) == 1

    def write_group(self, seq: int, **columns: Any) -> int:
        """Into the row of the group's seal; returns the number of the first entry."""
        first = self.group(seq).seq
        assert AuditSeal.objects.filter(seq=first).update(**columns) == 1
        return first

    def add(self, group_id: UUID | None = None, position: int = 0) -> AuditEntry:
        """A row made as Chatter does, but for the key."""
        pk = new_id()
        row = {
            **{"id": pk, "at": clock.now(), "action": "tests.thing.forged"},
            **{"outcome": "success", "actor_id": new_id(), "target": "", "detail": {"a": 1}},
            **{"personal_hash": "", "request_id": ""},
        }
        place = {"group_id": group_id or pk, "position": position}
        return AuditEntry.objects.create(**row, **place, hash=hash_of(row, GUESS))

    def add_group(self, seq: int) -> None:
        """With a seal of its own."""
        added = self.add()
        seal = seal_of(self.seal(seq - 1), seq, added.hash, GUESS) if seq else ""
        AuditSeal.objects.create(seq=seq, group_id=added.pk, seal=seal)

    def shift(self, first: int, by: int) -> None:
        """Renumber all groups that begin there or later; in two steps, for numbers are unique at
        every moment.
        """
        AuditSeal.objects.filter(seq__gte=first).update(seq=-F("seq") - by)
        AuditSeal.objects.filter(seq__lt=0).update(seq=-F("seq"))


def another(chain: Chain, seq: int, data: st.DataObject) -> int:
    return data.draw(st.integers(1, chain.length).filter(lambda number: number != seq))


def another_group(chain: Chain, seq: int, data: st.DataObject) -> tuple[AuditSeal, AuditSeal]:
    """The one of the entry, and any other; the earlier one comes first."""
    one, numbers = chain.group(seq), AuditSeal.objects.values_list("seq", flat=True)
    number = data.draw(st.sampled_from([number for number in numbers if number != one.seq]))
    earlier, later = sorted([one, chain.group(number)], key=lambda group: group.seq)
    return earlier, later


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
    "group_id": lambda group: new_id(),
    "position": lambda position: position + 1,
}


def edit_what_was_sealed(chain: Chain, seq: int, data: st.DataObject) -> int:
    group = chain.group(seq)
    hashes = chain.hashes(group)
    hashes[seq - group.seq] = "f" * 64
    chain.write_group(seq, hashes=joined(hashes))
    return seq


def edit_a_seal(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Nothing tells which of its entries it was about: the first is named."""
    return chain.write_group(seq, seal="f" * 64)


def edit_and_hash(chain: Chain, seq: int, data: st.DataObject) -> int:
    """With all seals behind it and the head made anew, by a key that is not ours."""
    chain.write(seq, action="tests.thing.harmless")
    chain.write(seq, hash=hash_of(chain.row(seq), GUESS))
    group = chain.group(seq)
    hashes = chain.hashes(group)
    hashes[seq - group.seq] = chain.row(seq)["hash"]
    chain.write_group(seq, hashes=joined(hashes))
    for one in AuditSeal.objects.filter(seq__gte=group.seq).order_by("seq"):
        told = joined(chain.hashes(one))
        chain.write_group(one.seq, seal=seal_of(chain.seal(one.seq - 1), one.seq, told, GUESS))
    AuditHead.objects.update(seal=chain.seal(chain.length))
    return seq


def delete_entries(chain: Chain, seq: int, data: st.DataObject) -> int:
    last = data.draw(st.integers(seq, chain.length))
    AuditEntry.objects.filter(seq__range=(seq, last)).delete()
    return seq


def delete_seals(chain: Chain, seq: int, data: st.DataObject) -> int:
    first = chain.group(seq).seq
    AuditSeal.objects.filter(seq__range=(first, data.draw(st.integers(seq, chain.length)))).delete()
    return first


def delete_both(chain: Chain, seq: int, data: st.DataObject) -> int:
    numbers = (seq, data.draw(st.integers(seq, chain.length)))
    AuditEntry.objects.filter(seq__range=numbers).delete()
    AuditSeal.objects.filter(seq__range=numbers).delete()
    return seq


def delete_and_close_the_gap(chain: Chain, seq: int, data: st.DataObject) -> int:
    group = chain.group(seq)
    AuditEntry.objects.filter(seq=seq).delete()
    if not group.entries.exists():
        AuditSeal.objects.filter(seq=group.seq).delete()
    later = AuditEntry.objects.filter(group_id=group.group_id, position__gt=seq - group.seq)
    later.update(position=F("position") - 1)
    chain.shift(seq + 1, -1)
    return seq


def delete_and_have_nothing_told_of_it(chain: Chain, seq: int, data: st.DataObject) -> int:
    """The seal no longer knows of it, either."""
    group = chain.group(seq)
    hashes = chain.hashes(group)
    delete_and_close_the_gap(chain, seq, data)
    if len(hashes) == 1:
        return seq
    del hashes[seq - group.seq]
    chain.write_group(group.seq, hashes=joined(hashes))
    return group.seq


def unseal(chain: Chain, seq: int, data: st.DataObject) -> int:
    """As if it had only just been recorded."""
    group = chain.group(seq)
    have_it_sealed_again(chain, seq, data)
    AuditSeal.objects.filter(seq=group.seq).delete()
    return group.seq


def keep_from_being_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    """So that nobody would miss it later. It has no number to be named by."""
    record_many([EntryFactory.build()])
    UnsealedGroup.objects.all().delete()


def add_to_what_is_to_be_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    record_many(EntryFactory.build_batch(2))
    chain.add(UnsealedGroup.objects.get().group_id, 2)


def take_from_what_is_to_be_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    record_many(EntryFactory.build_batch(2))
    AuditEntry.objects.filter(seq=None, position=data.draw(st.integers(0, 1))).delete()


def change_what_is_to_be_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    record_many(EntryFactory.build_batch(2))
    told = separate(UnsealedGroup.objects.get().hashes)
    others = [[told[1], told[0]], [told[0], "f" * 64], [told[0], told[1] + "f"], told[:1]]
    UnsealedGroup.objects.update(hashes=joined(data.draw(st.sampled_from(others))))


def move_what_is_to_be_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    record_many(EntryFactory.build_batch(2))
    waiting = AuditEntry.objects.filter(seq=None)
    waiting.update(position=data.draw(st.sampled_from([1 - F("position"), F("position") + 1])))


def have_it_sealed_again(chain: Chain, seq: int, data: st.DataObject) -> int:
    """So that nothing is sealed from then on, and what is recorded can be deleted unseen."""
    group = chain.group(seq)
    UnsealedGroup.objects.create(group_id=group.group_id, hashes=joined(chain.hashes(group)))
    return group.seq


def have_nothing_sealed(chain: Chain, seq: int, data: st.DataObject) -> None:
    """What is to be sealed was never recorded, or was deleted meanwhile."""
    UnsealedGroup.objects.create(group_id=new_id(), hashes="f" * 64)


def insert_between(chain: Chain, seq: int, data: st.DataObject) -> int:
    """A forged row in a group, the later ones and the head moved up."""
    group = chain.group(seq)
    position = seq - group.seq
    later = AuditEntry.objects.filter(group_id=group.group_id, position__gte=position)
    later.update(position=F("position") + 1)
    chain.shift(seq + 1, 1)
    chain.add(group.group_id, position)
    AuditHead.objects.update(seq=F("seq") + 1)
    return seq


def insert_a_group(chain: Chain, seq: int, data: st.DataObject) -> int:
    first = chain.group(seq).seq
    chain.shift(first, 1)
    chain.add_group(first)
    AuditHead.objects.update(seq=F("seq") + 1)
    return first


def add_to_a_group(chain: Chain, seq: int, data: st.DataObject) -> int:
    """One more than its seal tells of."""
    group = chain.group(seq)
    length = len(chain.hashes(group))
    chain.add(group.group_id, length)
    return group.seq + length


def tell_of_one_more(chain: Chain, seq: int, data: st.DataObject) -> int:
    """What was sealed ends with an entry that never was."""
    group = chain.group(seq)
    return chain.write_group(seq, hashes=joined([*chain.hashes(group), "f" * 64]))


def rename_a_group(chain: Chain, seq: int, data: st.DataObject) -> int:
    group, name = chain.group(seq), new_id()
    AuditEntry.objects.filter(group_id=group.group_id).update(group_id=name)
    return chain.write_group(seq, group_id=name)


def add_a_seal(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Of no entry, with a number that no other has: what is recorded cannot get it any more."""
    taken = set(AuditSeal.objects.values_list("seq", flat=True))
    free = [number for number in range(-1, chain.length + 3) if number not in taken]
    number = data.draw(st.sampled_from(free))
    AuditSeal.objects.create(seq=number, group_id=new_id(), seal="f" * 64)
    return number


def append(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add_group(chain.length + 1)
    return chain.length + 1


def append_and_have_it_sealed(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Nobody looks at what is sealed but whoever verifies."""
    added = chain.add()
    UnsealedGroup.objects.create(group_id=added.pk, hashes=added.hash)
    seal_entries()
    return chain.length + 1


def prepend(chain: Chain, seq: int, data: st.DataObject) -> int:
    chain.add_group(0)
    return 0


def swap(chain: Chain, seq: int, data: st.DataObject) -> int:
    """Two entries take each other's places."""
    other = another(chain, seq, data)
    here, there = chain.row(seq), chain.row(other)
    for row, place in ((here, there), (there, here)):
        entry = AuditEntry.objects.filter(pk=row["id"])
        entry.update(group_id=place["group_id"], position=place["position"])
    return min(seq, other)


def swap_groups(chain: Chain, seq: int, data: st.DataObject) -> int:
    earlier, later = another_group(chain, seq, data)
    for now, then in ((earlier.seq, -1), (later.seq, earlier.seq), (-1, later.seq)):
        AuditSeal.objects.filter(seq=now).update(seq=then)
    return earlier.seq


def swap_what_is_sealed(chain: Chain, seq: int, data: st.DataObject) -> int:
    """The seals stay where they are, and tell of each other's entries."""
    earlier, later = another_group(chain, seq, data)
    ids = (earlier.group_id, later.group_id)
    for group, group_id in ((earlier, new_id()), (later, ids[0]), (earlier, ids[1])):
        AuditSeal.objects.filter(seq=group.seq).update(group_id=group_id)
    return earlier.seq


def copy(chain: Chain, seq: int, data: st.DataObject) -> int:
    """An act that was done once, told twice."""
    pk = new_id()
    row = {**chain.row(seq), "id": pk, "group_id": pk, "position": 0}
    del row["seq"], row["seal"]
    told = AuditEntry.objects.create(**row)
    UnsealedGroup.objects.create(group_id=pk, hashes=told.hash)
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
    seal = chain.seal(seq - 1)
    AuditEntry.objects.filter(seq__gte=seq).delete()
    AuditSeal.objects.filter(seq__gte=seq).delete()
    AuditHead.objects.update(seq=seq - 1, seal=seal)
    return seq


def blank_what_is_personal(chain, seq, data):
    seq = data.draw(st.integers(1, 3))  # these have any
    chain.write(seq, personal=None)
    return seq


TAMPERINGS = [
    *(edit, edit_what_was_sealed, edit_a_seal, edit_and_hash, blank_what_is_personal),
    *(delete_entries, delete_seals, delete_both),
    *(delete_and_close_the_gap, delete_and_have_nothing_told_of_it),
    *(unseal, keep_from_being_sealed, have_it_sealed_again, have_nothing_sealed),
    *(add_to_what_is_to_be_sealed, take_from_what_is_to_be_sealed),
    *(change_what_is_to_be_sealed, move_what_is_to_be_sealed),
    *(tell_of_one_more, rename_a_group, add_a_seal),
    *(insert_between, insert_a_group, add_to_a_group, append, append_and_have_it_sealed, prepend),
    *(copy, swap, swap_groups, swap_what_is_sealed),
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
        said = AuditEntry.objects.filter(seq__in=erased, personal__isnull=False)
        told = {"rows": {"audit.AuditEntry": said.update(personal=None)}}
        record_many([Entry("privacy.user.erased", detail=told)])
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
