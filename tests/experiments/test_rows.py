"""The exposures behind the figures: they recount each of them, and tell nothing of who is who."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from analytics.models import ReplyRating
from conversations.models import Conversation, Message
from core.models import new_id
from experiments.models import Experiment, Exposure, UnitEvent
from tests.experiments.conftest import EXPERIMENTS
from tests.experiments.past import Turn, lived
from tests.plans import plans
from workflows.models import ExecutionStatus, WorkflowExecution

pytestmark = pytest.mark.django_db
Row = Mapping[str, Any]
ARMS = [
    {"name": "as it is", "control": True},
    {"name": "brief", "parameters": {"system": "Be brief."}},
    {"name": "long", "parameters": {"system": "Be long."}},
]
TAKEN: Mapping[str, Callable[[Row], float]] = {
    "cost": lambda row: float(row["cost"]),
    "latency": lambda row: row["duration_ms"],
    "errors": lambda row: row["status"] == "failed",
    "tokens": lambda row: row["total_tokens"],
    "rating": lambda row: row["helped"],
    "event:bought": lambda row: row["event_sum"],
    "event:refund": lambda row: row["event_sum"],
}


@pytest.fixture
def listed(api: Any) -> Any:
    """All pages of a list, read by a user."""

    def read(reader: User, address: str) -> list[Row]:
        rows, page = [], f"{address}{'&' if '?' in address else '?'}page_size=7"
        while page:
            answer = api(reader).get(page)
            assert answer.status_code == 200, answer.json()
            rows += answer.json()["results"]
            page = answer.json()["next"]
        return rows

    return read


def units_of(rows: list[Row]) -> set[str]:
    return {row["unit"] for row in rows}


def reasons(rows: list[Row]) -> list[str]:
    return [row["left_out"] for row in reversed(rows)]


def _turn(dice: random.Random) -> Turn:
    """All that can come of one; one in thirty is still under way."""
    return Turn(
        after=dice.choice([0, 1, 59, 61]),
        status=dice.choice([*[ExecutionStatus.COMPLETED] * 4, "failed", "cancelled"]),
        tokens=dice.randrange(1, 900),
        cost=dice.randrange(1, 900) / 1e5,
        took_ms=None if dice.random() < 0.03 else dice.randrange(90, 900),
        unpriced=int(dice.random() < 0.1),
        diverted=dice.random() < 0.1,
    )


def _what_came_of_it(one: Experiment, dice: random.Random, at: datetime) -> None:
    """Ratings and events, some of them late, and calls whose process died."""
    for exposure in Exposure.objects.filter(experiment=one).select_related("unit", "execution"):
        if dice.random() < 0.1:
            WorkflowExecution.objects.filter(pk=exposure.execution_id).update(open_calls=1)
        if dice.random() < 0.4:
            later = timedelta(minutes=dice.choice([0, 90]))
            _rate(exposure, dice.random() < 0.7, exposure.created_at + later)
        if dice.random() < 0.5:
            UnitEvent.objects.create(
                experiment=one,
                unit=exposure.unit,
                name=dice.choice(["bought", "refund"]),
                value=dice.randrange(1, 9),
                created_at=at + timedelta(minutes=dice.choice([10, 90])),
            )


def _rate(exposure: Exposure, helpful: bool, at: datetime) -> None:
    execution = exposure.execution
    talk, _ = Conversation.objects.get_or_create(
        pk=UUID(execution.serial_key.partition(":")[2]), defaults={"owner": exposure.unit.user}
    )
    reply = Message.objects.create(
        conversation=talk, turn=execution.serial_number, role="assistant", execution=execution
    )
    ReplyRating.objects.create(message=reply, user=talk.owner, helpful=helpful, created_at=at)


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_of_a_figure_recount_it(row, results, listed, alice, turned, seed):
    one, dice = row(variants=ARMS), random.Random(seed)
    at = turned()
    for later in (0, 30, 55):
        begun = at + timedelta(minutes=later)
        turns = {arm["name"]: [[_turn(dice) for _ in range(dice.choice([1, 1, 2, 4]))]
                               for _ in range(10)] for arm in ARMS}  # fmt: skip
        lived(one, alice, begun, turns)
    _what_came_of_it(one, dice, at)
    one.variants.filter(name="long").update(stopped_at=at + timedelta(minutes=75))
    turned.on(minutes=100)  # the last units' window is open
    told = results(one)
    assert {of["metric"] for of in told["metrics"]} == set(TAKEN)
    for of in told["metrics"]:
        for cell in of["variants"]:
            rows = listed(alice, cell["rows"])
            assert all(row["counted"] and row["variant"] == cell["variant"] for row in rows)
            values = defaultdict(list)
            for found in rows:
                values[found["unit"]].append(TAKEN[of["metric"]](found))
            assert len(values) == cell["units"] > 0, of["metric"]
            mean = fmean(fmean(of_unit) for of_unit in values.values())
            assert mean == pytest.approx(cell["mean"]), of["metric"]
    for variant, dealt in told["split"]["units"].items():
        address = told["split"]["rows"][variant]
        assert len(units_of(listed(alice, address))) == dealt == 30
        counted = units_of(listed(alice, f"{address}&counted=true"))
        assert len(counted) == told["counted"][variant]


def test_each_row_says_whether_it_counts_and_if_not_why(row, listed, alice, turned):
    one = row()
    lived(one, alice, turned(), {"brief": [
        [Turn(), Turn(after=1, diverted=True), Turn(after=61, took_ms=None)],
        [Turn(after=2), Turn(after=3, took_ms=None)],
    ]})  # fmt: skip
    turned.on(minutes=30)
    lived(one, alice, turned(), {"as it is": [[Turn()]]})
    turned.on(minutes=59)
    address = f"{EXPERIMENTS}{one.pk}/exposures/"
    rows = listed(alice, address)
    assert reasons(rows) == [
        "", "diverted", "after_window", "under_way", "under_way", "window_open",
    ]  # fmt: skip
    assert [found["counted"] for found in rows] == [not found["left_out"] for found in rows]
    brief, control = one.variants.get(name="brief"), one.variants.get(name="as it is")
    assert rows[-1]["variant"] == str(brief.pk)
    narrowed = {
        "counted=true": [""],
        "counted=true&status=failed": [],
        "counted=false&diverted=false": ["after_window", "under_way", "under_way", "window_open"],
        "diverted=true": ["diverted"],
        "status=pending": ["after_window", "under_way"],
        f"unit={rows[-1]['unit']}": ["", "diverted", "after_window"],
        f"unit={new_id()}": [],
        f"variant={control.pk}": ["window_open"],
        f"variant={new_id()}": [],
    }
    for query, expected in narrowed.items():
        assert reasons(listed(alice, f"{address}?{query}")) == expected, query


def test_a_diverted_turn_is_of_the_variant_of_its_unit_and_says_what_answered(
    say, experiment, listed, api, alice, turned
):
    one = experiment()
    at = f"{EXPERIMENTS}{one['id']}/"
    arm = one["variants"][1]["id"]
    talks = [say(alice)["conversation"]["id"] for _ in range(12)]
    assert api(alice).post(f"{at}variants/{arm}/stop/").status_code == 200
    turned.on(seconds=5)
    for talk in talks:
        say(alice, talk)
    control = one["variants"][0]["id"]
    diverted = listed(alice, f"{at}exposures/?diverted=true")
    assert diverted
    assert {(of["variant"], of["answered_by"]) for of in diverted} == {(arm, control)}
    assert listed(alice, f"{at}exposures/?diverted=true&variant={arm}") == diverted
    assert listed(alice, f"{at}exposures/?diverted=true&variant={control}") == []
    assert {of["unit_of"] for of in diverted} < set(talks)


def test_a_rating_is_taken_back_from_the_rows_too(row, listed, alice, turned):
    one = row()
    lived(one, alice, turned(), {"brief": [[Turn()], [Turn()]]})
    for exposure in Exposure.objects.select_related("unit", "execution"):
        _rate(exposure, True, turned())
    turned.on(minutes=90)
    address = f"{EXPERIMENTS}{one.pk}/exposures/?metric=rating"
    assert [found["helped"] for found in listed(alice, address)] == [True, True]
    ReplyRating.objects.first().delete()
    assert [found["helped"] for found in listed(alice, address)] == [True]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("metric=beauty", "unknown_metric"),
        ("metric=event:", "unknown_metric"),
        ("metric=event:%00", "unknown_metric"),
        ("counted=perhaps", "invalid"),
        ("status=lost", "invalid"),
        ("variant=brief", "invalid"),
        ("execution=1", "unknown_filter"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(row, api, client, alice, query, code):
    one = row()
    answer = api(alice).get(f"{EXPERIMENTS}{one.pk}/exposures/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    client.force_login(alice)
    page = client.get(f"/experiments/{one.pk}/exposures/?counted=true&{query}")
    assert page.status_code == (200 if code == "unknown_filter" else 400)


@pytest.fixture
def tried(say, experiment, admin, charlie) -> str:
    """An experiment of ada's on everybody, in which charlie and she took part; gives its id."""
    made = experiment(by=admin, audience="everyone", unit="user")
    for somebody in (charlie, admin):
        for _ in range(2):
            say(somebody)
    return made["id"]


def test_whose_runs_they_are_only_they_and_staff_learn(tried, listed, client, admin, charlie):
    address, page = f"{EXPERIMENTS}{tried}/exposures/", f"/experiments/{tried}/exposures/"
    theirs = [str(one.pk) for one in WorkflowExecution.objects.filter(user=charlie)]
    both = {str(admin.pk), str(charlie.pk)}
    rows = listed(admin, address)
    assert {found["unit_of"] for found in rows} == both
    assert all(found["execution"] for found in rows)
    client.force_login(admin)
    assert "charlie" in client.get(page).text

    User.objects.filter(pk=admin.pk).update(is_staff=False, is_superuser=False)
    admin.refresh_from_db()
    rows = listed(admin, address)
    assert len(rows) == 4
    assert {found["unit_of"] for found in rows} == {str(admin.pk), None}
    for found in rows:
        assert (found["execution"] is None) == (found["unit_of"] is None)
    client.force_login(admin)
    shown = client.get(page).text
    assert shown.count("/executions/01") == 2
    for told in (str(rows), shown):
        assert not [one for one in (*theirs, str(charlie.pk), "charlie") if one in told]


def test_the_exposures_of_others_experiments_are_those_of_none(tried, api, client, charlie):
    client.force_login(charlie)
    for found in (tried, new_id(), "nothing"):
        assert client.get(f"/experiments/{found}/exposures/").status_code == 404
        answer = api(charlie).get(f"{EXPERIMENTS}{found}/exposures/")
        assert (answer.status_code, answer.json()["code"]) == (404, "experiment_not_found")


def test_each_figure_of_the_page_leads_to_its_rows(row, listed, client, alice, turned):
    one = row(primary="event:bought", better="higher")
    lived(one, alice, turned(), {
        "as it is": [[Turn()], [Turn(unpriced=1)]],
        "brief": [[Turn()] * 3, [Turn(status="failed")]],
    })  # fmt: skip
    turned.on(minutes=90)
    client.force_login(alice)
    page = client.get(f"/experiments/{one.pk}/")
    figures = [
        *((address, units) for _, units, address in page.context["dealt"]),
        *((of.rows, of.units) for block in page.context["blocks"] for of in block.rows),
    ]
    assert len(figures) == 2 + 2 * len(page.context["blocks"]) == 14
    for address, units in figures:
        assert f'href="{address.replace("&", "&amp;")}">{units}</a>' in page.text
        behind = client.get(address)
        over_api = listed(alice, f"/api/v1{address}")
        assert [found["id"] for found in behind.context["rows"]] == [
            found["id"] for found in over_api
        ]
        assert len(units_of(over_api)) == units


def test_what_the_page_is_asked_for_is_shown_by_name_and_can_be_taken_away(
    row, client, alice, turned
):
    one = row()
    lived(one, alice, turned(), {"brief": [[Turn()]], "as it is": [[Turn()]]})
    unit = one.units.get(variant__name="brief")
    UnitEvent.objects.create(experiment=one, unit=unit, name="bought", value=2, created_at=turned())
    turned.on(minutes=90)
    client.force_login(alice)
    brief = unit.variant_id
    at = f"/experiments/{one.pk}/exposures/"
    page = client.get(f"{at}?metric=event:bought&variant={brief}&counted=true")
    assert [(chip.name, chip.value) for chip in page.context["chips"]] == [
        ("counts for", "'bought' of a unit"),
        ("variant", "brief"),
        ("counted", "true"),
    ]
    assert "bought of the unit</th>" in page.text
    assert [found["event_sum"] for found in page.context["rows"]] == [2]
    [found] = page.context["rows"]
    assert f'href="/executions/{found["execution"]}/"' in page.text
    less = page.context["chips"][1].address
    assert [of["event_sum"] for of in client.get(at + less).context["rows"]] == [0, 2]


def test_a_list_of_many_exposures_asks_no_more_than_one_of_few(row, client, alice, turned):
    one = row()
    client.force_login(alice)

    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    doors = [f"{EXPERIMENTS}{one.pk}/exposures/", f"/experiments/{one.pk}/exposures/"]
    lived(one, alice, turned(), {"brief": [[Turn()]]})
    few = [asked(door) for door in doors]
    lived(one, alice, turned(), {"brief": [[Turn()]] * 20})
    assert [asked(door) for door in doors] == few


def test_turns_under_way_are_found_among_the_executions_under_way(row, api, alice):
    """Not by a look at the execution of each turn there ever was."""
    one = row()
    with plans(WorkflowExecution) as steps:
        address = f"{EXPERIMENTS}{one.pk}/exposures/?counted=true"
        assert api(alice).get(address).status_code == 200
    assert "executions_under_way" in " ".join(steps)
