"""Look at the running installation, and say what was found."""

import json
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.files import new_file
from core.schema import refuse_stale_schema
from security.compliance.check import Status
from security.compliance.report import compliance_report
from security.compliance.showing import as_file


class Command(BaseCommand):
    help = "Check permissions, records, secrets, settings; exits 1 if any check fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument(
            "--html", type=Path, metavar="FILE", help="also write it there, with all evidence"
        )
        parser.add_argument("--quick", action="store_true", help="only what the page looks at, too")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_stale_schema()  # each check that breaks on it would say so at length
        logging.getLogger("django.request").setLevel(logging.ERROR)  # each refusal is a warning
        with new_file(options["html"]) if options["html"] else nullcontext() as file:
            report = compliance_report(by=None, via="command", thorough=not options["quick"])
            if file is not None:
                file.write(as_file(report))
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2))
        else:
            for one in report["checks"]:
                self.stdout.write(f"{one['status']:<12} {one['title']}: {one['said']}")
        if report["counts"].get(Status.FAIL.value):
            sys.exit(1)
