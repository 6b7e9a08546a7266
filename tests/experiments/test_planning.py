"""How many units, and days, ratings and events take: planned before the start, and found so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Group

from analytics.models import ReplyRating
from conversations.models import Conversation, Message
from core import clock
from experiments.fixed import welch
from experiments.forecast import SEEN_DAYS
from experiments.models import Exposure
from experiments.services.routing import forget_running
from tests.experiments.conftest import EXPERIMENTS, MANY
from tests.experiments.test_inference import TIMES, moments, spread
from workflows.models import (
    ExecutionKind,
    ExecutionStatus,
    WorkflowExecution,
    WorkflowTemplate,
)

pytestmark = pytest.mark.django_db
Draw = Callable[[float, int], np.ndarray]


def talked(user: Any, count: int) -> list[Message]:
    """Replies to yesterday's conversations of one turn each, with the plain chat."""
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    at = clock.now() - timedelta(days=1)
    talks = Conversation.objects.bulk_create(Conversation(owner=user) for _ in range(count))
    turns = WorkflowExecution.objects.bulk_create(
        WorkflowExecution(
            created_at=at, user=user, kind=ExecutionKind.CHAT, status=ExecutionStatus.COMPLETED,
            version=template.version, template=template, request_id="past",
            serial_key=talk.serial_key, serial_number=1, started_at=at, finished_at=at,
        )
        for talk in talks
    )  # fmt: skip
    return Message.objects.bulk_create(
        Message(conversation=talk, turn=1, role="assistant", execution=turn)
        for talk, turn in zip(talks, turns, strict=True)
    )


def rate(replies: list[Message], helped: int, after: timedelta = timedelta(0)) -> None:
    """So many of these replies helped, the others did not."""
    ReplyRating.objects.bulk_create(
        ReplyRating(
            message=reply, user=reply.conversation.owner, helpful=place < helped,
            created_at=reply.execution.created_at + after,
        )
        for place, reply in enumerate(replies)
    )  # fmt: skip


def power(told: dict[str, Any], draw: Draw) -> float:
    """In how many of a thousand experiments of so many units the effect is seen, looked at once."""
    half, seen = told["units_once"] // 2, 0
    for _ in range(TIMES):
        values = draw(told["mean"], half), draw(told["mean"] + told["effect"], half)
        sides = moments(values[0]), moments(values[1])
        seen += welch(*sides, (sides[0].variance, sides[1].variance)).p < 0.05
    return seen / TIMES


def test_ratings_are_planned_from_those_given_in_the_window(
    experiment, long_there, api, alice, charlie
):
    made = experiment(start=False, primary="rating", window_min=60)
    replies = talked(alice, 300)
    rate(replies[:200], helped=120)
    rate(replies[200:250], helped=0, after=timedelta(minutes=61))  # too late to be counted
    rate(talked(charlie, 40), helped=0)  # of nobody that takes part
    plan = f"{EXPERIMENTS}{made['id']}/plan/"
    told = api(alice).post(plan, {"effect": 0.15}).json()
    assert (told["seen_units"], told["mean"]) == (300, pytest.approx(0.6))
    assert told["effect"] == pytest.approx(0.09)
    assert told["deviation"] == pytest.approx(0.49, abs=0.005)
    assert told["units_a_day"] == pytest.approx(200 / SEEN_DAYS)  # who rated nothing does not count
    assert told["days_once"] == pytest.approx(told["units_once"] / told["units_a_day"] + 1 / 24)
    assert told["says"].endswith(" that count come a day and are watched for 1 hour.")
    assert told["says"].startswith(
        "To see in four of five cases that the share of rated replies that helped differs by "
        f"9.0 % from 60.0 %, it takes {told['units_once']:,} conversations looked at once, and at "
        f"most {told['units_anytime']:,} if one looks always: "
    )
    dice = np.random.default_rng(5)
    found = power(told, lambda mean, units: (dice.random(units) < mean).astype(float))
    assert abs(found - 0.8) <= spread(0.8)


@pytest.mark.parametrize(("mean", "effect"), [(0.05, 1), (0.9, -0.1), (0.02, 0.5)])
def test_a_share_is_seen_to_differ_whichever_way_it_does(experiment, api, alice, mean, effect):
    made = experiment(start=False, primary="errors")
    asked = {"effect": abs(effect), "mean": mean, "deviation": (mean * (1 - mean)) ** 0.5}
    told = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", asked).json()
    told["effect"] = mean * effect
    dice = np.random.default_rng(5)
    found = power(told, lambda mean, units: (dice.random(units) < mean).astype(float))
    assert abs(found - 0.8) <= spread(0.8)


def test_of_ratings_that_nobody_gave_it_is_told_that_too_few_were_seen(experiment, api, alice):
    made = experiment(start=False, primary="rating")
    rate(talked(alice, 30)[:9], helped=5)
    refused = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", {"effect": 0.1})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_little_seen")
    assert refused.json()["detail"]["seen"] == 9


def test_where_nothing_failed_it_is_told_that_no_part_of_nothing_is_a_difference(
    experiment, api, client, alice
):
    made = experiment(start=False, primary="errors")
    talked(alice, 12)
    plan = f"{EXPERIMENTS}{made['id']}/plan/"
    refused = api(alice).post(plan, {"effect": 0.1})
    assert (refused.status_code, refused.json()["code"]) == (409, "only_zero_seen")
    assert "this metric was 0 for each of 12 units" in refused.json()["message"]
    assert api(alice).post(plan, {"effect": 0.1, "mean": 0.1, "deviation": 0.3}).status_code == 200
    client.force_login(alice)
    assert "was 0 for each of 12 units" in client.get(f"/experiments/{made['id']}/").text


@pytest.mark.parametrize("mean", [5, -0.05])
@pytest.mark.parametrize("primary", ["errors", "rating"])
def test_the_mean_of_a_share_is_one(experiment, api, client, alice, primary, mean):
    made = experiment(start=False, primary=primary)
    asked = {"effect": 0.5, "mean": mean, "deviation": 0.2}
    refused = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", asked)
    assert (refused.status_code, refused.json()["code"]) == (400, "mean_is_no_share")
    client.force_login(alice)
    page = client.get(f"/experiments/{made['id']}/", {**asked, "effect": 50}).text
    assert "of 5 per cent it is 0.05" in page


@pytest.mark.parametrize(("weight", "least"), [(1, 100), (9, 500)])
def test_no_plan_takes_fewer_units_than_it_takes_for_anything_to_be_said(
    experiment, api, alice, weight, least
):
    variants = [{"name": "a", "control": True, "weight": weight}, {"name": "b"}]
    made = experiment(start=False, variants=variants)
    plan = f"{EXPERIMENTS}{made['id']}/plan/"
    told = api(alice).post(plan, {"effect": 0.5, "mean": 100, "deviation": 1}).json()
    assert (told["units_once"], told["units_anytime"]) == (least, least)


def test_an_event_is_planned_with_what_is_expected_of_it(
    experiment, long_there, api, client, alice
):
    made = experiment(start=False, primary="event:bought")
    talked(alice, 56)
    plan = f"{EXPERIMENTS}{made['id']}/plan/"
    assert api(alice).post(plan, {"effect": 0.25}).json()["code"] == "too_little_seen"
    half = api(alice).post(plan, {"effect": 0.25, "mean": 2})
    assert (half.status_code, "given together" in half.text) == (400, True)
    told = api(alice).post(plan, {"effect": 0.25, "mean": 2, "deviation": 3}).json()
    assert (told["effect"], told["units_a_day"]) == (0.5, 2)
    assert told["units_once"] == pytest.approx(4 * (2.8016 * 3 / 0.5) ** 2, abs=1)
    dice = np.random.default_rng(7)

    def bought(mean: float, units: int) -> np.ndarray:
        shape = (mean / 3) ** 2
        return dice.gamma(shape, mean / shape, units)

    assert abs(power(told, bought) - 0.8) <= spread(0.8)
    client.force_login(alice)
    page = f"/experiments/{made['id']}/"
    assert "Give mean and deviation" in client.get(page).text
    asked = client.get(page, {"effect": "25", "mean": "2", "deviation": "3"}).text
    assert told["says"].replace("'", "&#x27;") in asked
    assert f">{told['units_anytime']}</td>" in asked
    wrong = client.get(page, {"effect": "-1", "mean": "2", "deviation": "3"}).text
    assert "greater than 0" in wrong
    assert "given together" in client.get(page, {"effect": "25", "mean": "2"}).text


@pytest.mark.parametrize(("age", "days"), [(0, 1), (4, 4), (90, SEEN_DAYS)])
def test_what_is_younger_than_the_days_looked_at_is_planned_by_its_own(
    experiment, api, alice, age, days
):
    made = experiment(start=False)
    WorkflowTemplate.objects.update(created_at=clock.now() - timedelta(days=age))
    talked(alice, 56)
    body = {"effect": 0.25, "mean": 2, "deviation": 3}
    told = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", body).json()
    assert told["units_a_day"] == pytest.approx(56 / days, rel=1e-3)


def test_without_traffic_the_days_are_not_known(experiment, api, alice):
    made = experiment(start=False, primary="event:bought")
    body = {"effect": 0.25, "mean": 2, "deviation": 3}
    told = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", body).json()
    assert (told["days_once"], told["days_anytime"]) == (None, None)
    assert told["says"].endswith("none that would count came in the last 28 days.")


def test_a_turn_that_sets_what_variants_set_is_no_traffic_and_one_that_a_variant_answered_is(
    experiment, long_there, say, api, alice
):
    brief = {"parameters": {"system": "Be brief."}}
    earlier = experiment(variants=[{"name": "a", "control": True, **brief}, {"name": "b", **brief}])
    say(alice)
    assert Exposure.objects.count() == 1
    assert api(alice).post(f"{EXPERIMENTS}{earlier['id']}/complete/").status_code == 200
    forget_running()
    for parameters in ({}, {"model": "demo:chatter-demo"}, {"system": "Be rude."}):
        say(alice, parameters=parameters)
    plan = f"{EXPERIMENTS}{experiment(start=False)['id']}/plan/"
    told = api(alice).post(plan, {"effect": 0.25, "mean": 2, "deviation": 3}).json()
    assert (told["seen_units"], told["units_a_day"]) == (3, 3 / SEEN_DAYS)


def test_turns_that_another_template_answered_are_traffic_of_what_they_asked_for(
    experiment, long_there, say, api, alice
):
    variants = [{"name": "a", "control": True}, {"name": "b", "template": "code_assistant"}]
    earlier = experiment(variants=variants)
    for _ in range(MANY):
        say(alice)
        if len(set(Exposure.objects.values_list("execution__template"))) > 1:
            break
    turns = Exposure.objects.count()
    assert api(alice).post(f"{EXPERIMENTS}{earlier['id']}/complete/").status_code == 200
    body = {"effect": 0.25, "mean": 2, "deviation": 3}
    for template, seen in (("universal_chat", turns), ("code_assistant", 0)):
        made = experiment(start=False, template=template)
        told = api(alice).post(f"{EXPERIMENTS}{made['id']}/plan/", body).json()
        assert told["seen_units"] == seen


def test_the_traffic_of_those_chosen_counts_once_however_they_were(
    experiment, api, admin, alice, charlie
):
    for name in ("one", "two"):
        alice.groups.add(Group.objects.create(name=name))
    chosen = {"users": ["alice"], "groups": ["one", "two"]}
    made = experiment(by=admin, start=False, audience="chosen", **chosen)
    for user, count in ((alice, 3), (charlie, 4)):
        talked(user, count)
    body = {"effect": 0.25, "mean": 2, "deviation": 3}
    assert api(admin).post(f"{EXPERIMENTS}{made['id']}/plan/", body).json()["seen_units"] == 3


def test_who_is_no_longer_staff_plans_with_nobodys_traffic(experiment, api, admin, alice):
    made = experiment(by=admin, start=False, audience="everyone")
    talked(alice, 12)
    admin.is_staff = False
    admin.save()
    body = {"effect": 0.25, "mean": 2, "deviation": 3}
    told = api(admin).post(f"{EXPERIMENTS}{made['id']}/plan/", body).json()
    assert (told["seen_units"], told["days_anytime"]) == (0, None)
