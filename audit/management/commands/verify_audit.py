"""Prove that the audit trail is whole."""

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.checkpoints import Checkpoint, checkpoints_in
from audit.export import verify_export
from audit.signatures import public_keys
from audit.verdict import Verdict
from audit.verification import verify


class Command(BaseCommand):
    help = "Walk the audit chain; name the first row that was tampered with and exit 1."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
        parser.add_argument(
            "--checkpoints",
            type=Path,
            action="append",
            default=[],
            help="also compare with the checkpoints of this file; again for more",
        )
        parser.add_argument(
            "--export", type=Path, help="verify what `export_audit` wrote; needs no database"
        )
        parser.add_argument(
            "--public-key", help="the key an export must be signed with; default: ours"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            verdict = _of_export(**options)
        else:
            verdict = verify(_outside(options["checkpoints"]))
        told = json.dumps(verdict.to_json()) if options["json"] else _as_text(verdict)
        self.stdout.write(told)
        if not verdict.ok:
            sys.exit(1)


def _of_export(
    *, export: Path, public_key: str | None, checkpoints: list[Path], **_: Any
) -> Verdict:
    """Of another installation's, our own checkpoints say nothing."""
    _must_be_there(export)
    believed = public_keys()
    keys = (public_key,) if public_key else believed
    ours = keys[0] in believed
    outside = _outside(checkpoints, with_ours=ours)
    with export.open("rb") as lines:
        return verify_export(lines, keys, outside, noted_by=believed if ours else keys)


def _outside(named: list[Path], *, with_ours: bool = True) -> Iterator[Checkpoint | None]:
    """Those of the files that were named, which must be there, and of the installation's own."""
    for path in named:
        _must_be_there(path)
    if not with_ours:
        return chain.from_iterable(map(checkpoints_in, named))
    own = Path(settings.AUDIT_CHECKPOINTS) if settings.AUDIT_CHECKPOINTS else None
    paths = [*named, *([own] if own and own.is_file() and own not in named else [])]
    return chain.from_iterable(map(checkpoints_in, paths))


def _must_be_there(path: Path) -> None:
    if not path.is_file():
        raise CommandError(f"There is no file {path}.")


def _as_text(verdict: Verdict) -> str:
    if not verdict.ok:
        return f"The audit trail is broken. {verdict.message}"
    erased = f", {verdict.erased} with their personal part erased" if verdict.erased else ""
    unsealed = f", and {verdict.unsealed} not sealed yet" if verdict.unsealed else ""
    return (
        f"The audit trail is whole: {verdict.entries} entries{erased}{unsealed}.\n"
        f"{_of_checkpoints(verdict)}\n{_of_guards(verdict)}"
        f"Head: {verdict.head_seq} {verdict.head_seal}"
    )


def _of_guards(verdict: Verdict) -> str:
    if not verdict.unguarded:
        return ""
    return f"The database lacks guards against changes: {', '.join(verdict.unguarded)}.\n"


def _of_checkpoints(verdict: Verdict) -> str:
    if not verdict.outside:
        return (
            f"{verdict.checkpoints} checkpoints agree. None was kept outside the database, so a"
            " tail that was cut off together with them could not be told."
        )
    return f"{verdict.checkpoints} checkpoints agree, {verdict.outside} kept outside the database."
