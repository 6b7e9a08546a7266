"""Make the rollups anew from the ledger, while everything goes on."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from analytics.rollups.facts import KINDS, FactKind
from analytics.rollups.recount import is_unfilled, rebuild
from audit.commands import recorded


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
        named = options["kinds"] or KINDS.values()
        kinds = [one for one in named if not options["if_empty"] or is_unfilled(one)]
        if not kinds:
            return
        days: dict[str, int | None] = {}
        with recorded("analytics.rollups.rebuilt", {"days": days}):
            for kind in kinds:
                days[kind.key] = None  # begun
                days[kind.key] = rebuild(kind)
                self.stdout.write(f"{kind.key}: {days[kind.key]} days")


def _kind(key: str) -> FactKind:
    if key not in KINDS:
        raise ArgumentTypeError(f"{key!r} is none of {', '.join(KINDS)}")
    return KINDS[key]
