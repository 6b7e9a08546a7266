"""Bring the price table up to the installed catalogue."""

from typing import Any

from django.core.management.base import BaseCommand

from llms.catalogue import add_prices


class Command(BaseCommand):
    help = "Adds dated rows for prices that are new in the catalogue; changes none."

    def handle(self, *args: Any, **options: Any) -> None:
        added = add_prices()
        self.stdout.write(f"{added} price rows added." if added else "No new prices.")
