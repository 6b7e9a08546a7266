"""The report: every check, as it came out now."""

from collections import Counter
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.record import record
from core import clock
from security.compliance import keeping, people, rights, routes, settings
from security.compliance.check import Check

CHECKS = (
    Check("routes", "Every address asks who is there", routes.look),
    Check("rights", "Users get no further than they may", rights.look),
    Check("tool_access", "Tools are called by those who may", people.tool_access),
    Check("runs_recorded", "Every run is in the audit trail", people.runs_are_recorded),
    Check("data_of_others", "Replies stay with whom they were for", people.data_of_others),
    Check("audit_trail", "The audit trail is whole", keeping.audit_trail),
    Check("kept_numbers", "Totals equal their rows", people.kept_numbers),
    Check("retention", "Nothing is kept longer than set", keeping.retention),
    Check("secrets", "Secrets are encrypted", keeping.secrets_at_rest),
    Check("transport", "Connections are encrypted", settings.transport),
    Check("deployment", "Settings are fit for production", settings.deployment),
    Check("dependencies", "Libraries have no known faults", settings.dependencies),
    Check("backups", "There are backups", settings.backups),
)


def compliance_report(*, by: User | None, via: str, thorough: bool = False) -> dict[str, Any]:
    """Look at everything now; that somebody did, and what came out, is in the audit trail.

    `thorough` walks the whole audit trail, recounts all totals and looks libraries up, which takes
    as long as there is data.
    """
    made = [check.made(thorough=thorough) for check in CHECKS]
    statuses = {one["key"]: one["status"] for one in made}
    with transaction.atomic():
        detail = {"via": via, "thorough": thorough, "checks": statuses}
        record("security.compliance.reported", actor=by, detail=detail)
    return {
        "made_at": clock.now().isoformat(),
        "thorough": thorough,
        "counts": dict(Counter(statuses.values())),
        "checks": made,
    }
