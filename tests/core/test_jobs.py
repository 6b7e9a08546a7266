"""What is to come round is in the queue's schedule, once, and django-q2's scheduler enqueues it."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

from core.jobs import repeat


@pytest.fixture
def queue(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> object:
    """The broker of the database, whatever the settings say. The scheduler reconnects."""
    monkeypatch.setattr(Conf, "REDIS", None)
    monkeypatch.setattr(Conf, "ORM", "default")
    return get_broker("chatter")


def test_a_prepared_installation_fires_triggers_once_a_minute(db: None) -> None:
    for _ in range(2):
        call_command("prepare")
    (row,) = Schedule.objects.filter(func="triggers.tasks.fire_triggers")
    assert (row.schedule_type, row.minutes, row.repeats) == (Schedule.MINUTES, 1, -1)


def test_the_scheduler_enqueues_what_is_due(queue: object) -> None:
    repeat("triggers.tasks.fire_triggers", 1)
    Schedule.objects.update(next_run=timezone.now() - timedelta(seconds=1))
    scheduler(broker=queue)
    ((_, message),) = queue.dequeue()  # type: ignore[attr-defined]
    assert SignedPackage.loads(message)["func"] == "triggers.tasks.fire_triggers"


def test_a_path_that_names_nothing_is_refused(db: None) -> None:
    with pytest.raises(ImportError):
        repeat("triggers.tasks.fire_everything", 1)
    assert not Schedule.objects.exists()
