"""Signed notes of where the chain was, kept in the database and outside it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import transaction

from audit.keys import public_of, signing_key
from audit.models import AuditCheckpoint, AuditHead
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
        if self.public_key not in public_keys:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public_key))
            key.verify(bytes.fromhex(self.signature), signed_text(self.seq, self.seal, self.at))
        except (InvalidSignature, ValueError):
            return False
        return True


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
        key, at = signing_key(), clock.now()
        signature = key.sign(signed_text(head.seq, head.seal, at.isoformat())).hex()
        noted = AuditCheckpoint.objects.create(
            seq=head.seq, seal=head.seal, at=at, public_key=public_of(key), signature=signature
        )
    if settings.AUDIT_CHECKPOINTS:
        _append(Path(settings.AUDIT_CHECKPOINTS), as_checkpoint(noted))
    return noted


def as_checkpoint(row: AuditCheckpoint) -> Checkpoint:
    return Checkpoint(row.seq, row.seal, row.at.isoformat(), row.public_key, row.signature)


def checkpoints_in(path: Path) -> Iterator[Checkpoint | None]:
    """Those of a file, line by line; None for a line that is none."""
    for line in path.read_text().splitlines():
        try:
            yield Checkpoint(**orjson.loads(line))
        except (orjson.JSONDecodeError, TypeError):
            yield None


def line_of(checkpoint: Checkpoint) -> bytes:
    told: dict[str, Any] = asdict(checkpoint)
    return orjson.dumps(told) + b"\n"


def _append(path: Path, checkpoint: Checkpoint) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line_of(checkpoint))
