"""What people think of a template: one rating each, and what they come to."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from analytics.models import Rating, TemplateAnalytics
from core.aggregates import all_differences
from tests.factories.accounts import UserFactory
from workflows.models import WorkflowTemplate

Door = Callable[[User], APIClient]


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory(username="bob")


@pytest.fixture
def address(built_in: None) -> str:
    return f"/api/v1/templates/{WorkflowTemplate.objects.get(slug='universal_chat').pk}/"


@pytest.fixture
def rate(api: Door, address: str) -> Callable[..., Any]:
    def rated(user: User, stars: Any, **more: Any) -> Any:
        return api(user).put(f"{address}rating/", {"stars": stars, **more})

    return rated


def told(api: Door, user: User, address: str) -> tuple[int, float | None]:
    shown = api(user).get(f"{address}analytics/").json()
    assert list(all_differences()) == []
    return shown["ratings"], shown["mean_rating"]


def test_each_rates_once_and_may_think_again(api, rate, alice, bob, charlie, address):
    assert told(api, charlie, address) == (0, None)
    first = rate(alice, 5, comment="Good.")
    assert (first.status_code, first.json()["stars"]) == (201, 5)
    assert rate(bob, 2).status_code == 201
    assert told(api, charlie, address) == (2, 3.5)
    again = rate(alice, 3)
    assert (again.status_code, again.json()["comment"]) == (200, "")
    assert told(api, charlie, address) == (2, 2.5)
    assert api(alice).get(f"{address}rating/").json() == again.json()
    assert api(charlie).get(f"{address}rating/").json()["code"] == "rating_not_found"
    assert api(bob).delete(f"{address}rating/").status_code == 204
    assert told(api, charlie, address) == (1, 3.0)
    gone = api(bob).delete(f"{address}rating/")
    assert (gone.status_code, gone.json()["code"]) == (404, "rating_not_found")


@pytest.mark.parametrize("stars", [0, 6, -1, 2.5, "5", True, None])
def test_stars_are_whole_and_one_to_five(rate, alice, stars):
    assert rate(alice, stars).status_code == 400
    assert not Rating.objects.exists()


def test_whoever_goes_takes_the_rating_along(api, rate, alice, bob, address):
    rate(alice, 5)
    rate(bob, 1)
    bob.delete()
    assert told(api, alice, address) == (1, 5.0)


def test_a_wrong_number_is_found(rate, alice, address):
    rate(alice, 4)
    TemplateAnalytics.objects.update(rating_sum=9)
    assert {one.number.rpartition(".")[2] for one in all_differences()} == {"rating_sum"}


def test_the_back_office_shows_ratings(rate, alice, admin, client):
    rate(alice, 4, comment="Nice & short")
    client.force_login(admin)
    assert "4.0 of 5 (1)" in client.get("/admin/analytics/templateanalytics/").text
    assert "Nice &amp; short" in client.get("/admin/analytics/rating/").text
