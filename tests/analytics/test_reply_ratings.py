"""Whether replies helped: said by whoever asked, added up where the reply came from."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from analytics.models import ReplyRating, TemplateAnalytics
from conversations.models import Conversation, Message
from core.aggregates import all_differences
from workflows.models import WorkflowTemplate

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]


@pytest.fixture
def ask(api: Door, built_in: None, drain: Callable[[], None]) -> Callable[..., str]:
    """Ask something; gives the address of the reply."""

    def asked(user: User, text: str = "Hello") -> str:
        begun = api(user).post("/api/v1/chat/", {"message": text, "mode": "background"}).json()
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
