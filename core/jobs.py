"""The queue: what is put into it runs later, at least once, in a worker of django-q2.

A task is named by its dotted path and given ids. It may run twice, late, or never (a broker in
memory that is restarted), so what must happen stands in the tables before it is enqueued.
"""

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.module_loading import import_string
from django_q.brokers import get_broker
from django_q.models import Failure, Schedule
from django_q.tasks import async_task

from core.retention import Retention, old_rows

# Those that went well django-q2 forgets by itself.
FAILED = Retention(
    "failed_jobs",
    old_rows(lambda before: Failure.objects.filter(stopped__lt=before)),
    days="jobs",
)


def failed_since(at: datetime) -> int:
    """How many jobs failed since then."""
    count: int = Failure.objects.filter(stopped__gte=at).count()
    return count


def enqueue(task: str, *ids: object) -> None:
    """Have it run after the commit. Raises ImportError for a path that names nothing."""
    import_string(task)
    transaction.on_commit(partial(async_task, task, *ids))


def repeat(task: str, minutes: int) -> None:
    """Have django-q2's scheduler enqueue it every so many minutes; to say so again changes nothing.

    Raises ImportError for a path that names nothing.
    """
    import_string(task)
    often = {"func": task, "schedule_type": Schedule.MINUTES, "minutes": minutes}
    Schedule.objects.update_or_create(name=task, defaults=often)


def enqueue_once(task: str, queue: str) -> None:
    """Put it into a queue of its own, unless it lies there already and nobody has taken it.

    For tasks that only wake someone. Raises what the broker raises.
    """
    if get_broker(queue).queue_size() == 0:
        async_task(task, cluster=queue)
