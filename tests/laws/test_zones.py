"""In every time zone the figures of a report are what a recount of the rows in Python finds."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from asgiref.sync import async_to_sync
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from conversations.models import Conversation, Message
from core import clock
from core.models import new_id
from tests.factories.accounts import AdministratorFactory, UserFactory
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from tests.laws.histories import undone
from workflows.models import WorkflowExecution, WorkflowVersion

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]
lawful = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Each with an instant near which its clocks are set, or its midnights are odd.
ZONES = {
    "UTC": datetime(2026, 3, 1, 0, tzinfo=UTC),
    "Asia/Kolkata": datetime(2026, 3, 1, 0, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 3, 1, 0, tzinfo=UTC),
    "Europe/Paris": datetime(2025, 10, 26, 1, tzinfo=UTC),
    "America/St_Johns": datetime(2026, 3, 8, 5, 30, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),  # half an hour back
    "Pacific/Chatham": datetime(2025, 9, 27, 14, tzinfo=UTC),
    "America/Havana": datetime(2025, 11, 2, 5, tzinfo=UTC),  # midnight is shown twice
    "Asia/Beirut": datetime(2026, 3, 28, 22, tzinfo=UTC),  # and never
    "America/Goose_Bay": datetime(2006, 4, 2, 4, 1, tzinfo=UTC),  # set at 0:01
}


@dataclass(frozen=True)
class Done:
    """Something that somebody did: by which number of a user, so many minutes from an instant."""

    who: int
    minutes: int
    ms: int
    failed: bool


minutes = st.one_of(st.integers(-90, 90), st.integers(-5_000, 5_000))
done = st.builds(Done, st.integers(0, 1), minutes, st.integers(0, 10**6), st.booleans())
some = st.lists(done, min_size=4, max_size=16)
spans = st.one_of(
    st.fixed_dictionaries({"range": st.sampled_from(["1h", "24h", "7d", "30d"])}),
    st.fixed_dictionaries({"days": st.integers(1, 4), "first": st.integers(-2, 2)}),
    st.fixed_dictionaries({"minutes": st.integers(1, 4_000), "after": st.integers(-3_000, 0)}),
)
steps = st.sampled_from(["hour", "day"])
zones = st.sampled_from(sorted(ZONES))
TORN = [Done(0, 1_090, 5, False), Done(1, 1_100, 7, True)]  # round midnight in Kathmandu
SET = [Done(0, minute, 5, False) for minute in (-10, -1, 0, 1, 29, 30, 31)]


class Ledger:
    """Two people, what they did, and when it is now."""

    def __init__(
        self, zone: str, near: datetime, all_done: Sequence[Done], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.zone, self.near = ZoneInfo(zone), near
        self.now = near + timedelta(minutes=4_321, seconds=7)
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.people = [UserFactory(), UserFactory()]
        self.done = [one for one in all_done if self.at(one) < self.now]

    def at(self, one: Done) -> datetime:
        return self.near + timedelta(minutes=one.minutes)

    def asked(self, span: Mapping[str, Any]) -> dict[str, str]:
        if "range" in span:
            return {"range": span["range"]}
        if "days" in span:
            first = self.near.astimezone(self.zone).date() + timedelta(days=span["first"])
            return {"from": str(first), "to": str(first + timedelta(days=span["days"]))}
        first_at = self.near + timedelta(minutes=span["after"])
        last = first_at + timedelta(minutes=span["minutes"])
        return {"from": first_at.isoformat(), "to": last.isoformat()}

    def within(self, told: Mapping[str, Any], before: str = "") -> list[Done]:
        """What was done in the time that a report says it is of."""
        first, until = (datetime.fromisoformat(told[f"{before}{end}"]) for end in ENDS)
        return [one for one in self.done if first <= self.at(one) < until]

    def shown(self, one: Done, step: str) -> tuple[Any, ...]:
        """The hour or the day that the clocks showed then; an hour that comes twice is two."""
        here = self.at(one).astimezone(self.zone)
        return (here.date(), *((here.hour, here.utcoffset()) if step == "hour" else ()))

    def week(self, rows: Sequence[Done]) -> list[list[int]]:
        counts = [[0] * 24 for _ in range(7)]
        for one in rows:
            here = self.at(one).astimezone(self.zone)
            counts[here.weekday()][here.hour] += 1
        return counts


ENDS = ("start", "until")
KINDS = {"executions": "executions", "models": "calls", "tools": "calls"}


def id_at(at: datetime) -> UUID:
    """Of a row that was made then."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | new_id().int % (1 << 80))


def recorded(kind: str, ledger: Ledger) -> dict[str, Done]:
    """The rows by their ids."""
    found = {}
    for one in ledger.done:
        at, user = ledger.at(one), ledger.people[one.who]
        times = {"id": id_at(at), "started_at": at, "settled_at": at, "latency_ms": one.ms}
        status = "failed" if one.failed else "succeeded"
        row: Any
        if kind == "models":
            row = CallFactory(user=user, status=status, first_token_ms=None, **times)
        elif kind == "tools":
            row = ToolCallFactory(user=user, status=status, **times)
        else:
            version, _ = WorkflowVersion.objects.get_or_create(content_hash="0", graph={})
            over = {"status": "failed" if one.failed else "completed", "duration_ms": one.ms}
            row = WorkflowExecution.objects.create(
                user=user, version=version, finished_at=at, **over
            )
        found[str(row.pk)] = one
    return found


def ask(client: APIClient, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def listed(client: APIClient, address: str) -> list[str]:
    """The ids of all rows of a list."""
    found: list[str] = []
    more: str | None = address
    while more:
        page = client.get(more).json()
        found += [row["id"] for row in page["results"]]
        more = page["next"]
    return found


def lines_of(client: APIClient, path: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = client.get(f"{path}export/", {**query, "as": "jsonl"})

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return list(map(orjson.loads, async_to_sync(collect)().splitlines()))


def checked(numbers: Mapping[str, Any], rows: Sequence[Done], kind: str) -> None:
    """All that is exact of the numbers."""
    spread = numbers["duration" if kind == "executions" else "latency"]
    took = [one.ms for one in rows]
    assert numbers[KINDS[kind]] == spread["count"] == len(rows)
    assert numbers["failed"] == sum(one.failed for one in rows)
    mean = round(sum(took) / len(took), 1) if took else None
    least, most = min(took, default=None), max(took, default=None)
    assert (spread["mean_ms"], spread["min_ms"], spread["max_ms"]) == (mean, least, most)


@given(zones, st.sampled_from(sorted(KINDS)), some, spans, steps)
@example("Asia/Kathmandu", "models", TORN, {"range": "7d"}, "day")
@example("Australia/Lord_Howe", "tools", SET, {"after": 10, "minutes": 99}, "hour")
@example("America/Goose_Bay", "executions", SET, {"days": 1, "first": 0}, "hour")
@lawful
def test_a_report_is_what_a_recount_of_its_rows_finds(
    api: Door,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    kind: str,
    rows: list[Done],
    span: dict[str, Any],
    step: str,
) -> None:
    with undone():
        ledger = Ledger(zone, ZONES[zone], rows, monkeypatch)
        by_id = recorded(kind, ledger)
        client, path = api(AdministratorFactory()), f"/api/v1/analytics/{kind}/"
        query = {**ledger.asked(span), "zone": zone, "step": step, "of": "all"}
        told = ask(client, path, {**query, "by": "user", "compare": "true"})
        within, before = ledger.within(told), ledger.within(told, "previous_")
        if "days" in span:
            first, last = (date.fromisoformat(query[one]) for one in ("from", "to"))
            days = [ledger.shown(one, "day")[0] for one in ledger.done]
            assert len(within) == sum(first <= day < last for day in days)
        checked(told["totals"], within, kind)
        checked(told["previous"], before, kind)
        for one in told["series"]:
            at = datetime.fromisoformat(one["at"])
            name = (at.date(), *((at.hour, at.utcoffset()) if step == "hour" else ()))
            checked(
                one["numbers"], [row for row in within if ledger.shown(row, step) == name], kind
            )
        counts = [one["numbers"][KINDS[kind]] for one in told["series"]]
        assert sum(counts) == len(within)
        people = {str(user.pk): number for number, user in enumerate(ledger.people)}
        assert {one["key"] for one in told["groups"]} == {
            key
            for key, number in people.items()
            if any(one.who == number for one in (*within, *before))
        }
        for group in told["groups"]:
            own, earlier = (
                [one for one in rows if one.who == people[group["key"]]]
                for rows in (within, before)
            )
            checked(group["numbers"], own, kind)
            assert (group["previous"] is None) == (not earlier)
            if earlier:
                checked(group["previous"], earlier, kind)
            assert sorted(by_id[one].minutes for one in listed(client, group["rows"])) == sorted(
                one.minutes for one in own
            )
        for address, behind in ((told["rows"], within), (told["previous_rows"], before)):
            found = [by_id[one] for one in listed(client, address)]
            assert Counter(found) == Counter(behind)
        lines = lines_of(client, path, {**query, "by": "user"})
        assert sum(line[KINDS[kind]] for line in lines) == len(within)
        times = {one["at"]: one["until"] for one in told["series"]}
        assert {line["at"]: line["until"] for line in lines}.items() <= times.items()


@given(zones, some, spans)
@lawful
def test_an_hour_of_the_week_of_executions_is_what_the_clocks_showed(
    api: Door,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    rows: list[Done],
    span: dict[str, Any],
) -> None:
    with undone():
        ledger = Ledger(zone, ZONES[zone], rows, monkeypatch)
        by_id = recorded("executions", ledger)
        user = ledger.people[0]
        query = {**ledger.asked(span), "zone": zone}
        told = ask(api(user), f"/api/v1/analytics/users/{user.pk}/", query)
        own = [one for one in ledger.within(told) if one.who == 0]
        checked(told["totals"], own, "executions")
        assert told["active_hours"] == ledger.week(own)
        client = api(user)
        for weekday, hour, count in busy(told["active_hours"]):
            narrowed = f"{told['rows']}&weekday={weekday}&hour={hour}&zone={zone}"
            found = [by_id[one] for one in listed(client, narrowed)]
            assert len(found) == count
            assert Counter(map(tuple, ledger.week(found))) == Counter(
                map(tuple, only(weekday, hour, count))
            )


def busy(week: list[list[int]]) -> list[tuple[int, int, int]]:
    return [
        (day + 1, hour, count)
        for day, row in enumerate(week)
        for hour, count in enumerate(row)
        if count
    ]


def only(weekday: int, hour: int, count: int) -> list[list[int]]:
    return [
        [count if (day, one) == (weekday - 1, hour) else 0 for one in range(24)] for day in range(7)
    ]


@given(zones, some, spans, steps)
@lawful
def test_active_hours_and_steps_of_conversations_are_of_what_people_sent_and_began(
    api: Door,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    rows: list[Done],
    span: dict[str, Any],
    step: str,
) -> None:
    with undone():
        ledger = Ledger(zone, ZONES[zone], rows, monkeypatch)
        talks, sent = {}, {}
        for one in ledger.done:
            at = ledger.at(one)
            talk = Conversation.objects.create(owner=ledger.people[one.who], created_at=at)
            talks[str(talk.pk)] = one
            for turn, later in enumerate((timedelta(), timedelta(hours=7))):
                asked = Message(conversation=talk, turn=turn, role="user", text="Private")
                asked.id, asked.created_at = id_at(at + later), at + later
                asked.save()
                answer = Message(conversation=talk, turn=turn, role="assistant")
                answer.created_at = at + later
                answer.save()
                sent[str(asked.pk)] = Done(one.who, one.minutes + 60 * 7 * turn, 0, False)
        query = {**ledger.asked(span), "zone": zone, "step": step}
        owner, staff = api(ledger.people[0]), api(AdministratorFactory())
        for client, of in ((owner, "me"), (staff, "all")):
            told = ask(client, "/api/v1/analytics/conversations/", {**query, "of": of})
            whose = {0} if of == "me" else {0, 1}
            first, until = (datetime.fromisoformat(told[end]) for end in ENDS)
            begun = [one for one in ledger.within(told) if one.who in whose]
            messages = [
                one for one in sent.values() if one.who in whose and first <= ledger.at(one) < until
            ]
            assert told["conversations"] == len(begun)
            assert told["active_hours"] == ledger.week(messages)
            assert len(listed(client, told["message_rows"])) == len(messages)
            for weekday, hour, count in busy(told["active_hours"]):
                asked_for = f"{told['message_rows']}&weekday={weekday}&hour={hour}&zone={zone}"
                found = [sent[one] for one in listed(client, asked_for)]
                assert ledger.week(found) == only(weekday, hour, count)
            lines = lines_of(client, "/api/v1/analytics/conversations/", {**query, "of": of})
            for line in lines:
                at = datetime.fromisoformat(line["at"])
                name = (at.date(), *((at.hour, at.utcoffset()) if step == "hour" else ()))
                of_step = [one for one in begun if ledger.shown(one, step) == name]
                assert line["conversations"] == len(of_step)
                assert line["messages"] == 4 * len(of_step)
            assert sum(line["conversations"] for line in lines) == len(begun)
