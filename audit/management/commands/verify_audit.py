"""Prove that the audit trail is whole."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.verification import Verdict, verify


class Command(BaseCommand):
    help = "Walk the audit chain; name the first row that was tampered with and exit 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify()
        self.stdout.write(json.dumps(_as_json(verdict)) if options["json"] else _as_text(verdict))
        if not verdict.ok:
            sys.exit(1)


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {"ok": verdict.ok, **asdict(verdict)}


def _as_text(verdict: Verdict) -> str:
    if not verdict.ok:
        return f"The audit trail is broken. {verdict.message}"
    erased = f", {verdict.erased} with their personal part erased" if verdict.erased else ""
    return (
        f"The audit trail is whole: {verdict.entries} entries{erased}.\n"
        f"Head: {verdict.head_seq} {verdict.head_hash}"
    )
