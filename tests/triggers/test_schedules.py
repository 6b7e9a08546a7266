"""Schedules start executions when it is time, and tell what came of each time."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEntry
from tests.definitions.graphs import graph
from tests.triggers.conftest import NOON, SCHEDULES, fire, firings
from triggers.models import Schedule, ScheduleFiring
from triggers.services import firing
from triggers.tasks import fire_triggers
from workflows.models import WorkflowDefinition, WorkflowExecution


def acts() -> list[str]:
    found = AuditEntry.objects.filter(action__startswith="triggers.")
    return list(found.order_by("id").values_list("action", flat=True))


def test_each_fire_time_starts_one_execution_for_the_owner(client, schedule, turned, alice, drain):
    made = schedule()
    assert made["next_at"] == "2026-06-01T12:01:00Z"
    for _ in range(3):
        turned.on(60)
        fire()
        fire()  # whoever comes second finds nothing to do
    drain()
    ran = list(WorkflowExecution.objects.order_by("id"))
    assert len(ran) == 3
    for one in ran:
        assert (one.user_id, one.cause, one.status) == (alice.id, "schedule", "completed")
        assert one.input == {"message": "hello"}
    assert firings(client, made) == [("+60", "started"), ("+120", "started"), ("+180", "started")]
    rows = client.get(f"{SCHEDULES}{made['id']}/firings/").json()["results"]
    causes = {row["cause"] for row in client.get("/api/v1/executions/").json()["results"]}
    assert causes == {"schedule"}
    assert [row["execution"] for row in reversed(rows)] == [str(one.id) for one in ran]
    told = client.get(f"{SCHEDULES}{made['id']}/").json()
    assert told["next_at"] == "2026-06-01T12:04:00Z"
    assert told["last"] == {"at": "2026-06-01T12:03:00Z", "status": "started", "code": ""}


def test_a_schedule_runs_a_template_with_parameters(client, schedule, turned, drain):
    schedule(template="universal_chat", parameters={"system": "Be brief."})
    turned.on(60)
    fire()
    drain()
    ran = WorkflowExecution.objects.get()
    assert (ran.status, ran.kind) == ("completed", "template")
    assert ran.parameters["system"] == "Be brief."


def test_a_job_queue_may_ring_too(client, schedule, turned):
    made = schedule()
    turned.on(60)
    fire_triggers()
    fire_triggers()
    assert firings(client, made) == [("+60", "started")]


def test_once_is_once(client, schedule, turned):
    made = schedule(kind="once", run_at=(NOON + timedelta(minutes=5)).isoformat())
    for _ in range(4):
        turned.on(120)
        fire()
    assert firings(client, made) == [("+300", "started")]
    assert client.get(f"{SCHEDULES}{made['id']}/").json()["next_at"] is None
    client.post(f"{SCHEDULES}{made['id']}/pause/")
    over = client.post(f"{SCHEDULES}{made['id']}/resume/")
    assert (over.status_code, over.json()["code"]) == (409, "schedule_over")


def test_nothing_is_due_before_it_starts_or_after_it_ends(client, schedule, turned):
    begin, end = NOON + timedelta(minutes=3), NOON + timedelta(minutes=5)
    made = schedule(
        kind="interval", every_s=60, starts_at=begin.isoformat(), ends_at=end.isoformat()
    )
    for _ in range(10):
        turned.on(60)
        fire()
    expected = [("+180", "started"), ("+240", "started"), ("+300", "started")]
    assert firings(client, made) == expected


@pytest.mark.parametrize(
    ("misfire", "expected"),
    [
        ("skip", ["missed"] * 4 + ["started"]),
        ("once", ["skipped"] * 4 + ["started"]),
        ("all", ["started"] * 5),
    ],
)
def test_times_at_which_nobody_was_there_are_told(client, schedule, turned, misfire, expected):
    made = schedule(misfire=misfire, grace_s=30)
    turned.on(5 * 60 + 10)
    fire()
    told = firings(client, made)
    assert sorted(at for at, _ in told) == ["+120", "+180", "+240", "+300", "+60"]
    assert sorted(status for _, status in told) == sorted(expected)
    assert WorkflowExecution.objects.count() == expected.count("started")
    turned.on(60)
    fire()
    assert firings(client, made)[-1] == ("+360", "started")


def test_a_long_silence_is_told_as_one_stretch(client, schedule, turned):
    made = schedule(misfire="skip", grace_s=30)
    turned.on(400 * 24 * 3600 + 10)
    fire()
    rows = ScheduleFiring.objects.filter(schedule=made["id"]).order_by("fire_at")
    assert rows.filter(status="started").count() == 1
    stretch = rows.get(until__isnull=False)
    assert stretch.status == "missed"
    assert stretch.until > turned.time - timedelta(minutes=2)
    assert rows.count() < 300
    turned.on(60)
    fire()
    assert WorkflowExecution.objects.count() == 2


def test_while_it_is_paused_nothing_is_due_and_nothing_missed(client, schedule, turned):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    assert client.post(address + "pause/").json()["next_at"] is None
    turned.on(600)
    fire()
    assert client.post(address + "resume/").json()["next_at"] == "2026-06-01T12:11:00Z"
    turned.on(60)
    fire()
    assert firings(client, made) == [("+660", "started")]
    acted = ["created", "paused", "resumed"]
    assert acts() == [f"triggers.schedule.{act}" for act in acted]


@pytest.mark.parametrize("change", ["resume", "edit"])
def test_what_has_been_is_not_due_again_where_a_clock_is_set_back(client, schedule, turned, change):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    turned.on(60)
    fire()
    turned.on(-30)
    if change == "resume":
        client.post(address + "pause/")
        assert client.post(address + "resume/").status_code == 200
    else:
        assert client.patch(address, {"time_zone": "Europe/Berlin"}).status_code == 200
    for _ in range(2):
        turned.on(60)
        fire()
    assert firings(client, made) == [("+60", "started"), ("+120", "started")]


def test_a_schedule_goes_on_after_times_that_were_missed_where_a_clock_is_set_back(
    client, schedule, turned
):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    turned.on(60)
    assert client.post(address + "pause/").json()["last"]["status"] == "missed"
    turned.on(-30)
    assert client.post(address + "resume/").json()["next_at"] == "2026-06-01T12:02:00Z"
    turned.on(90)
    fire()
    assert firings(client, made) == [("+60", "missed"), ("+120", "started")]


def test_run_by_hand_it_goes_on_where_a_clock_is_set_back(client, schedule, turned, drain):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    turned.on(60)
    fire()
    turned.on(-30)
    assert client.post(address + "run-now/").status_code == 202
    assert client.patch(address, {"time_zone": "Europe/Berlin"}).status_code == 200
    turned.on(90)
    fire()
    drain()
    assert firings(client, made) == [("+60", "started"), ("+30", "started"), ("+120", "started")]


def test_run_now_starts_beside_the_times_and_once_per_key(client, schedule, turned, drain, alice):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    client.post(address + "pause/")
    answers = []
    for _ in range(2):
        answers.append(client.post(address + "run-now/", headers={"Idempotency-Key": "k1"}))
        drain()
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    (told,) = client.get(address + "firings/").json()["results"]
    assert (told["manual"], told["status"]) == (True, "started")
    assert told["execution"] == answers[0].json()["execution"]["id"]
    assert acts()[-1] == "triggers.schedule.run"
    assert acts().count("triggers.schedule.run") == 1


def test_the_owners_limits_hold_and_a_refusal_is_told(client, schedule, turned, alice):
    made = schedule()
    User.objects.filter(pk=alice.pk).update(limits={"concurrent": 1})
    for _ in range(3):
        turned.on(60)
        fire()
    assert firings(client, made) == [("+60", "started"), ("+120", "refused"), ("+180", "refused")]
    told = client.get(f"{SCHEDULES}{made['id']}/firings/").json()["results"][0]
    assert told["code"] == "too_many_executions"
    assert told["execution"] is None
    assert acts()[-1] == "triggers.schedule.refused"
    assert client.get(f"{SCHEDULES}{made['id']}/").json()["last"]["code"] == told["code"]


def test_where_each_time_is_to_run_they_wait_for_room(client, schedule, turned, alice, drain):
    made = schedule(misfire="all", grace_s=30)
    User.objects.filter(pk=alice.pk).update(limits={"concurrent": 2})
    turned.on(5 * 60)
    started = []
    for _ in range(3):
        fire()
        started.append(len(firings(client, made)))
        drain()
        turned.on(31)
    assert started == [2, 4, 6]
    assert {status for _, status in firings(client, made)} == {"started"}


def test_an_archived_workflow_is_refused_each_time(client, schedule, turned):
    made = schedule()
    client.patch(f"/api/v1/definitions/{made['definition']}/", {"archived": True})
    turned.on(60)
    fire()
    assert client.get(f"{SCHEDULES}{made['id']}/").json()["last"]["code"] == "definition_archived"


def test_the_history_says_what_in_the_workflow_cannot_run_any_more(
    client, schedule, workflow, turned
):
    child = workflow(name="Child")
    node = {"id": "sub", "type": "subworkflow", "config": {"definition": child}}
    made = schedule(definition=workflow(node))
    assert client.delete(f"/api/v1/definitions/{child}/").status_code == 204
    turned.on(60)
    fire()
    [told] = client.get(f"{SCHEDULES}{made['id']}/firings/").json()["results"]
    assert (told["code"], told["message"]) == (
        "graph_refused",
        "The graph cannot run. nodes[1].config.definition: "
        f"There is no workflow '{child}', or it is not yours.",
    )


def test_a_schedule_runs_what_is_published_when_it_is_time(client, schedule, turned, drain):
    made = schedule()
    address = f"/api/v1/definitions/{made['definition']}/"
    node = {"id": "note", "type": "prompt", "config": {"template": "new"}}
    assert client.patch(address, {"graph": graph(node)}).status_code == 200
    assert client.post(address + "versions/2/publish/").status_code == 200
    turned.on(60)
    fire()
    version = WorkflowDefinition.objects.get(pk=made["definition"]).version_id
    assert WorkflowExecution.objects.get().version_id == version


@pytest.mark.parametrize(
    ("become", "code"),
    [
        (lambda made: User.objects.update(is_active=False), "owner_inactive"),
        (lambda made: WorkflowDefinition.objects.all().delete(), "target_gone"),
    ],
)
def test_without_an_owner_or_a_workflow_it_pauses_itself(
    api, admin, schedule, turned, become: Any, code: str
):
    made = schedule()
    become(made)
    User.objects.filter(pk=admin.pk).update(is_active=True)
    turned.on(60)
    fire()
    turned.on(600)
    fire()
    staff = api(admin)
    assert firings(staff, made) == [("+60", "refused")]
    told = staff.get(f"{SCHEDULES}{made['id']}/").json()
    assert (told["paused"], told["paused_because"], told["next_at"]) == (True, code, None)
    assert acts()[-2:] == ["triggers.schedule.refused", "triggers.schedule.paused"]
    assert not WorkflowExecution.objects.exists()


def test_who_changes_when_it_is_due_changes_what_is_next(client, schedule, turned):
    made = schedule()
    address = f"{SCHEDULES}{made['id']}/"
    times = {"kind": "cron", "cron": "30 9 * * mon-fri", "time_zone": "Europe/Berlin"}
    answer = client.patch(address, times, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.json()
    assert answer.json()["next_at"] == "2026-06-02T07:30:00Z"
    for again in (
        client.patch(address, {"name": "x"}, headers={"If-Match": '"1"'}),
        client.delete(address, headers={"If-Match": '"1"'}),
    ):
        assert (again.status_code, again.json()["code"]) == (412, "schedule_changed")
    assert Schedule.objects.get().name == "Minutely"


def test_an_input_that_only_python_takes_for_another_is_changed(client, schedule):
    made = schedule(input={"message": "hello", "loud": 1})
    answer = client.patch(
        f"{SCHEDULES}{made['id']}/", {"input": {"message": "hello", "loud": True}}
    )
    assert answer.json()["revision"] == 2
    assert Schedule.objects.get().input["loud"] is True


def test_what_is_changed_while_it_starts_is_what_runs(client, schedule, turned, monkeypatch):
    made = schedule()
    plan = firing.planned

    def planned_while_somebody_saves(*args: Any, **kwargs: Any) -> Any:
        found = plan(*args, **kwargs)
        body = {"input": {"message": "new"}}
        assert client.patch(f"{SCHEDULES}{made['id']}/", body).status_code == 200
        return found

    monkeypatch.setattr(firing, "planned", planned_while_somebody_saves)
    turned.on(60)
    fire()
    assert WorkflowExecution.objects.get().input == {"message": "new"}
    assert firings(client, made) == [("+60", "started")]


def test_a_deleted_schedule_is_never_due(client, schedule, turned):
    made = schedule()
    assert client.delete(f"{SCHEDULES}{made['id']}/").status_code == 204
    turned.on(60)
    fire()
    assert not WorkflowExecution.objects.exists()
    assert acts()[-1] == "triggers.schedule.deleted"
