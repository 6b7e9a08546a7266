"""Make the rollups anew from the ledger, while everything goes on."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from analytics.rollups.facts import KINDS, FactKind
from analytics.rollups.recount import is_unfilled, rebuild


class Command(BaseCommand):
    help = "Reckon the hours and days of analytics anew from executions and calls."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "kinds", nargs="*", type=_kind, metavar="kind", help=f"of {', '.join(KINDS)}"
        )
        parser.add_argument(
            "--if-empty", action="store_true", help="only those that have never been filled"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for kind in options["kinds"] or KINDS.values():
            if options["if_empty"] and not is_unfilled(kind):
                continue
            self.stdout.write(f"{kind.key}: {rebuild(kind)} days")


def _kind(key: str) -> FactKind:
    if key not in KINDS:
        raise ArgumentTypeError(f"{key!r} is none of {', '.join(KINDS)}")
    return KINDS[key]
