"""Finds what is wrong with an installation, and says how to mend it.

A check is a function that yields findings; its name is what reports call it, its docstring what it
looks at. It changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telemetry.doctor import ledgers, running, secrets, services, settings, storage
from telemetry.doctor.finding import BROKEN, WARNING, Check, Finding, broken

OK, NOT_CHECKED = "ok", "not checked"

# Of the settings, and of the machine.
ALONE: list[Check] = [
    settings.system_checks,
    settings.packages,
    settings.secret_key,
    settings.debug_mode,
    settings.https,
    settings.allowed_hosts,
    settings.egress,
    settings.metrics_access,
    storage.disk_space,
    storage.static_files,
    services.redis,
    services.trace_collector,
    services.mail_server,
]
# These need a database that answers, and its tables.
OF_DATABASE: list[Check] = [
    storage.indexes,
    storage.sqlite_settings,
    storage.postgresql_settings,
    storage.clock_skew,
    running.pumps,
    running.queue,
    running.leases,
    running.failed_jobs,
    running.overdue_schedules,
    secrets.stored_secrets,
    services.providers,
    services.default_model,
    secrets.administrators,
    ledgers.audit_guards,
    ledgers.audit_sealing,
    ledgers.audit_checkpoints,
    ledgers.audit_tail,
    ledgers.totals_of_late,
]


@dataclass(frozen=True, slots=True)
class Report:
    """What one check came to."""

    check: str
    about: str
    status: str
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        told = [{"level": f.level, "message": f.message, "remedy": f.remedy} for f in self.findings]
        return {"check": self.check, "about": self.about, "status": self.status, "findings": told}


def examine() -> Iterator[Report]:
    """Make every check. What hangs on the database is left out where that is no use."""
    for check in ALONE:
        yield _made(check)
    usable = True
    for check in (storage.database, storage.schema):
        report = _made(check) if usable else _left_out(check)
        usable = usable and report.status == OK
        yield report
    for check in OF_DATABASE:
        yield _made(check) if usable else _left_out(check)


def _made(check: Check) -> Report:
    try:
        findings = tuple(check())
    except Exception as error:
        message = f"The check itself failed: {type(error).__name__}: {error}"
        findings = (broken(message, "Mend what it names, and ask again."),)
    levels = {finding.level for finding in findings}
    status = next((level for level in (BROKEN, WARNING) if level in levels), OK)
    return Report(check.__name__, _about(check), status, findings)


def _left_out(check: Check) -> Report:
    return Report(check.__name__, _about(check), NOT_CHECKED)


def _about(check: Check) -> str:
    return (check.__doc__ or "").splitlines()[0]
