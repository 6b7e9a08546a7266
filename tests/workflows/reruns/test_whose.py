"""What is made anew is made for the one whose run it is, and asked for by nobody else."""

import re

import pytest
from django.test import Client

from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import take_up
from workflows.models import WorkflowExecution


@pytest.mark.parametrize("how", ["retry", "fork"])
def test_staff_may_not_run_the_workflow_of_another_with_what_is_theirs(
    ran, wire, api, admin, asked, how
):
    wire.script("fault=400", next=1)
    source = ran(graph(asks(model=GPT)))
    body = {"node": "model"} if how == "fork" else {}
    told = api(admin).post(f"/api/v1/executions/{source.pk}/{how}/", body)
    assert (told.status_code, told.json()["code"]) == (403, "not_your_execution")
    assert not WorkflowExecution.objects.filter(user=admin).exists()
    assert len(asked()) == 1


def test_staff_may_not_have_a_turn_of_another_answered_again(posted, api, admin, built_in):
    turn = posted("/api/v1/chat/", {"message": "hello"})
    take_up()
    told = api(admin).post(f"/api/v1/executions/{turn.pk}/retry/", {})
    assert (told.status_code, told.json()["code"]) == (403, "not_your_execution")
    assert WorkflowExecution.objects.count() == 1


def test_a_replay_by_staff_is_of_the_one_whose_run_it_is(ran, wire, api, admin, alice, asked):
    source = ran(graph(asks(model=GPT)))
    body, key = {"mode": "background"}, {"HTTP_IDEMPOTENCY_KEY": "once"}
    address = f"/api/v1/executions/{source.pk}/replay/"
    told = [api(admin).post(address, body, **key).json()["execution"]["id"] for _ in range(2)]
    assert told[0] == told[1]
    take_up()
    replay = WorkflowExecution.objects.get(rerun="replay")
    assert (replay.user, replay.status, replay.output) == (alice, "completed", source.output)
    entries = AuditEntry.objects.filter(action="workflows.execution.started").order_by("id")
    assert [entry.actor_id for entry in entries] == [alice.pk, admin.pk]
    assert len(asked()) == 1


def test_a_replay_from_the_back_office_names_the_one_who_asked_for_it(posted, admin, alice):
    source = posted("/api/v1/chat/", {"message": "hello"})
    take_up()
    office = Client()
    office.force_login(admin)
    chosen = {"action": "replay", "_selected_action": [str(source.pk)]}
    told = office.post("/admin/workflows/workflowexecution/", chosen, follow=True)
    assert "Started 1 executions." in told.text
    take_up()
    replay = WorkflowExecution.objects.get(rerun="replay")
    assert (replay.user, replay.status) == (alice, "completed")
    entries = AuditEntry.objects.filter(action="workflows.execution.started").order_by("id")
    assert [entry.actor_id for entry in entries] == [alice.pk, admin.pk]


def test_a_retry_from_the_back_office_names_the_one_who_asked_for_it(
    posted, admin, alice, built_in
):
    """It is made and paid for as the user's own, so the trail is to say that it was not."""
    turn = posted("/api/v1/chat/", {"message": "hello"})
    take_up()
    office = Client()
    office.force_login(admin)
    chosen = {"action": "retry", "_selected_action": [str(turn.pk)]}
    told = office.post("/admin/workflows/workflowexecution/", chosen, follow=True)
    assert "Started 1 executions." in told.text
    take_up()
    again = WorkflowExecution.objects.get(retry_of=turn)
    assert (again.user, again.status) == (alice, "completed")
    entry = AuditEntry.objects.get(action="workflows.execution.retried")
    assert (entry.actor_id, entry.target) == (admin.pk, f"workflows.workflowexecution:{turn.pk}")


@pytest.mark.parametrize("act", ["retry", "replay"])
def test_what_is_selected_on_a_page_of_the_back_office_runs_again_once(
    act, posted, admin, built_in
):
    turn = posted("/api/v1/chat/", {"message": "hello"})
    take_up()
    address = "/admin/workflows/workflowexecution/"
    office = Client(enforce_csrf_checks=True)
    office.force_login(admin)
    for ran in (1, 2):
        tokens = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', office.get(address).text)
        sent = {"action": act, "_selected_action": [str(turn.pk)], "csrfmiddlewaretoken": tokens[0]}
        assert [office.post(address, sent).status_code for _ in range(2)] == [302, 302]
        take_up()
        assert WorkflowExecution.objects.count() == 1 + ran
    told = AuditEntry.objects.filter(action="workflows.execution.retried")
    assert told.count() == (2 if act == "retry" else 0)
