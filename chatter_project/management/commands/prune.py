"""Take what is older than it is to be kept."""

from argparse import ArgumentParser
from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.commands import recorded
from core.retention import prune, retentions

_MOST_DAYS = 100_000


class Command(BaseCommand):
    help = "Delete old events, firings, deliveries and the like; no total changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = [one.kind for one in retentions()]
        parser.add_argument("kinds", nargs="*", metavar="kind", help=f"of {', '.join(kinds)}")
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument(
            "--older-than", type=_days, metavar="DAYS", help="in place of the days of settings"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = retentions()
        kinds = options["kinds"]
        if unknown := set(kinds) - {one.kind for one in known}:
            raise CommandError(f"There is no {', '.join(sorted(unknown))} to prune.")
        days, dry_run = options["older_than"], options["dry_run"]
        taken: Counter[str] = Counter()
        of = {"taken": taken, "older_than": None if days is None else str(days)}
        with nullcontext() if dry_run else recorded("core.rows.pruned", of):
            for kind, number in prune(days=days, kinds=kinds, dry_run=dry_run):
                taken[kind] += number
        for one in known:
            if not kinds or one.kind in kinds:
                before = one.before(days, by_name=one.kind in kinds)
                told = "kept for good" if before is None else f"{taken[one.kind]}"
                self.stdout.write(f"{one.kind}: {told}")
        if dry_run:
            self.stdout.write("Nothing was deleted.")


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < _MOST_DAYS:
        raise ValueError
    return days
