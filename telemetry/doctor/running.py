"""Does it run what it is asked to?"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.template.defaultfilters import pluralize

from core import clock
from core.jobs import failed_since
from telemetry.doctor.finding import Finding, broken, warning
from triggers.models import Schedule
from workflows.models import WorkflowExecution
from workflows.pump.presence import pump_figures
from workflows.pump.queue import queue_now

_LONG_GONE = 3  # leases: by then somebody should have taken it up
_OVERDUE = timedelta(minutes=5)
_LATELY = timedelta(days=1)


def pumps() -> Iterator[Finding]:
    """Whether somebody runs executions."""
    if not pump_figures()["claiming"]:
        waits = queue_now()["pending"]
        tell = broken if waits else warning
        command = "serve" if settings.CHATTER_PUMP == "server" else "work"
        yield tell(
            f"Nobody runs executions; {waits} wait{pluralize(waits, 's,')}.",
            f"Start manage.py {command}, and see its log.",
        )


def queue() -> Iterator[Finding]:
    """How long executions wait for their turn."""
    now = queue_now()
    waits = now["pending"]
    if now["oldest_s"] > settings.READY_QUEUE_S:
        yield warning(
            f"{waits} execution{pluralize(waits)} wait{pluralize(waits, 's,')}, the oldest for"
            f" {now['oldest_s']:.0f} s.",
            "Start more workers, or raise CHATTER_PUMP_CONCURRENCY; see docs/deployment.md.",
        )


def leases() -> Iterator[Finding]:
    """Executions whose owner died and that nobody has taken up."""
    long_ago = Now() - timedelta(seconds=_LONG_GONE * settings.CHATTER_LEASE_S)
    under_way = WorkflowExecution.objects.all().under_way()
    stuck = under_way.filter(status="running", lease_expires_at__lt=long_ago)
    if count := stuck.count():
        yield broken(
            f"{count} execution{pluralize(count)} lost {pluralize(count, 'its,their')} owner,"
            f" as {stuck.order_by('id')[0].id}.",
            "A pump takes them up within seconds: start manage.py serve or manage.py work.",
        )


def failed_jobs() -> Iterator[Finding]:
    """Jobs of the queue that failed in the last day."""
    if count := failed_since(clock.now() - _LATELY):
        yield warning(
            f"{count} job{pluralize(count)} failed in the last day.",
            "Look at them in the back office, under Failed tasks.",
        )


def overdue_schedules() -> Iterator[Finding]:
    """Schedules whose time has come and that nobody fired."""
    due = Schedule.objects.filter(next_at__lt=clock.now() - _OVERDUE, next_at__isnull=False)
    if count := due.count():
        yield warning(
            f"{count} schedule{pluralize(count, ' is,s are')} overdue.",
            "A pump fires them: start manage.py serve or manage.py work, and see its log.",
        )
