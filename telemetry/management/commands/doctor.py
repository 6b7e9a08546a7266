"""Say what is wrong with this installation, and how to mend it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import pluralize

from telemetry.doctor import NOT_CHECKED, OK, Report, examine
from telemetry.doctor.finding import BROKEN, WARNING

_MARKS = {OK: "ok     ", WARNING: "warning", BROKEN: "BROKEN ", NOT_CHECKED: "not checked"}


class Command(BaseCommand):
    help = "Look for what is wrong and say how to mend it; exits 1 when something is broken."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the reports as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        reports = list(examine())
        if options["json"]:
            self.stdout.write(json.dumps([report.to_json() for report in reports], indent=2))
        else:
            self._tell(reports)
        if any(report.status == BROKEN for report in reports):
            sys.exit(1)

    def _tell(self, reports: list[Report]) -> None:
        for report in reports:
            self.stdout.write(f"{_MARKS[report.status]}  {report.check}: {report.about}")
            for finding in report.findings:
                self.stdout.write(f"         {finding.message}\n         → {finding.remedy}")
        found = [report.status for report in reports]
        warned = found.count(WARNING)
        self.stdout.write(
            f"{found.count(OK)} ok, {warned} warning{pluralize(warned)}, "
            f"{found.count(BROKEN)} broken, {found.count(NOT_CHECKED)} not checked."
        )
