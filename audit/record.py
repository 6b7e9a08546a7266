"""The one way to write an audit entry: with the act, in its transaction, or neither happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypedDict, Unpack

from django.db import connection, models
from django.db.transaction import TransactionManagementError

from audit import context
from audit.chain import digest, personal_digest, salted
from audit.models import AuditEntry, AuditHead, Outcome
from core import clock
from core.bulk import insert_rows, update_rows


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


class HeadMissing(RuntimeError):
    """The chain has no head: the table was never migrated, or someone removed it."""


class EntryFields(TypedDict, total=False):
    """What an act may say beside its name."""

    actor: Any
    target: models.Model | str | None
    outcome: str
    detail: Mapping[str, Any] | None
    personal: Mapping[str, Any] | None
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
    """Append entries to the chain, in order.

    `detail` and `personal` hold JSON values without floats; NUL characters are dropped.
    Raises TransactionManagementError outside a transaction, TypeError for another value.
    Locks the head until the transaction ends, so call it last: whoever locks a row after it can
    meet, crosswise, another who holds that row and waits for the head.
    """
    if not entries:
        return
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit entry belongs into the transaction of its act.")
    seq, link = _locked_head()
    at = clock.now()
    rows = []
    for one in entries:
        seq += 1
        row = _row(one, seq, at, link)
        link = row["hash"]
        rows.append(row)
    insert_rows(AuditEntry, rows)
    update_rows(AuditHead, [{"id": 1, "seq": seq, "hash": link}])


def _row(one: Entry, seq: int, at: datetime, link: str) -> dict[str, Any]:
    personal = salted(_plain(one.personal)) if one.personal else None
    row = {
        "seq": seq,
        "at": at,
        "action": one.action,
        "outcome": str(one.outcome),
        "actor_id": getattr(one.actor, "pk", one.actor),
        "target": _text(label(one.target)),
        "detail": _plain(one.detail or {}),
        "personal": personal,
        "personal_hash": personal_digest(personal),
        "request_id": _text(one.request_id or ""),
        "previous_hash": link,
    }
    row["hash"] = digest(row)
    return row


def label(target: models.Model | str | None) -> str:
    """How entries name a row: "app.model:<id>"."""
    if isinstance(target, models.Model):
        return f"{target._meta.label_lower}:{target.pk}"
    return target or ""


def _locked_head() -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_head_sql())
        head = cursor.fetchone()
    if head is None:
        raise HeadMissing("The audit chain has no head; see `manage.py verify_audit`.")
    return head


@cache
def _head_sql() -> str:
    """By hand: the ORM takes 0.1 ms to say this, once per commit (measured)."""
    names = [
        connection.ops.quote_name(name) for name in ("seq", "hash", AuditHead._meta.db_table, "id")
    ]
    lock = (
        f" {connection.ops.for_update_sql()}" if connection.features.has_select_for_update else ""
    )
    return "SELECT {}, {} FROM {} WHERE {} = 1".format(*names) + lock  # noqa: S608 - our names


def _plain(value: Any) -> Any:
    """The value as JSON keeps it on every database; refuses what JSON would round or guess."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Mapping):
        return {_key(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    raise TypeError(f"An audit entry cannot hold {type(value).__name__}: {value!r:.80}")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A key of an audit entry must be text, not {name!r:.80}")
    return _text(name)


def _text(text: str) -> str:
    """Without what PostgreSQL cannot hold: NUL characters and halves of surrogate pairs."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "replace").decode()
