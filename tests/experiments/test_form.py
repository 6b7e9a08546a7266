"""The form of an experiment makes and changes what the API does, and needs no script."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from audit.models import AuditEntry
from experiments.models import Experiment, ExperimentStatus
from tests.definitions.graphs import graph
from workflows.models import WorkflowTemplate

pytestmark = pytest.mark.django_db
NEW = "/experiments/new/"


def browser_of(user: User) -> Client:
    made = Client(enforce_csrf_checks=True)
    made.force_login(user)
    return made


@pytest.fixture
def browser(alice: User, built_in: None) -> Client:
    return browser_of(alice)


def shown(browser: Client, page: str) -> dict[str, Any]:
    """What a browser would send of the page as it is shown."""
    answer = browser.get(page)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.text)
    assert token
    form = answer.context["form"]
    parts = [form, form.variants.management_form, *form.variants.forms]
    fields = {one.html_name: one.value() for part in parts for one in part}
    chosen = [name for name, value in fields.items() if value is True]
    return {
        "csrfmiddlewaretoken": token[1],
        **{name: "" if value is None else value for name, value in fields.items() if value},
        "control": chosen[0] if chosen else "",
    }


def filled(**fields: Any) -> dict[str, Any]:
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    return {
        "name": "Shorter answers", "hypothesis": "Nobody misses the rest.", "primary": "cost",
        "target": f"template:{template.pk}", "margin_errors": "0.05",
        "variants-1-name": "brief", "variants-1-weight": "3",
        "variants-1-parameters": '{"system": "Be brief."}', **fields,
    }  # fmt: skip


def send(browser: Client, page: str, **fields: Any) -> Any:
    return browser.post(page, {**shown(browser, page), **fields})


def test_an_experiment_is_made_as_it_was_written(browser):
    answer = send(browser, NEW, **filled())
    assert answer.status_code == 302, answer.text
    made = Experiment.objects.get()
    assert answer.url == f"/experiments/{made.pk}/"
    assert (made.name, made.hypothesis) == ("Shorter answers", "Nobody misses the rest.")
    assert (made.template.slug, made.primary, made.better) == ("universal_chat", "cost", "lower")
    assert made.guards == [{"metric": "errors", "margin": "0.05"}]
    assert (made.unit, made.audience, made.traffic_percent) == ("conversation", "own", 100)
    assert (made.window_min, made.planned_units) == (1440, 1000)
    assert list(made.variants.values_list("name", "weight", "control", "parameters")) == [
        ("as it is", 1, True, {}),
        ("brief", 3, False, {"system": "Be brief."}),
    ]
    assert "Shorter answers" in browser.get("/experiments/").text


def test_a_form_sent_twice_makes_one(browser, admin):
    sent = {**shown(browser, NEW), **filled()}
    first, again = (browser.post(NEW, sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.url == again.url
    assert Experiment.objects.get().variants.count() == 2
    assert AuditEntry.objects.filter(action="experiments.experiment.created").count() == 1
    other = browser.post(NEW, {**sent, "name": "Gone back to, and changed"})
    assert other.url != first.url
    assert browser.post(NEW, {**sent, **shown(browser, NEW), **filled()}).url != first.url
    theirs = browser_of(admin)
    token = shown(theirs, NEW)["csrfmiddlewaretoken"]
    assert theirs.post(NEW, {**sent, "csrfmiddlewaretoken": token}).url != first.url
    assert Experiment.objects.count() == 4


def test_versions_of_a_workflow_and_an_event_are_compared(browser, api, alice):
    say = {"id": "say", "type": "prompt", "config": {"template": "one"}}
    made = api(alice).post("/api/v1/definitions/", {"name": "Report", "graph": graph(say)}).json()
    written = filled(
        target=f"definition:{made['id']}", primary="event", event="ordered", better="lower",
        events=" refund:lower\r\nat: noon \r\n\r\nshared: higher",
        **{"variants-1-number": "1", "variants-1-parameters": ""},
    )  # fmt: skip
    assert send(browser, NEW, **written).status_code == 302
    kept = Experiment.objects.get()
    assert (str(kept.definition_id), kept.primary) == (made["id"], "event:ordered")
    assert kept.better == "lower"
    assert kept.events == {"refund": "lower", "at: noon": "higher", "shared": "higher"}
    assert kept.variants.get(name="brief").number == 1


def test_another_template_answers_in_a_row_without_a_script(browser):
    other = WorkflowTemplate.objects.exclude(slug="universal_chat").order_by("name").first()
    row = {"variants-2-name": "other", "variants-2-template": f"template:{other.pk}"}
    assert send(browser, NEW, **filled(control="variants-2-control", **row)).status_code == 302
    variants = list(Experiment.objects.get().variants.values_list("name", "control", "template"))
    assert variants == [
        ("as it is", False, None),
        ("brief", False, None),
        ("other", True, other.pk),
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": ""}, "This field is required"),
        ({"target": "template:0190"}, "Select a valid choice"),
        ({"traffic_percent": "101"}, "less than or equal to 100"),
        ({"planned_units": "many"}, "Enter a whole number"),
        ({"margin_errors": "-1"}, "greater than or equal to 0"),
        ({"margin_errors": "5"}, "5 points are 0.05"),
        ({"primary": "event"}, "is no metric"),
        ({"primary": "event", "event": "x" * 61}, "at most 60 characters"),
        ({"events": "x" * 61}, "at most 60"),
        ({"primary": "event", "event": "x", "events": "x: lower"}, "say two things"),
        ({"unit": "user"}, "dealt out by conversation"),
        ({"users": "alice"}, "are named for the audience"),
        ({"audience": "everyone"}, "Only staff may"),
        ({"variants-1-weight": "0"}, "greater than or equal to 1"),
        ({"variants-1-parameters": "{"}, "no JSON, such as {"),
        ({"variants-1-parameters": "[1]"}, "no object of JSON, such as {"),
        ({"variants-1-name": "as it is"}, "different names"),
        ({"variants-1-number": "2"}, "is a version of the definition"),
        ({"variants-1-DELETE": "on"}, "2 to 8 variants"),
        ({"control": ""}, "is the control"),
        ({"variants-TOTAL_FORMS": ""}, "ManagementForm data is missing"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_stays(browser, fields, told):
    answer = send(browser, NEW, **filled(**fields))
    status = 403 if told == "Only staff may" else 400
    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert "Nobody misses the rest." in answer.text
    assert "Be brief." in answer.text or fields.keys() & {
        "variants-1-parameters", "variants-TOTAL_FORMS",
    }  # fmt: skip
    assert not Experiment.objects.exists()


def test_what_is_wrong_is_told_where_it_was_written(browser):
    wrong = {"traffic_percent": "0", "variants-2-name": "x", "variants-2-weight": "0"}
    form = send(browser, NEW, **filled(margin_errors="-1", **wrong)).context["form"]
    assert set(form.errors) == {"traffic_percent", "margin_errors"}
    assert [set(row.errors) for row in form.variants][:3] == [set(), set(), {"weight"}]


def test_staff_choose_users_and_groups_by_name(built_in, admin, alice, charlie):
    Group.objects.create(name="testers")
    people = {"users": "alice\r\n\r\n charlie ", "groups": "testers"}
    browser = browser_of(admin)
    assert send(browser, NEW, **filled(audience="chosen", **people)).status_code == 302
    made = Experiment.objects.get()
    assert set(made.users.all()) == {alice, charlie}
    assert [one.name for one in made.groups.all()] == ["testers"]
    edit = f"/experiments/{made.pk}/edit/"
    assert shown(browser, edit)["users"] == "alice\ncharlie"
    assert send(browser, edit, audience="own", users="", groups="").status_code == 302
    assert not made.users.exists()


def test_a_form_saved_as_it_is_shown_changes_nothing(browser, experiment):
    """Not even the rows of its variants, or the audit trail."""
    other = WorkflowTemplate.objects.exclude(slug="universal_chat").order_by("name").first()
    made = experiment(
        start=False, primary="event:ordered", better="lower", hypothesis="One.\nTwo.",
        guards=[{"metric": "rating", "margin": 0.1}, {"metric": "cost", "margin": 0}],
        events={"refund": "lower", "an: odd: lower": "higher"},
        variants=[
            {"name": "b", "template": str(other.pk), "weight": 2},
            {"name": "a", "control": True, "parameters": {"system": "Short.\nVery.", "x": True}},
        ],
    )  # fmt: skip
    edit = f"/experiments/{made['id']}/edit/"
    before = browser.get(f"/api/v1/experiments/{made['id']}/").json()
    typed = {"hypothesis": "One.\r\nTwo."}  # as browsers send lines
    assert send(browser, edit, **typed).url == f"/experiments/{made['id']}/"
    assert browser.get(f"/api/v1/experiments/{made['id']}/").json() == before
    assert not AuditEntry.objects.filter(action="experiments.experiment.changed").exists()


def test_a_draft_that_an_event_is_to_decide_is_better_as_its_form_says(browser, experiment):
    edit = f"/experiments/{experiment(start=False, primary='cost')['id']}/edit/"
    for sent, better in (({}, "higher"), ({"better": "lower"}, "lower"), ({"event": "b"}, "lower")):
        assert send(browser, edit, **{"primary": "event", "event": "a", **sent}).status_code == 302
        assert Experiment.objects.get().better == better


def test_a_draft_is_changed_and_only_what_changed_is_told_of(browser, experiment):
    made = experiment(start=False)
    page = f"/experiments/{made['id']}/"
    assert f'href="{page}edit/"' in browser.get(page).text
    changes = {"traffic_percent": "50", "variants-1-parameters": '{"system": "One word."}'}
    assert send(browser, f"{page}edit/", **changes).status_code == 302
    kept = Experiment.objects.get()
    assert (kept.traffic_percent, kept.primary) == (50, "tokens")
    assert kept.variants.get(name="brief").parameters == {"system": "One word."}
    entry = AuditEntry.objects.get(action="experiments.experiment.changed")
    assert entry.detail["changed"] == ["traffic_percent", "variants"]


def test_true_and_one_are_not_the_same_parameter(browser, experiment):
    two = [{"name": "a", "control": True}, {"name": "b", "parameters": {"x": True}}]
    made = experiment(start=False, variants=two)
    sent = {"variants-1-parameters": '{"x": 1}'}
    assert send(browser, f"/experiments/{made['id']}/edit/", **sent).status_code == 302
    assert Experiment.objects.get().variants.get(name="b").parameters["x"] is not True


def test_what_it_is_about_stays(browser, experiment, api, alice):
    made = experiment(start=False)
    other = WorkflowTemplate.objects.exclude(slug="universal_chat").first()
    sent = {"target": f"template:{other.pk}", "name": "Renamed"}
    assert send(browser, f"/experiments/{made['id']}/edit/", **sent).status_code == 302
    kept = Experiment.objects.get()
    assert (kept.name, kept.template.slug) == ("Renamed", "universal_chat")


def test_a_draft_whose_target_was_deleted_can_be_renamed(browser, experiment):
    made = experiment(start=False)
    Experiment.objects.update(template=None)
    assert send(browser, f"/experiments/{made['id']}/edit/", name="Later").status_code == 302
    assert Experiment.objects.get().name == "Later"


def test_one_that_has_begun_is_not_edited(browser, experiment):
    made = experiment(start=False)
    page = f"/experiments/{made['id']}/"
    late = {**shown(browser, f"{page}edit/"), "traffic_percent": "7"}
    Experiment.objects.update(status=ExperimentStatus.RUNNING)
    assert browser.get(f"{page}edit/").url == page
    assert "edit/" not in browser.get(page).text
    refused = browser.post(f"{page}edit/", late)
    assert (refused.status_code, "experiment_begun" in refused.text) == (409, True)
    assert 'value="7"' in refused.text
    assert Experiment.objects.get().traffic_percent == 100


def test_the_draft_of_another_is_not_there_for_staff_either(client, experiment, charlie, admin):
    made = experiment(start=False)
    edit = f"/experiments/{made['id']}/edit/"
    assert client.get(edit).url.startswith("/login/")
    for user in (charlie, admin):
        client.force_login(user)
        assert client.get(edit).status_code == 404
        assert client.post(edit, {"name": "Mine"}).status_code == 404
    assert Experiment.objects.get().name == "Short"


def test_the_page_says_who_takes_part_for_how_long_and_what_stops_a_variant(
    browser, alice, experiment
):
    alice.is_staff = True
    alice.save()
    made = experiment(
        start=False,
        unit="user",
        audience="chosen",
        users=["alice"],
        traffic_percent=40,
        window_min=2_880,
        guards=[{"metric": "errors", "margin": 0.05}, {"metric": "cost", "margin": 0.1}],
    )
    page = browser.get(f"/experiments/{made['id']}/")
    assert [text for text in page.context["rules"] if f"<li>{escape(text)}</li>" in page.text] == [
        "Turns of 1 user take part; 40 % of the users are dealt out.",
        "A user is watched for 2 days from its first answer by a variant on, then counted.",
        "A variant is stopped once its share of turns that fail is worse than the control's by "
        "more than 5 points.",
        "A variant is stopped once its cost of a turn is worse than the control's by more than "
        "10 per cent.",
    ]
