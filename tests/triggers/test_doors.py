"""Who may do what to schedules and chains, and what is refused."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.triggers.conftest import CHAINS, NOON, SCHEDULES
from triggers.api import schedules
from triggers.models import Chain, Schedule
from workflows.models import WorkflowExecution

CRON = {"kind": "cron", "cron": "0 9 * * *"}
VERBS = [
    ("get", "", None),
    ("patch", "", {"name": "stolen"}),
    ("delete", "", None),
    ("post", "pause/", None),
    ("post", "resume/", None),
    ("post", "run-now/", None),
    ("get", "preview/", None),
    ("get", "firings/", None),
]


@pytest.fixture
def chain(client, workflow) -> dict[str, Any]:
    body = {"name": "Then", "after_definition": workflow(), "definition": workflow(name="Second")}
    answer = client.post(CHAINS, body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_a_chain_that_somebody_else_changed_meanwhile_is_not_deleted(client, chain):
    address = f"{CHAINS}{chain['id']}/"
    client.patch(address, {"name": "Kept"})
    late = client.delete(address, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "chain_changed")
    assert client.delete(address, headers={"If-Match": '"2"'}).status_code == 204


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_schedule_that_somebody_else_changed_meanwhile_stays_as_it_is(client, schedule, act):
    address = f"{SCHEDULES}{schedule(paused=act == 'resume')['id']}/"
    changed = client.patch(address, {"name": "Hourly", "every_s": 3600})
    late = client.post(f"{address}{act}/", headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "schedule_changed")
    assert client.get(address).json() == changed.json()
    done = client.post(f"{address}{act}/", headers={"If-Match": changed.headers["ETag"]})
    assert (done.status_code, done.json()["paused"]) == (200, act == "pause")


def test_a_schedule_that_is_deleted_meanwhile_does_not_run(client, schedule, at_that_moment):
    address = f"{SCHEDULES}{schedule()['id']}/"
    at_that_moment(schedules, "schedule_for", Schedule.objects.all().delete)
    answer = client.post(f"{address}run-now/")
    assert (answer.status_code, answer.json()["code"]) == (404, "schedule_not_found")
    assert not WorkflowExecution.objects.exists()


@pytest.mark.parametrize(("verb", "path", "body"), VERBS)
def test_a_strangers_schedule_is_not_there(api, charlie, client, schedule, verb, path, body):
    made = schedule()
    act = getattr(api(charlie), verb)
    foreign, unknown = (act(f"{SCHEDULES}{pk}/{path}", body) for pk in (made["id"], uuid.uuid4()))
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["code"] == unknown.json()["code"] == "schedule_not_found"
    assert client.get(f"{SCHEDULES}{made['id']}/").json() == made
    assert not WorkflowExecution.objects.exists()
    nobody = getattr(APIClient(), verb)(f"{SCHEDULES}{made['id']}/{path}", body)
    assert nobody.status_code == 401


@pytest.mark.parametrize(("verb", "path", "body"), [VERBS[0], VERBS[1], VERBS[2], VERBS[-1]])
def test_a_strangers_chain_is_not_there(api, charlie, client, chain, verb, path, body):
    answer = getattr(api(charlie), verb)(f"{CHAINS}{chain['id']}/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "chain_not_found")
    assert client.get(f"{CHAINS}{chain['id']}/").json() == chain


def test_nothing_of_alices_is_in_charlies_lists(api, charlie, schedule, chain):
    schedule()
    for address in (SCHEDULES, CHAINS):
        assert api(charlie).get(address).json()["results"] == []


def test_a_strangers_workflow_cannot_be_run(api, charlie, schedule, workflow, client, chain):
    mine = workflow()
    body = {"name": "x", "definition": mine, **CRON}
    assert api(charlie).post(SCHEDULES, body).json()["code"] == "definition_not_found"
    for body in (
        {"after_definition": mine, "template": "universal_chat"},
        {"after_template": "universal_chat", "definition": mine},
    ):
        answer = api(charlie).post(CHAINS, {"name": "x", **body})
        assert (answer.status_code, answer.json()["code"]) == (404, "definition_not_found")


@pytest.mark.parametrize(
    ("times", "path", "code"),
    [
        ({"kind": "cron", "cron": "every day"}, "cron", "bad_cron"),
        ({"kind": "cron", "cron": "0 0 31 2 *"}, "cron", "bad_cron"),
        ({**CRON, "time_zone": "Mars/Olympus"}, "time_zone", "unknown_zone"),
        ({**CRON, "time_zone": "localtime"}, "time_zone", "unknown_zone"),
        ({**CRON, "time_zone": "right/Europe/Berlin"}, "time_zone", "unknown_zone"),
        ({"kind": "interval", "every_s": 59}, "every_s", "bad_interval"),
        ({"kind": "interval", "every_s": 2**31 - 1}, "every_s", "bad_interval"),
        ({"kind": "once"}, "run_at", "required"),
        ({"kind": "once", "run_at": "2026-06-01T11:59:00Z"}, "kind", "never_due"),
        ({"kind": "once", "run_at": "9999-12-31T23:59:59Z"}, "run_at", "out_of_range"),
        ({**CRON, "ends_at": "2026-06-01T13:00:00Z"}, "kind", "never_due"),
        ({**CRON, "starts_at": "0001-01-01T00:00:00Z"}, "starts_at", "out_of_range"),
    ],
)
def test_times_that_make_no_sense_are_refused(client, turned, times, path, code):
    body = {"name": "x", "template": "universal_chat", **times}
    for address, sent in ((SCHEDULES, body), (SCHEDULES + "preview/", times)):
        answer = client.post(address, sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_schedule")
        (error,) = answer.json()["detail"]["errors"]
        assert (error["path"], error["code"]) == (path, code)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "one_target"),
        ({"template": "universal_chat", "definition": str(uuid.uuid4())}, "one_target"),
        ({"template": "nowhere"}, "template_not_found"),
        ({"template": "universal_chat", "parameters": {"model": "none"}}, "unknown_model"),
        ({"template": "universal_chat", "parameters": {"nonsense": 1}}, "invalid_parameters"),
        ({"template": "universal_chat", "run_at": "2026-06-01T13:00:00"}, "invalid"),
        ({"template": "universal_chat", "next_at": "2026-06-01T13:00:00Z"}, "invalid"),
    ],
)
def test_what_could_not_start_is_refused_when_it_is_saved(client, turned, body, code):
    answer = client.post(SCHEDULES, {"name": "x", **CRON, **body})
    assert answer.json()["code"] == code
    assert not Schedule.objects.exists()


def test_without_a_time_zone_it_is_utc(client, schedule, turned):
    made = schedule(kind="cron", cron="0 13 * * *", time_zone="")
    assert (made["time_zone"], made["next_at"]) == ("UTC", "2026-06-01T13:00:00Z")
    changed = client.patch(f"{SCHEDULES}{made['id']}/", {"time_zone": "", "cron": "0 14 * * *"})
    assert changed.json()["next_at"] == "2026-06-01T14:00:00Z"


def test_the_next_five_times_are_told_before_and_after_it_is_saved(client, schedule, turned):
    times = {"kind": "cron", "cron": "0 9 * * *", "time_zone": "Europe/Berlin"}
    told = client.post(SCHEDULES + "preview/", times).json()["times"]
    assert told == [f"2026-06-0{day}T07:00:00Z" for day in range(2, 7)]
    made = schedule(**times)
    assert client.get(f"{SCHEDULES}{made['id']}/preview/").json()["times"] == told
    assert made["next_at"] == told[0]
    once = {"kind": "once", "run_at": (NOON + timedelta(hours=1)).isoformat()}
    assert len(client.post(SCHEDULES + "preview/", once).json()["times"]) == 1


def test_times_are_answered_in_utc_however_they_were_written(client, schedule):
    said = {"starts_at": "2026-06-02T05:30:00+05:30", "ends_at": "2026-06-04T00:00:00+12:00"}
    made = schedule(**said)
    assert (made["starts_at"], made["ends_at"]) == ("2026-06-02T00:00:00Z", "2026-06-03T12:00:00Z")
    change = {"kind": "once", "run_at": "2026-06-02T23:00:00-02:00"}
    changed = client.patch(f"{SCHEDULES}{made['id']}/", change).json()
    assert changed["run_at"] == changed["next_at"] == "2026-06-03T01:00:00Z"
    assert changed == client.get(f"{SCHEDULES}{made['id']}/").json()


def test_a_user_has_so_many_and_no_more(client, schedule, settings, turned, chain):
    settings.CHATTER_TRIGGERS = {**settings.CHATTER_TRIGGERS, "per_user": 1}
    schedule(**CRON)
    for address, body in (
        (SCHEDULES, {"name": "x", "template": "universal_chat", **CRON}),
        (CHAINS, {"name": "x", "after_template": "universal_chat", "template": "code_assistant"}),
    ):
        answer = client.post(address, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "too_many_triggers")
    assert (Schedule.objects.count(), Chain.objects.count()) == (1, 1)


def test_a_list_costs_the_same_queries_for_many_rows_as_for_one(
    client, schedule, workflow, turned, django_assert_max_num_queries
):
    for _ in range(6):
        schedule(definition=workflow())
    with django_assert_max_num_queries(4):
        assert len(client.get(SCHEDULES).json()["results"]) == 6
