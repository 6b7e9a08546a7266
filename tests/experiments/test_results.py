"""What is known of an experiment: reckoned from what its units did, told in figures and words."""

import random
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from analytics.models import ReplyRating
from audit.models import AuditEntry
from conversations.models import Conversation, Message
from experiments.models import Experiment, Unit, UnitEvent
from experiments.outcomes import outcomes_of
from experiments.services.guarding import watch_guards
from tests.experiments.conftest import EXPERIMENTS
from tests.experiments.past import Turn, lived
from workflows.models import ExecutionStatus, WorkflowExecution

pytestmark = pytest.mark.django_db
FAILED = ExecutionStatus.FAILED


def means(told: dict[str, Any], variant: str) -> dict[str, Any]:
    cells = {one["metric"]: one["variants"] for one in told["metrics"]}
    return {
        name: cell["mean"] for name, of in cells.items() for cell in of if cell["name"] == variant
    }


def many(count: int, seed: int, tokens: float, failing: float = 0.0) -> list[list[Turn]]:
    dice = random.Random(seed)
    return [
        [
            Turn(
                tokens=max(round(dice.gauss(tokens, 20)), 1),
                took_ms=round(dice.gauss(900, 100)),
                status=FAILED if dice.random() < failing else ExecutionStatus.COMPLETED,
            )
        ]
        for _ in range(count)
    ]


def test_a_unit_counts_once_with_the_mean_of_its_turns(row, results, alice, turned):
    one = row()
    busy = [Turn(tokens=10, cost=0.001, took_ms=100)] * 9 + [Turn(tokens=110, cost=0.011)]
    calm = [Turn(tokens=40, cost=0.006, status=FAILED)]
    lived(one, alice, turned(), {"as it is": [busy, calm]})
    turned.on(minutes=61)
    told = results(one)
    found = means(told, "as it is")
    assert found["tokens"] == pytest.approx((20 + 40) / 2)
    assert found["cost"] == pytest.approx((0.002 + 0.006) / 2)
    assert found["errors"] == 0.5
    assert found["latency"] == pytest.approx((9 * 100 + 1_000) / 10)  # of turns that came through
    assert (found["rating"], means(told, "brief")["tokens"]) == (None, None)
    assert told["counted"] == {"as it is": 2, "brief": 0}


def test_only_the_window_counts_and_only_once_it_is_over(row, results, alice, turned):
    one = row()
    lived(one, alice, turned(), {"brief": [[Turn(tokens=10), Turn(after=59, tokens=30),
                                            Turn(after=61, tokens=5_000)]]})  # fmt: skip
    turned.on(minutes=59)
    assert means(results(one), "brief")["tokens"] is None
    turned.on(minutes=2)
    assert means(results(one), "brief")["tokens"] == 20


def test_a_unit_with_a_turn_under_way_waits(row, results, alice, turned):
    one = row()
    lived(one, alice, turned(), {"brief": [[Turn(), Turn(after=1, took_ms=None)]]})
    turned.on(minutes=90)
    assert results(one)["counted"]["brief"] == 0
    WorkflowExecution.objects.filter(finished_at=None).update(
        finished_at=turned(), duration_ms=5, status=FAILED
    )
    assert means(results(one), "brief")["errors"] == 0.5


def test_what_is_not_known_is_not_zero(row, results, alice, turned):
    one = row(primary="cost")
    lived(one, alice, turned(), {"brief": [[Turn(cost=0, unpriced=1)], [Turn(cost=0.004)]]})
    turned.on(minutes=90)
    told = results(one)
    assert means(told, "brief")["cost"] == pytest.approx(0.004)
    assert told["unknown_cost"] == {"as it is": 0, "brief": 1}
    assert told["says"][-1] == (
        "What 1 unit cost is not known: some call has no price, or its process died before it was "
        "over."
    )
    WorkflowExecution.objects.filter(unpriced_calls=1).update(unpriced_calls=0, open_calls=1)
    again = results(one)
    assert (again["unknown_cost"], again["says"]) == (told["unknown_cost"], told["says"])
    assert {one["metric"]: one["variants"][1]["units"] for one in again["metrics"]} == {
        "cost": 1, "latency": 2, "errors": 2, "tokens": 1, "rating": 0,
    }  # fmt: skip


def test_what_the_control_answered_for_a_stopped_arm_counts_for_neither(
    row, results, alice, turned
):
    one = row()
    lived(one, alice, turned(), {"brief": [[Turn(tokens=10), Turn(tokens=90, diverted=True)],
                                           [Turn(diverted=True)]]})  # fmt: skip
    turned.on(minutes=90)
    told = results(one)
    assert means(told, "brief")["tokens"] == 10
    assert told["counted"] == {"as it is": 0, "brief": 1}


def test_ratings_count_by_the_share_of_a_units_replies_that_helped(row, alice, turned):
    one = row(primary="rating")
    lived(one, alice, turned(), {"brief": [[Turn(), Turn(after=1)], [Turn()], [Turn()]]})
    replies = []
    for execution in WorkflowExecution.objects.order_by("serial_key", "serial_number"):
        talk, _ = Conversation.objects.get_or_create(
            pk=UUID(execution.serial_key.partition(":")[2]), defaults={"owner": alice}
        )
        replies.append(
            Message.objects.create(
                conversation=talk,
                turn=execution.serial_number,
                role="assistant",
                execution=execution,
            )  # fmt: skip
        )
    double = [one for one in replies if one.conversation.messages.count() == 2]
    single = next(one for one in replies if one not in double)
    for reply, helpful in ((double[0], True), (double[1], False), (single, True)):
        ReplyRating.objects.create(message=reply, user=alice, helpful=helpful, created_at=turned())
    turned.on(minutes=90)
    found = outcomes_of(one).of("rating", one.variants.get(name="brief").pk)
    assert (found.count, found.mean) == (2, 0.75)  # who rated nothing says nothing


def test_events_of_a_unit_add_up_and_who_did_nothing_did_nothing(row, api, results, alice, turned):
    one = row(primary="event:bought", better="higher")
    lived(one, alice, turned(), {"brief": [[Turn()], [Turn()]], "as it is": [[Turn()]]})
    unit = Unit.objects.filter(variant__name="brief").first().key.partition(":")[2]
    door = f"{EXPERIMENTS}{one.pk}/events/"
    told = {"name": "bought", "unit": unit, "value": 2.5, "key": "order 1"}
    first, again = (api(alice).post(door, told) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert api(alice).post(door, {"name": "bought", "unit": unit}).status_code == 201
    assert len(api(alice).get(door).json()["results"]) == 2
    turned.on(minutes=90)
    assert api(alice).post(door, {"name": "bought", "unit": unit, "value": 99}).status_code == 201
    found = results(one)
    assert means(found, "brief")["event:bought"] == 1.75
    assert means(found, "as it is")["event:bought"] == 0
    lost = api(alice).post(door, {"name": "bought", "unit": str(one.pk)})
    assert (lost.status_code, lost.json()["code"]) == (404, "unit_not_found")
    assert UnitEvent.objects.count() == 3


def test_what_a_unit_did_when_its_arm_may_have_been_stopped_counts_for_no_arm(
    row, api, results, alice, turned
):
    one = row(primary="event:bought", better="higher")
    lived(one, alice, turned(), {"brief": [[Turn()], [Turn()]]})
    turned.on(minutes=50)
    lived(one, alice, turned(), {"brief": [[Turn(tokens=40)]], "as it is": [[Turn()]]})
    turned.on(minutes=15)
    stop = f"{EXPERIMENTS}{one.pk}/variants/{one.variants.get(name='brief').pk}/stop/"
    assert api(alice).post(stop).status_code == 200
    turned.on(minutes=15)
    UnitEvent.objects.bulk_create(
        UnitEvent(created_at=at, experiment=one, unit=unit, name="bought")
        for unit in Unit.objects.all()
        for at in (unit.created_at, unit.created_at + timedelta(minutes=20))
    )
    turned.on(minutes=60)
    told = results(one)
    cells = {one["metric"]: one["variants"] for one in told["metrics"]}
    assert [cell["units"] for cell in cells["event:bought"]] == [1, 2]
    assert [cell["mean"] for cell in cells["event:bought"]] == [2, 2]
    assert [cell["units"] for cell in cells["tokens"]] == [1, 3]  # the arm had answered that turn


def test_an_event_that_was_counted_is_answered_alike_once_the_experiment_is_over(
    row, api, alice, turned
):
    one = row(primary="event:bought", better="higher")
    lived(one, alice, turned(), {"brief": [[Turn()]]})
    unit = Unit.objects.get().key.partition(":")[2]
    door, told = (
        f"{EXPERIMENTS}{one.pk}/events/",
        {"name": "bought", "unit": unit, "key": "order 1"},
    )
    first = api(alice).post(door, told)
    assert api(alice).post(f"{EXPERIMENTS}{one.pk}/complete/").status_code == 200
    again = api(alice).post(door, told)
    assert (again.status_code, again.json()) == (200, first.json())
    late = [api(alice).post(door, {**told, "key": key}) for key in ("order 2", "")]
    assert [answer.json()["code"] for answer in late] == ["experiment_over"] * 2
    assert UnitEvent.objects.count() == 1


def test_events_of_the_smallest_values_have_results(row, api, results, alice, turned):
    one = row(primary="event:weighed")
    lived(one, alice, turned(), {name: [[Turn()]] * 60 for name in ("as it is", "brief")})
    for at, unit in enumerate(Unit.objects.all()):
        told = {"name": "weighed", "unit": unit.key.partition(":")[2], "value": (1 + at % 3) / 1e90}
        assert api(alice).post(f"{EXPERIMENTS}{one.pk}/events/", told).status_code == 201
    turned.on(minutes=90)
    once = results(one)["metrics"][0]["variants"][1]["comparison"]["once"]
    assert once["low"] < once["high"]


def test_each_event_has_a_direction_of_its_own(row, results, client, alice, turned):
    one = row(
        primary="event:bought", better="higher", events={"refund": "lower", "unseen": "lower"}
    )
    lived(
        one,
        alice,
        turned(),
        {name: [[Turn()] for _ in range(80)] for name in ("as it is", "brief")},
    )
    UnitEvent.objects.bulk_create(
        UnitEvent(created_at=turned(), experiment=one, unit=unit, name=name, value=5 + at % 3)
        for at, unit in enumerate(Unit.objects.filter(variant__name="brief"))
        for name in ("bought", "refund", "shared")
    )
    assert results(one)["metrics"][-1]["metric"] == "event:unseen"  # though nothing is counted yet
    turned.on(minutes=90)
    told = results(one)
    ways = {
        of["metric"]: of["better"] for of in told["metrics"] if of["metric"].startswith("event:")
    }
    assert ways == {
        "event:bought": "higher", "event:refund": "lower", "event:shared": "higher",
        "event:unseen": "lower",
    }  # fmt: skip
    assert means(told, "as it is")["event:unseen"] == 0
    assert told["says"][0].startswith("'brief' is better than the control: the 'bought' of a unit")
    client.force_login(alice)
    blocks = client.get(f"/experiments/{one.pk}/").context["blocks"]
    verdicts = {of.title: of.rows[1].verdict for of in blocks}
    assert (verdicts["'bought' of a unit"], verdicts["'refund' of a unit"]) == ("better", "worse")
    assert (verdicts["'shared' of a unit"], verdicts["'unseen' of a unit"]) == ("better", "unknown")


def test_the_metric_that_decides_says_nothing_of_events(row, results, api, alice, turned):
    one = row(primary="cost")
    lived(one, alice, turned(), {"brief": [[Turn()]]})
    unit = Unit.objects.get().key.partition(":")[2]
    told = {"name": "bought", "unit": unit}
    assert api(alice).post(f"{EXPERIMENTS}{one.pk}/events/", told).status_code == 201
    turned.on(minutes=90)
    assert {of["metric"]: of["better"] for of in results(one)["metrics"]} == {
        "cost": "lower", "latency": "lower", "errors": "lower", "tokens": "lower",
        "rating": "higher", "event:bought": "higher",
    }  # fmt: skip


def test_a_planted_effect_is_told_in_plain_words_and_before_there_is_enough_nothing_is(
    row, results, alice, turned
):
    one = row(primary="tokens", planned_units=300)
    lived(one, alice, turned(), {"as it is": many(40, 1, 200), "brief": many(40, 2, 100)})
    turned.on(minutes=90)
    assert results(one)["says"] == [
        "Nothing can be said of 'brief' yet: 40 of its units and 40 of the control's are counted "
        "for number of tokens of a turn, and it takes 50 of each."
    ]
    lived(one, alice, turned(), {"as it is": many(60, 3, 200), "brief": many(60, 4, 100)})
    turned.on(minutes=90)
    told = results(one)
    assert told["says"][0].startswith(
        "'brief' is better than the control: the number of tokens of a turn is lower; the "
        "difference lies between −"
    )
    compared = next(one for one in told["metrics"] if one["primary"])["variants"][1]["comparison"]
    assert compared["anytime"]["low"] < -100 < compared["anytime"]["high"] < 0
    assert compared["once"]["low"] > compared["anytime"]["low"], "peeking has its price"
    assert compared["p_corrected"] < 0.001
    assert compared["relative"] == pytest.approx(-0.5, abs=0.05)
    latency = next(one for one in told["metrics"] if one["metric"] == "latency")
    assert latency["variants"][1]["comparison"]["p_corrected"] > 0.05


def test_with_several_arms_the_test_is_sharpest_at_the_planned_units_of_all(
    row, results, alice, turned
):
    names = ["a", "b", "c", "d"]
    arms = [{"name": name, "parameters": {"system": name}} for name in names[1:]]
    one = row(variants=[{"name": "a", "control": True, "weight": 3}, *arms], planned_units=600)
    lived(one, alice, turned(), {name: many(100, 1, 200) for name in names} | {
        "a": many(300, 2, 200)
    })  # fmt: skip
    turned.on(minutes=90)

    def width(planned: int) -> float:
        Experiment.objects.filter(pk=one.pk).update(planned_units=planned)
        found = results(one)["metrics"][0]["variants"][1]["comparison"]["anytime"]
        return float(found["high"] - found["low"])

    assert width(600) < min(width(400), width(900))


def test_an_arm_that_is_not_known_yet_is_one_of_those_that_are_compared(
    row, results, alice, turned
):
    arms = [{"name": name, "parameters": {"system": name}} for name in ("b", "c")]
    one = row(variants=[{"name": "a", "control": True}, *arms])
    lived(one, alice, turned(), {"a": many(80, 1, 200), "b": many(80, 2, 190), "c": many(9, 3, 9)})
    turned.on(minutes=90)
    told = results(one)
    b, c = (cell["comparison"] for cell in told["metrics"][0]["variants"][1:])
    assert 0 < b["anytime"]["p"] < 0.5
    assert b["p_corrected"] == pytest.approx(2 * b["anytime"]["p"])
    assert (c["anytime"], c["p_corrected"]) == (None, None)
    assert told["says"][-1].startswith("Nothing can be said of 'c' yet")


def test_where_the_interval_of_an_arm_has_room_for_none_it_is_said_what_tells_them_apart(
    row, results, alice, turned
):
    arms = [{"name": name, "parameters": {"system": name}} for name in ("b", "c")]
    one = row(variants=[{"name": "a", "control": True}, *arms], planned_units=300)
    more = {"a": 0, "b": 60, "c": 13}
    lived(one, alice, turned(), {
        name: [[Turn(tokens=tokens + by)] for tokens in (100, 160) for _ in range(50)]
        for name, by in more.items()
    })  # fmt: skip
    turned.on(minutes=90)
    assert results(one)["says"][1] == (
        "'c' is worse than the control: the number of tokens of a turn is higher; the difference "
        "lies between −1.0 and 27.0 (95 %, whenever one looks), which has room for none, but "
        "Holm's test has not (p = 0.048)."
    )


def test_the_p_of_one_look_is_shown_corrected_for_several_arms(row, client, alice, turned):
    arms = [{"name": name, "parameters": {"system": name}} for name in ("b", "c")]
    one = row(variants=[{"name": "a", "control": True}, *arms])
    lived(one, alice, turned(), {
        name: [[Turn(tokens=tokens + by)] for tokens in (100, 160) for _ in range(50)]
        for name, by in (("a", 0), ("b", 0), ("c", 9))
    })  # fmt: skip
    turned.on(minutes=90)
    client.force_login(alice)
    shown = client.get(f"/experiments/{one.pk}/").context["blocks"][0].rows
    assert [row.once for row in shown[1:]] == ["−9.6 to 9.6, p = 1", "−0.6 to 18.6, p = 0.072"]


def test_where_nothing_differs_it_is_said_that_this_is_not_known(row, results, alice, turned):
    one = row()
    lived(one, alice, turned(), {"as it is": many(80, 1, 200), "brief": many(80, 2, 200)})
    turned.on(minutes=90)
    assert results(one)["says"][0].startswith("It is not known whether 'brief' or the control")


def test_a_skew_is_told_before_anything_else(row, results, alice, turned):
    one = row()
    lived(one, alice, turned(), {"as it is": many(150, 1, 200), "brief": many(75, 2, 100)})
    turned.on(minutes=90)
    told = results(one)
    assert told["split"]["skewed"]
    assert told["split"]["units"] == {"as it is": 150, "brief": 75}
    assert told["says"][0].startswith("Do not believe the figures below")


def test_an_arm_that_harms_is_stopped_by_its_guard_rail_once_and_audited(row, alice, turned):
    one = row(guards=[{"metric": "errors", "margin": 0.05}, {"metric": "latency", "margin": 0.5}])
    later = {"as it is": many(150, 1, 200, 0.02), "brief": many(150, 2, 200, 0.5)}
    arms = {name: [[Turn(), *unit] for unit in units] for name, units in later.items()}
    lived(one, alice, turned(), arms)
    assert watch_guards() == 0  # nothing is counted yet, and first turns do no harm
    turned.on(minutes=90)
    assert [watch_guards(), watch_guards()] == [1, 0]
    turned.on(minutes=90)
    assert watch_guards() == 0  # nor twice later
    stopped = one.variants.get(name="brief")
    assert (
        stopped.stopped_because
        == "share of turns that fail is worse than the control's by more than 5 points"
    )
    entry = AuditEntry.objects.get(action="experiments.variant.stopped")
    assert (entry.actor_id, entry.detail["variant"]) == (None, str(stopped.pk))


@pytest.mark.parametrize(("failing", "stopped"), [(1.0, 1), (0.0, 0)])
def test_an_arm_whose_first_turns_harm_is_stopped_though_no_window_is_over(
    row, results, alice, turned, failing, stopped
):
    one = row(window_min=1_440, guards=[{"metric": "errors", "margin": 0.05}])
    under_way = [[Turn(took_ms=None)], [Turn(diverted=True), Turn()]]
    lived(one, alice, turned(), {
        "as it is": [*many(60, 1, 200), *under_way],
        "brief": [[*unit, Turn(took_ms=None)] for unit in many(60, 2, 200, failing)],
    })  # fmt: skip
    assert set(results(one)["counted"].values()) == {0}
    assert watch_guards() == stopped
    because = one.variants.get(name="brief").stopped_because
    assert because.endswith(", by first turns alone") == bool(stopped)


def test_guard_rails_are_looked_at_once_a_minute_by_whoever_comes_first(row, alice, turned):
    one = row(guards=[{"metric": "errors", "margin": 0.05}])
    assert watch_guards() == 0
    arms = {"as it is": many(150, 1, 200, 0.02), "brief": many(150, 2, 200, 0.5)}
    lived(one, alice, turned() - timedelta(hours=2), arms)
    turned.on(seconds=59)
    assert watch_guards() == 0  # somebody looked less than a minute ago
    turned.on(seconds=1)
    assert watch_guards() == 1


@pytest.mark.parametrize(
    ("margin", "stopped"), [(0.1, 1), (0.5, 0)], ids=["beyond the margin", "within it"]
)
def test_a_margin_is_a_part_of_what_the_control_takes(row, alice, turned, margin, stopped):
    one = row(guards=[{"metric": "tokens", "margin": margin}])
    arms = {"as it is": many(150, 1, 200), "brief": many(150, 2, 260)}  # 30 % more
    lived(one, alice, turned(), arms)
    turned.on(minutes=90)
    assert watch_guards() == stopped


def test_who_does_not_look_at_results_does_not_pay_for_scipy():
    code = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "chatter_project.settings_test"
django.setup()
import chatter_project.urls, experiments.chores, experiments.services.routing
print([name for name in sys.modules if name.partition(".")[0] in ("scipy", "numpy")])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
