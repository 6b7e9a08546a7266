"""The pages of schedules do what the API does, and need no script; so does the back office."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from audit.models import AuditEntry
from core.pagination import NewestFirst
from tests.triggers.conftest import fire
from triggers.models import Schedule
from workflows.models import WorkflowExecution, WorkflowTemplate

PAGE = "/schedules/"


@pytest.fixture
def browser(alice: User, built_in: None) -> Client:
    made = Client(enforce_csrf_checks=True)
    made.force_login(alice)
    return made


def send(browser: Client, page: str, to: str = "", **fields: Any) -> Any:
    shown = browser.get(page).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)
    assert token
    return browser.post(to or page, {"csrfmiddlewaretoken": token[1], **fields})


def filled(**fields: Any) -> dict[str, Any]:
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    return {
        "name": "Morning", "target": f"template:{template.pk}", "message": "What is new?",
        "kind": "cron", "cron": "0 9 * * *", "unit": "minutes", "time_zone": "Europe/Berlin",
        "misfire": "skip", "grace_s": "60", **fields,
    }  # fmt: skip


def test_a_schedule_is_made_changed_and_deleted_on_its_page(browser, turned):
    answer = send(browser, PAGE + "new/", **filled(more='{"tone": "dry"}'))
    assert answer.status_code == 302, answer.content.decode()
    made = Schedule.objects.get()
    assert made.input == {"tone": "dry", "message": "What is new?"}
    page = browser.get(answer.url).content.decode()
    assert page.count("07:00 UTC</time>") == 5
    changed = filled(kind="interval", every="2", unit="hours", revision="1")
    assert send(browser, answer.url, **changed).status_code == 302
    made.refresh_from_db()
    assert (made.kind, made.every_s, made.revision) == ("interval", 7200, 2)
    late = send(browser, answer.url, **filled(name="Late", revision="1"))
    assert late.status_code == 412
    assert "schedule_changed" in late.content.decode()
    assert send(browser, answer.url, act="delete").url == PAGE
    assert not Schedule.objects.exists()


def test_the_form_of_a_new_schedule_that_is_sent_twice_makes_one(browser, turned, settings):
    settings.CHATTER_TRIGGERS = {**settings.CHATTER_TRIGGERS, "per_user": 2}
    for made in (1, 2):
        slipped = send(browser, PAGE + "new/", **filled(name=""), key=f"page-{made}")
        shown = slipped.content.decode()
        form = dict(re.findall(r'name="(csrfmiddlewaretoken|key)" value="([\w-]+)"', shown))
        assert form["key"] == f"page-{made}"
        answers = [browser.post(PAGE + "new/", {**form, **filled()}) for _ in range(2)]
        assert answers[0].url == answers[1].url
        assert Schedule.objects.count() == made
    assert AuditEntry.objects.filter(action="triggers.schedule.created").count() == 2


def test_saving_a_form_as_it_is_shown_changes_nothing(browser, schedule, turned):
    made = schedule(kind="once", run_at="2026-10-25T00:30:05Z", time_zone="Europe/Berlin")
    page = browser.get(f"{PAGE}{made['id']}/")
    form = page.context["form"]
    shown = {field.name: field.value() or "" for field in form}
    assert shown["run_at"] == "2026-10-25T02:30:05"
    assert send(browser, f"{PAGE}{made['id']}/", **shown, revision="1").status_code == 302
    assert Schedule.objects.get().revision == 1


def test_a_time_that_says_how_far_from_utc_it_is_is_that_time(browser, turned):
    fields = filled(kind="once", run_at="2026-07-01T12:00:00+05:00", starts_at="")
    assert send(browser, PAGE + "new/", **fields).status_code == 302
    assert Schedule.objects.get().run_at.isoformat() == "2026-07-01T07:00:00+00:00"


SAVED = [
    {"input": {"message": {"text": "hello"}}},
    {"input": {"message": None, "tone": "dry"}},
    {"input": {"message": ""}},
    {"input": {"message": "one\n two\n"}},
    {"starts_at": "2026-06-01T12:00:00.25Z"},
    {"kind": "once", "run_at": "2026-10-25T01:30:00Z", "time_zone": "Europe/Berlin"},
    {"time_zone": ""},
]


@pytest.mark.parametrize("body", SAVED)
def test_what_a_form_cannot_show_stays_as_it_is_when_the_form_is_saved(
    client, browser, schedule, turned, body
):
    made = schedule(**body)
    page = f"{PAGE}{made['id']}/"
    form = browser.get(page).context["form"]
    shown = {field.name: str(field.value() or "").replace("\n", "\r\n") for field in form}
    sent = {**shown, "name": "Renamed", "revision": "1"}
    assert send(browser, page, **sent).status_code == 302
    now = client.get(f"/api/v1/schedules/{made['id']}/").json()
    assert {name for name in made if made[name] != now[name]} == {"name", "revision", "updated_at"}


@pytest.mark.parametrize(("revision", "status"), [("2", 412), ("9" * 5000, 400), ("x", 400)])
def test_a_form_of_another_revision_is_told_so(browser, schedule, turned, revision, status):
    made = schedule()
    answer = send(browser, f"{PAGE}{made['id']}/", **filled(name="Late"), revision=revision)
    assert answer.status_code == status
    assert "Late" in answer.content.decode(), "what was written stays"
    assert Schedule.objects.get().revision == 1


def test_a_form_that_comes_back_does_not_undo_what_somebody_saved_meanwhile(
    browser, schedule, turned
):
    page = f"{PAGE}{schedule()['id']}/"
    saved = filled(cron="30 2 * * *", revision="1")
    assert send(browser, page, **saved).status_code == 302
    mine = filled(name="Mine", revision="1")
    for slip, status in ({"grace_s": ""}, 400), ({}, 412), ({}, 412):
        answer = send(browser, page, **{**mine, **slip})
        assert answer.status_code == status
        shown = answer.content.decode()
        revision = re.search(r'name="revision" value="(\d+)"', shown)
        assert revision
        mine["revision"] = revision[1]
    assert f'<a href="{page}">Open the current version</a>' in shown
    assert Schedule.objects.get().cron == "30 2 * * *"
    assert 'name="revision" value="2"' in browser.get(page).content.decode()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"cron": "every day"}, "five fields"),
        ({"time_zone": "Mars/Olympus"}, "not the name of a time zone"),
        ({"kind": "once", "run_at": "soon"}, "This is no time."),
        ({"more": "[1]"}, "no object of JSON, such as {"),
        ({"more": "{"}, "no JSON, such as {"),
        ({"target": "definition:0190"}, "Select a valid choice"),
        ({"parameters": '{"nonsense": 1}'}, "There is no such parameter"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_stays(browser, turned, fields, told):
    answer = send(browser, PAGE + "new/", **filled(**fields))
    page = answer.content.decode()
    assert (answer.status_code, told in page) == (400, True)
    assert "What is new?" in page
    assert not Schedule.objects.exists()


def test_a_wrong_zone_and_a_wrong_expression_are_told_together(browser, turned):
    both = filled(cron="every day", time_zone="Mars/Olympus")
    page = send(browser, PAGE + "new/", **both).content.decode()
    problem = send(browser, PAGE + "new/", PAGE + "times/", **both).json()["problem"]
    for told in ("five fields", "not the name of a time zone"):
        assert told in page
        assert told in problem


def test_the_zones_that_are_offered_are_the_same_on_every_host(browser):
    offered = browser.get(PAGE + "new/").context["form"].zones
    assert {"Europe/Berlin", "UTC"} < set(offered)
    assert "localtime" not in offered, "it is the server's, not of whoever chooses it"


def test_the_list_pauses_resumes_and_runs(browser, schedule, turned):
    made = schedule()
    assert send(browser, PAGE, schedule=made["id"], act="pause").status_code == 302
    assert "paused" in browser.get(PAGE).content.decode()
    assert send(browser, PAGE, schedule=made["id"], act="run").status_code == 302
    assert WorkflowExecution.objects.count() == 1
    assert send(browser, PAGE, schedule=made["id"], act="resume").status_code == 302
    assert Schedule.objects.get().next_at is not None
    assert send(browser, PAGE, schedule=made["id"], act="nonsense").status_code == 400
    history = browser.get(f"{PAGE}{made['id']}/").content.decode()
    assert "by hand" in history


def test_a_form_that_is_sent_twice_runs_a_schedule_once(browser, schedule, turned):
    made = [schedule(name=name) for name in ("One", "Two")]
    ran = 0
    for page in (PAGE, f"{PAGE}{made[0]['id']}/"):
        turned.on(1)
        shown = browser.get(page).content.decode()
        form = dict(re.findall(r'name="(csrfmiddlewaretoken|key)" value="([\w-]+)"', shown))
        for one in made if page == PAGE else made[:1]:
            sent = {**form, "schedule": one["id"], "act": "run"}
            told = [browser.post(page, sent).status_code for _ in range(2)]
            ran += 1
            assert (told, WorkflowExecution.objects.count()) == ([302, 302], ran)
    wrong = send(browser, PAGE, schedule=made[0]["id"], act="run", key="x" * 300)
    assert wrong.status_code == 400
    assert "bad_idempotency_key" in wrong.content.decode()


def test_the_back_office_runs_what_was_selected_on_a_page_once(schedule, turned, admin):
    made, address = schedule(), "/admin/triggers/schedule/"
    office = Client(enforce_csrf_checks=True)
    office.force_login(admin)
    for ran in (1, 2):
        shown = office.get(address).content.decode()
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', shown))
        sent = {"action": "run", "_selected_action": made["id"], "csrfmiddlewaretoken": token}
        assert [office.post(address, sent).status_code for _ in range(2)] == [302, 302]
        assert WorkflowExecution.objects.count() == ran
        turned.on(1)


def test_the_times_of_an_unsaved_form_are_told(browser, turned):
    told = send(browser, PAGE + "new/", PAGE + "times/", **filled())
    assert told.json()["times"][0] == "2026-06-02T07:00:00+00:00"
    wrong = send(browser, PAGE + "new/", PAGE + "times/", **filled(cron="x"))
    assert wrong.json()["times"] == []
    assert "five fields" in wrong.json()["problem"]
    half = send(browser, PAGE + "new/", PAGE + "times/", kind="once", run_at="x", time_zone="UTC")
    assert half.json() == {"times": [], "problem": ""}


def test_all_schedules_and_all_of_a_history_can_be_reached(browser, schedule, turned, monkeypatch):
    monkeypatch.setattr(NewestFirst, "page_size", 1)
    first = schedule(name="First", misfire="all")
    schedule(name="Second")
    turned.on(125)
    fire()
    for page, older, newer in (
        (PAGE, "First", "Second"),
        (f"{PAGE}{first['id']}/", "12:01:00 UTC", "12:02:00 UTC"),
    ):
        shown = browser.get(page)
        assert newer in shown.content.decode()
        assert older not in shown.content.decode()
        assert older in browser.get(shown.context["next"]).content.decode()
        assert browser.get(page, {"cursor": "nonsense"}).status_code == 404


def test_a_stranger_finds_no_page(charlie, schedule):
    made = schedule()
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.get(f"{PAGE}{made['id']}/").status_code == 404
    for fields in ({"act": "delete"}, {"act": "run"}, filled()):
        assert stranger.post(f"{PAGE}{made['id']}/", fields).status_code == 404
    foreign = {"schedule": made["id"], "act": "run"}
    assert stranger.post(PAGE, foreign).status_code == 404
    assert "Minutely" not in stranger.get(PAGE).content.decode()
    assert not WorkflowExecution.objects.exists()
    assert Client().get(PAGE).url.startswith("/login/")


def test_the_back_office_pauses_resumes_and_runs_for_the_owner(schedule, turned, admin, alice):
    made = schedule()
    office, address = Client(), "/admin/triggers/schedule/"
    office.force_login(admin)
    for act in ("pause", "run", "resume"):
        sent = {"action": act, "_selected_action": [made["id"]]}
        assert office.post(address, sent, follow=True).status_code == 200
    assert WorkflowExecution.objects.get().user_id == alice.id
    done = AuditEntry.objects.filter(actor_id=admin.id, action__startswith="triggers.")
    assert [one.action.rpartition(".")[2] for one in done.order_by("id")] == [
        "paused", "run", "resumed",
    ]  # fmt: skip
    turned.on(60)
    fire()
    for name in ("schedule", "schedulefiring", "chain", "chainfiring"):
        assert office.get(f"/admin/triggers/{name}/").status_code == 200
    assert office.get(f"{address}{made['id']}/change/").status_code == 200
    assert office.post(f"{address}{made['id']}/change/", {"name": "x"}).status_code == 403
