"""Replays of a release in which they counted as executions count no more after an upgrade."""

from importlib import import_module

from django.apps import apps
from django.db.models import F

from analytics.models import TemplateAnalytics
from core.aggregates import all_differences
from tests.drills.mortal import take_up
from workflows.built_in import TEMPLATES

migration = import_module("analytics.migrations.0009_replays_counted_no_more")


def test_a_replay_that_was_counted_is_an_execution_no_more(posted, again):
    template = f"/api/v1/templates/{TEMPLATES[0]['slug']}/"
    source = posted(f"{template}execute/", {"input": {"message": "hello"}})
    take_up()
    replay = again(source, "replay")
    kept = TemplateAnalytics.objects.filter(template=source.template_id)
    kept.update(
        execution_count=F("execution_count") + 1,
        completed_count=F("completed_count") + 1,
        duration_ms=F("duration_ms") + replay.duration_ms + 1,
    )
    assert list(all_differences())
    migration.count_anew(apps, None)
    assert list(all_differences()) == []
    assert kept.get().execution_count == 1
