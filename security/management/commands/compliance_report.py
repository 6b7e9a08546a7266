"""Look at the running installation, and say what was found."""

import json
import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from security.compliance.check import Status
from security.compliance.report import compliance_report


class Command(BaseCommand):
    help = "Check permissions, records, secrets, settings; exits 1 if any check fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--quick", action="store_true", help="only what the page looks at, too")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger("django.request").setLevel(logging.ERROR)  # each refusal is a warning
        report = compliance_report(by=None, via="command", thorough=not options["quick"])
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for one in report["checks"]:
                self.stdout.write(f"{one['status']:<12} {one['title']}: {one['said']}")
        if report["counts"].get(Status.FAIL.value):
            sys.exit(1)
