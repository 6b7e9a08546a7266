"""The trail as a file that can be verified where there is neither the database nor a secret.

One JSON object a line, each with a `link`: the SHA-256 of the link before it and of its own entry.
The last line is signed (Ed25519) over the last link and when the file was begun, so whoever has the
public key can tell whether anything was changed, and the links tell where.
"""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from audit.chain import GENESIS, HASHED, canonical
from audit.checkpoints import Checkpoint
from audit.compared import Compared
from audit.models import AuditEntry
from audit.signatures import is_signed, sign
from audit.verdict import Broken, Verdict, edited
from core import clock

_COLUMNS = ("seq", *HASHED, "hash", "seal")
_CHUNK = 1000
_PARTS = ({"entry", "link"}, {"end", "public_key", "signature"})  # of a line, and of the last


def exported_lines() -> Iterator[bytes]:
    """All sealed entries, without what is personal, as lines of the file."""
    link, seq, seal, at = GENESIS, 0, GENESIS, clock.now().isoformat()
    for row in AuditEntry.objects.in_order().values(*_COLUMNS).iterator(_CHUNK):
        entry = json.loads(canonical(row))
        link, seq, seal = _link(link, entry), row["seq"], row["seal"]
        yield canonical({"entry": entry, "link": link}) + b"\n"
    end = {"seq": seq, "seal": seal, "link": link, "at": at}
    public_key, signature = sign(canonical(end))
    yield canonical({"end": end, "public_key": public_key, "signature": signature}) + b"\n"


def verify_export(
    lines: Iterable[bytes],
    public_keys: Iterable[str],
    outside: Iterable[Checkpoint | None] = (),
    *,
    noted_by: Iterable[str] | None = None,
) -> Verdict:
    """Check an export against its links, its signature and checkpoints; needs no database.

    `noted_by` are the keys that checkpoints are believed of, if not the same.
    """
    keys = tuple(public_keys)
    walk = _Walk(keys, keys if noted_by is None else tuple(noted_by))
    try:
        walk.run(lines, outside)
    except Broken as broken:
        return walk.verdict(broken)
    return walk.verdict()


class _Walk:
    def __init__(self, public_keys: tuple[str, ...], noted_by: tuple[str, ...]) -> None:
        self._public_keys = public_keys
        self._checkpoints = Compared(noted_by)
        self._link, self._seal, self._seq = GENESIS, GENESIS, 0

    def verdict(self, broken: Broken | None = None) -> Verdict:
        return Verdict(
            entries=self._seq,
            checkpoints=self._checkpoints.count,
            outside=self._checkpoints.outside,
            head_seq=self._seq,
            head_seal=self._seal,
            broken=broken,
        )

    def run(self, lines: Iterable[bytes], outside: Iterable[Checkpoint | None]) -> None:
        self._checkpoints.add(outside, outside=True)
        ended = False
        for line in lines:
            told = _read(line, self._seq + 1)
            if ended:
                raise Broken("inserted", "Lines were added after the end.", self._seq + 1)
            if "end" in told:
                self._check_end(told)
                ended = True
            else:
                self._check(told)
        if not ended:
            message = f"The end is missing: row {self._seq} is the last that is here."
            raise Broken("missing", message, self._seq + 1)
        self._checkpoints.check_readable()

    def _check(self, told: dict[str, Any]) -> None:
        expected, entry = self._seq + 1, told["entry"]
        if entry.get("seq") != expected:
            message = f"Row {expected} is not where it belongs; row {entry.get('seq')} is."
            raise Broken("missing", message, expected)
        if told.get("link") != _link(self._link, entry):
            raise edited(f"Row {expected}", "its link does not fit", expected, entry.get("id"))
        self._link, self._seal, self._seq = told["link"], entry.get("seal", ""), expected
        self._checkpoints.check(expected, self._seal)

    def _check_end(self, told: dict[str, Any]) -> None:
        end = told["end"]
        if end.get("seq") != self._seq:
            message = f"The end is of row {end.get('seq')}, and row {self._seq} is the last here."
            raise Broken("missing", message, self._seq + 1)
        if (end.get("seal"), end.get("link")) != (self._seal, self._link):
            message = (
                f"Rows were rewritten between 1 and {self._seq}, and links made anew: the end is of"
                " others."
            )
            raise Broken("rewritten", message, 1)
        by, signature = told.get("public_key", ""), told.get("signature", "")
        if not is_signed(canonical(end), by, signature, self._public_keys):
            raise Broken("unsigned", "No known key signed this file.")
        self._checkpoints.check_end(self._seq, end.get("at", ""))


def _link(before: str, entry: dict[str, Any]) -> str:
    return sha256(before.encode() + canonical(entry)).hexdigest()


def _read(line: bytes, seq: int) -> dict[str, Any]:
    """A line, if it was written by us: links and signature say nothing of what else stands in it,
    such as a name that is there twice.
    """
    try:
        told = json.loads(line)
        text = canonical(told)
    except (ValueError, RecursionError):
        told, text = None, b""
    if not isinstance(told, dict) or not isinstance(told.get("end", told.get("entry")), dict):
        raise edited(f"Row {seq}", "its line cannot be read", seq)
    if told.keys() not in _PARTS or text != line.rstrip(b"\r\n"):
        raise edited(f"Row {seq}", "its line is not as it was written", seq)
    return told
