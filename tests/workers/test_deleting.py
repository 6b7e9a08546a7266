"""What is deleted while pumps write waits for them, and they for it, never both."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from analytics.models import TemplateAnalytics
from core import clock
from tests.workers.backlog import until_someone_waits, wait_in_line
from workflows.models import WorkflowExecution, WorkflowTemplate

USERS = "/admin/accounts/user/"


# The deletion has a connection of its own.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_who_deletes_a_user_changes_the_numbers_of_templates_in_the_order_of_the_writer(
    production_profile, built_in, alice
):
    """Whoever waits for the first holds none of the others, so nobody waits in a ring."""
    first, *others = WorkflowTemplate.objects.order_by("pk").values_list("pk", flat=True)[:3]
    for template in [first, *others]:  # the newest is deleted first
        over = {"status": "completed", "finished_at": clock.now()}
        wait_in_line([alice], template_id=template, **over)
    numbers = TemplateAnalytics.objects.filter(pk__in=[first, *others])
    numbers.update(execution_count=1, completed_count=1)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert numbers.select_for_update().get(pk=first)
            deletion = pool.submit(deleted, alice)
            until_someone_waits()
            free = numbers.select_for_update(skip_locked=True)
            assert len(free.filter(pk__in=others)) == 2
        deletion.result()
    assert not WorkflowExecution.objects.exists()
    assert set(numbers.values_list("execution_count", "completed_count")) == {(0, 0)}


# The back office has a connection of its own.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
@pytest.mark.parametrize("marked", [False, True], ids=["on their page", "in the list"])
def test_a_user_is_deleted_though_a_run_of_theirs_begins_meanwhile(
    production_profile, built_in, admin, alice, marked
):
    template = WorkflowTemplate.objects.order_by("pk").first()
    over = {"status": "completed", "finished_at": clock.now(), "template_id": template.pk}
    wait_in_line([alice], **over)
    numbers = TemplateAnalytics.objects.filter(pk=template.pk)
    numbers.update(execution_count=1, completed_count=1)
    office = Client()
    office.force_login(admin)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert numbers.select_for_update().get()
            answer = pool.submit(asked_to_delete, office, alice, marked)
            until_someone_waits()
            wait_in_line([alice])
        assert answer.result().status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not WorkflowExecution.objects.exists()
    told = office.get(USERS).content.decode()
    assert told.count("Successfully deleted" if marked else "was deleted successfully") == 1


def asked_to_delete(office, user, marked):
    chosen = {"action": "delete_selected", "_selected_action": [str(user.pk)]} if marked else {}
    try:
        return office.post(
            USERS if marked else f"{USERS}{user.pk}/delete/", {**chosen, "post": "yes"}
        )
    finally:
        connection.close()


def deleted(user):
    try:
        return user.delete()
    finally:
        connection.close()
