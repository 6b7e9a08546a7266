"""Whether replies helped: said by whoever asked, added up where the reply came from."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from rest_framework.test import APIClient

from accounts.models import User
from analytics.models import ReplyRating, TemplateAnalytics
from analytics.rollups.facts import KINDS
from analytics.rollups.recount import rebuild
from conversations.models import Conversation, Message
from core import clock
from core.aggregates import all_differences
from core.models import new_id
from tests.definitions.graphs import asks, graph
from workflows.models import WorkflowExecution, WorkflowTemplate

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]


@pytest.fixture
def ask(api: Door, built_in: None, drain: Callable[[], None]) -> Callable[..., str]:
    """Ask something; gives the address of the reply."""

    def asked(user: User, text: str = "Hello", **what: str) -> str:
        body = {"message": text, "mode": "background", **what}
        begun = api(user).post("/api/v1/chat/", body).json()
        drain()
        talk = f"/api/v1/conversations/{begun['conversation']['id']}/"
        messages = api(user).get(f"{talk}messages/").json()["results"]
        return f"{talk}messages/{messages[-1]['id']}/"

    return asked


def satisfaction(api: Door, user: User) -> tuple[int, int, float | None]:
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    told = api(user).get(f"/api/v1/templates/{template.pk}/analytics/").json()
    assert list(all_differences()) == []
    return told["helpful_replies"], told["unhelpful_replies"], told["satisfaction"]


def test_a_reply_is_rated_once_and_one_may_think_again(api, ask, alice, charlie):
    assert satisfaction(api, alice) == (0, 0, None)
    good, bad = ask(alice), ask(charlie)
    first = api(alice).put(f"{good}rating/", {"helpful": True})
    assert (first.status_code, first.json()["comment"]) == (201, "")
    assert satisfaction(api, alice) == (1, 0, 1.0)
    assert (
        api(charlie).put(f"{bad}rating/", {"helpful": False, "comment": "No."}).status_code == 201
    )
    assert satisfaction(api, alice) == (1, 1, 0.5)
    again = api(alice).put(f"{good}rating/", {"helpful": False, "comment": "Wrong after all."})
    assert (again.status_code, again.json()["helpful"]) == (200, False)
    assert satisfaction(api, alice) == (0, 2, 0.0)
    assert api(alice).get(f"{good}rating/").json() == again.json()
    assert api(alice).delete(f"{good}rating/").status_code == 204
    assert api(alice).delete(f"{good}rating/").json()["code"] == "rating_not_found"
    assert satisfaction(api, alice) == (0, 1, 0.0)


def test_ones_ratings_in_a_conversation_are_listed(api, ask, alice):
    reply = ask(alice)
    talk = reply.partition("messages/")[0]
    assert api(alice).get(f"{talk}ratings/").json()["results"] == []
    rating = api(alice).put(f"{reply}rating/", {"helpful": True, "comment": "Short."}).json()
    assert api(alice).get(f"{talk}ratings/").json()["results"] == [rating]


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_strangers_reply_is_not_there(api, ask, alice, charlie, method):
    reply = ask(alice)
    api(alice).put(f"{reply}rating/", {"helpful": True})
    answer = getattr(api(charlie), method)(f"{reply}rating/", {"helpful": False})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    talk = reply.partition("messages/")[0]
    assert api(charlie).get(f"{talk}ratings/").status_code == 404
    assert ReplyRating.objects.get().helpful


def test_what_oneself_said_is_no_reply(api, ask, alice):
    reply = ask(alice)
    question = Message.objects.get(role="user")
    talk = reply.partition("messages/")[0]
    answer = api(alice).put(f"{talk}messages/{question.pk}/rating/", {"helpful": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_a_reply")


@pytest.mark.parametrize(
    "body",
    [{}, {"helpful": 1}, {"helpful": "true"}, {"helpful": None}, {"helpful": True, "stars": 5},
     {"helpful": True, "comment": "x" * 2_001}, []],
)  # fmt: skip
def test_what_is_no_rating_is_refused(api, ask, alice, body):
    assert api(alice).put(f"{ask(alice)}rating/", body).status_code == 400
    assert not ReplyRating.objects.exists()


@pytest.fixture
def own(api: Door, alice: User) -> Callable[[], dict[str, Any]]:
    """A workflow of alice's."""

    def made() -> dict[str, Any]:
        body = {"name": "mine", "graph": graph(asks())}
        answer: dict[str, Any] = api(alice).post("/api/v1/definitions/", body, "json").json()
        return answer

    return made


def said(api: Door, user: User, by: str, **query: str) -> dict[str, tuple[int, float | None]]:
    told = api(user).get("/api/v1/analytics/executions/", {"by": by, **query}).json()
    assert list(all_differences()) == []
    return {group["key"]: (group["ratings"], group["satisfaction"]) for group in told["groups"]}


def test_a_rated_reply_counts_for_the_workflow_and_the_version_that_gave_it(
    api, ask, own, alice, charlie, client
):
    first, other = own(), own()
    key = first["id"]
    good, bad = (ask(alice, definition=key) for _ in range(2))
    plain = ask(alice)
    ask(alice, definition=other["id"])
    version = f"{key}:{WorkflowExecution.objects.filter(definition=key).first().version_id}"
    assert said(api, alice, "definition") == {key: (0, None), other["id"]: (0, None)}
    api(alice).put(f"{good}rating/", {"helpful": True})
    api(alice).put(f"{bad}rating/", {"helpful": False})
    api(alice).put(f"{plain}rating/", {"helpful": False})
    assert said(api, alice, "definition")[key] == (2, 0.5)
    assert said(api, alice, "definition")[other["id"]] == (0, None)
    assert said(api, alice, "version")[version] == (2, 0.5)
    assert list(said(api, alice, "template").values()) == [(1, 0.0)]
    assert said(api, alice, "user") == {str(alice.pk): (3, 0.3333)}
    alone = api(alice).get(f"/api/v1/definitions/{key}/analytics/").json()
    assert (alone["helpful_replies"], alone["unhelpful_replies"]) == (1, 1)
    assert alone["satisfaction"] == 0.5
    client.force_login(alice)
    assert "of 2</span>" in client.get("/analytics/?by=definition").text
    api(alice).put(f"{bad}rating/", {"helpful": True})
    assert said(api, alice, "definition")[key] == (2, 1.0)
    api(alice).delete(f"{good}rating/")
    assert said(api, alice, "definition")[key] == (1, 1.0)
    for execution in WorkflowExecution.objects.filter(definition=key):
        execution.delete()
    assert ReplyRating.objects.filter(definition=key).count() == 1
    assert list(all_differences()) == []


@pytest.mark.parametrize("by", ["template", "definition"])
def test_a_table_of_a_time_counts_the_ratings_given_in_it_and_by_whom_it_is_of(
    api, ask, own, alice, charlie, admin, by
):
    what = {"definition": own()["id"]} if by == "definition" else {}
    for user in (alice, alice, charlie) if by == "template" else (alice, alice):
        api(user).put(f"{ask(user, **what)}rating/", {"helpful": user == charlie})
    (key,) = said(api, alice, by)
    assert said(api, alice, by) == {key: (2, 0.0)}
    old = ReplyRating.objects.filter(user=alice).latest("id")
    ReplyRating.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=9))
    assert said(api, alice, by, range="7d") == {key: (1, 0.0)}
    assert said(api, alice, by, range="30d") == {key: (2, 0.0)}
    if by == "template":
        assert said(api, admin, by, of="all") == {key: (2, 0.5)}


@pytest.mark.parametrize("by", ["template", "user"])
def test_a_rating_counts_in_the_time_in_which_it_was_given_though_nothing_ended_in_it(
    api, ask, alice, by
):
    api(alice).put(f"{ask(alice)}rating/", {"helpful": True})
    for execution in WorkflowExecution.objects.all():
        ago = execution.finished_at - timedelta(days=9)
        WorkflowExecution.objects.filter(pk=execution.pk).update(finished_at=ago)
    rebuild(KINDS["executions"])
    assert list(said(api, alice, by).values()) == [(1, 1.0)]
    (key,) = said(api, alice, by)
    assert said(api, alice, by, key=key) == {key: (1, 1.0)}
    assert said(api, alice, by, key=str(new_id())) == {}


def test_a_rating_that_is_not_of_what_gave_the_reply_is_found(api, ask, own, alice):
    api(alice).put(f"{ask(alice, definition=own()['id'])}rating/", {"helpful": True})
    for wrong in ({"definition_id": None, "version_id": None}, {"definition_id": own()["id"]}):
        ReplyRating.objects.update(**wrong)
        found = {one.number for one in all_differences()}
        assert found == {f"analytics.ReplyRating.{name}" for name in wrong}
        migration = import_module("analytics.migrations.0008_ratings_say_what_gave_the_reply")
        migration.say_what_gave_it(apps, None)
        assert list(all_differences()) == []


@pytest.mark.parametrize("gone", [Message, Conversation, User, WorkflowTemplate])
def test_with_what_was_rated_its_rating_goes_and_with_its_template_the_sum(api, ask, alice, gone):
    api(alice).put(f"{ask(alice)}rating/", {"helpful": True})
    for row in gone.objects.all():
        row.delete()
    assert ReplyRating.objects.count() == (gone is WorkflowTemplate)
    assert list(all_differences()) == []


def test_a_wrong_number_is_found(api, ask, alice):
    api(alice).put(f"{ask(alice)}rating/", {"helpful": True})
    TemplateAnalytics.objects.update(helpful_count=0, unhelpful_count=1)
    found = {one.number.rpartition(".")[2] for one in all_differences()}
    assert found == {"helpful_count", "unhelpful_count"}


def test_the_back_office_shows_them(api, ask, alice, admin, client):
    client.force_login(admin)
    assert "no data" in client.get("/admin/analytics/templateanalytics/").text
    api(alice).put(f"{ask(alice)}rating/", {"helpful": True, "comment": "Nice & short"})
    assert "100% of 1" in client.get("/admin/analytics/templateanalytics/").text
    page: Any = client.get("/admin/analytics/replyrating/").text
    assert "Nice &amp; short" in page
    one = ReplyRating.objects.get()
    assert client.get(f"/admin/analytics/replyrating/{one.pk}/change/").status_code == 200
