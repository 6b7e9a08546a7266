"""The one way to write an audit entry: with the act, in its transaction, or neither happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import connection, models
from django.db.transaction import TransactionManagementError

from audit import context
from audit.chain import hash_of, joined, personal_digest, salted
from audit.keys import sealing_keys
from audit.models import AuditEntry, Outcome, UnsealedGroup
from core import clock
from core.bulk import insert_gathered, inserts_gathered
from core.models import new_id

_BEYOND = 2**63
_LISTS = (list, tuple)
_MAPPINGS = (dict, Mapping)  # an abstract class takes its time to tell


@dataclass(frozen=True, slots=True)
class Entry:
    """One act, exactly as given: nothing is taken from the context (see `entry`).

    `actor` is a user or a user's id.
    """

    action: str
    actor: Any = None
    target: models.Model | str | None = None
    outcome: str = Outcome.SUCCESS
    detail: Mapping[str, Any] | None = None
    personal: Mapping[str, Any] | None = None
    request_id: str | None = None


class AuditDetail(TypedDict, total=False):
    """What an act says of itself; `personal` is the part that can be erased."""

    detail: Mapping[str, Any] | None
    personal: Mapping[str, Any] | None


class EntryFields(AuditDetail, total=False):
    """What an act may say beside its name."""

    actor: Any
    target: models.Model | str | None
    outcome: str
    request_id: str | None


def entry(action: str, **fields: Unpack[EntryFields]) -> Entry:
    """An act of here and now: actor, request id and address come from the context, if not given.

    To be used where the act happens, also when the entry is written later, by another thread, or
    after the target is gone.
    """
    known = context.current()
    fields["target"] = label(fields.get("target"))
    if known.address:
        fields["personal"] = {"address": known.address, **(fields.get("personal") or {})}
    if fields.get("actor") is None:
        fields["actor"] = known.actor_id
    if fields.get("request_id") is None:
        fields["request_id"] = known.request_id
    return Entry(action, **fields)


def record(action: str, **fields: Unpack[EntryFields]) -> None:
    """Write one act of here and now: an `entry`, by the rules of `record_many`."""
    record_many([entry(action, **fields)])


def record_many(entries: Sequence[Entry]) -> None:
    """Write entries, in order, as one group that is numbered later (`audit.sealing`).

    `detail` and `personal` hold JSON values without floats; NUL characters are dropped.
    Raises TransactionManagementError outside a transaction, TypeError for another value.
    """
    if not entries:
        return
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit entry belongs into the transaction of its act.")
    at, key = clock.now(), sealing_keys()[0]
    rows = [_row(one, at, key) for one in entries]
    group = rows[0]["id"]
    for position, row in enumerate(rows):
        row |= {"group_id": group, "position": position}
    hashes = joined(row["hash"] for row in rows)
    with inserts_gathered():
        insert_gathered(AuditEntry, rows)
        insert_gathered(UnsealedGroup, [{"group_id": group, "hashes": hashes}])


def _row(one: Entry, at: datetime, key: bytes) -> dict[str, Any]:
    personal = salted(_plain(one.personal)) if one.personal else None
    row = {
        "id": new_id(),
        "at": at,
        "action": one.action,
        "outcome": str(one.outcome),
        "actor_id": getattr(one.actor, "pk", one.actor),
        "target": _text(label(one.target)),
        "detail": _plain(one.detail or {}),
        "personal": personal,
        "personal_hash": personal_digest(personal),
        "request_id": _text(one.request_id or ""),
    }
    row["hash"] = hash_of(row, key)
    return row


def label(target: models.Model | str | None) -> str:
    """How entries name a row: "app.model:<id>"."""
    if isinstance(target, models.Model):
        return f"{target._meta.label_lower}:{target.pk}"
    return target or ""


def _plain(value: Any) -> Any:
    """The value as JSON keeps it on every database; refuses what JSON would round or guess.

    Whole numbers of more than 64 bits become texts: readers would round them.
    """
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):
        return value if value is None or -_BEYOND <= value < _BEYOND else str(value)
    if isinstance(value, _LISTS):
        return [_plain(inner) for inner in value]
    if isinstance(value, _MAPPINGS):
        return {_key(name): _plain(inner) for name, inner in value.items()}
    raise TypeError(f"An audit entry cannot hold {type(value).__name__}: {value!r:.80}")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A key of an audit entry must be text, not {name!r:.80}")
    return _text(name)


def _text(text: str) -> str:
    """Without what PostgreSQL cannot hold: NUL characters and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
