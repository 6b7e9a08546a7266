"""Signed notes of where the chain was, kept in the database and outside it."""

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from django.conf import settings
from django.db import transaction

from audit.models import AuditCheckpoint, AuditHead
from audit.signatures import is_signed, sign
from core import clock


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`at` is ISO 8601, the rest as of `AuditCheckpoint`. One line of the file, as JSON."""

    seq: int
    seal: str
    at: str
    public_key: str
    signature: str

    def signed_by(self, public_keys: tuple[str, ...]) -> bool:
        """Whether one of these keys signed it."""
        text = signed_text(self.seq, self.seal, self.at)
        return is_signed(text, self.public_key, self.signature, public_keys)


def signed_text(seq: int, seal: str, at: str) -> bytes:
    return f"chatter audit {seq} {seal} {at}".encode()


def note_checkpoint() -> AuditCheckpoint | None:
    """Sign where the chain is now, unless that was done; then write it to the file, too.

    Raises OSError when the file cannot be written; the row is there then.
    """
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().filter(seq__gt=0).first()
        if head is None or AuditCheckpoint.objects.filter(seq__gte=head.seq).exists():
            return None
        at = clock.now()
        public_key, signature = sign(signed_text(head.seq, head.seal, at.isoformat()))
        noted = AuditCheckpoint.objects.create(
            seq=head.seq, seal=head.seal, at=at, public_key=public_key, signature=signature
        )
    if settings.AUDIT_CHECKPOINTS:
        _append(Path(settings.AUDIT_CHECKPOINTS), as_checkpoint(noted))
    return noted


def as_checkpoint(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(row.seq, row.seal, row.at.isoformat(), row.public_key, row.signature)


def checkpoints_in(path: Path) -> Iterator[Checkpoint | None]:
    """Those of a file, line by line; None for a line that is none. Empty ones say nothing."""
    for line in filter(None, path.read_bytes().splitlines()):
        try:
            yield Checkpoint(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            yield None


def _append(path: Path, checkpoint: Checkpoint) -> None:
    """On a line of its own, also behind one that was written half: a full disk, a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = orjson.dumps(asdict(checkpoint)) + b"\n"
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read() == b"\n" else b"\n" + line
        file.write(line)
