"""Lists of what grows with use cost as much for a million rows as for a few."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import long_lists
from llms.models import ModelCall
from tests.factories.audit import write_entries
from tests.factories.llms import CallFactory, ProfileFactory
from tests.factories.tools import ToolCallFactory
from tests.plans import plans
from tools.models import ToolCall

pytestmark = pytest.mark.django_db
CALLS = "/admin/tools/toolcall/"
EXECUTIONS = "workflows/workflowexecution"
NONE = "01a2221a-99f3-753d-8348-0087541398bc"
FOUND_BY_ID = [
    *("workflows/workflowexecution", "workflows/executionevent", "workflows/approval"),
    *("conversations/conversation", "conversations/message", "experiments/exposure"),
    *("experiments/unitevent", "webhooks/webhookmessage", "webhooks/webhookattempt"),
    *("triggers/schedulefiring", "triggers/chainfiring", "audit/auditentry"),
]


@pytest.fixture
def office(admin):
    client = Client()
    client.force_login(admin)
    return client


@contextmanager
def no_walk(rows: str) -> Iterator[None]:
    """Whatever is asked of these rows inside is found by an index."""
    with plans(apps.get_model(rows.replace("/", "."))) as steps:
        yield
    assert steps
    assert [one for one in steps if one.startswith("SCAN")] == []


def asked_by(client: Any, path: str, query: Any = None) -> tuple[Any, list[dict[str, Any]]]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path, query)
    assert answer.status_code == 200, answer.content
    return answer, asked.captured_queries


@pytest.mark.parametrize("rows", ["llms/modelcall", "tools/toolcall", "conversations/message"])
def test_no_page_asks_which_values_its_rows_have(office, rows):
    _, asked = asked_by(office, f"/admin/{rows}/")
    assert [one["sql"] for one in asked if "DISTINCT" in one["sql"]] == []


def test_calls_are_filtered_by_what_the_catalogue_has_and_by_what_it_had(office):
    ProfileFactory(provider__name="acme", model="new")
    CallFactory(provider="acme", model="new")
    CallFactory(provider="gone", model="old")
    page = office.get("/admin/llms/modelcall/").text
    assert all(f"?{one}" in page for one in ("provider=acme", "model=new"))
    assert not any(f"?{one}" in page for one in ("provider=gone", "model=old"))
    for asked, shown in (({"provider": "acme"}, "acme:new"), ({"model": "old"}, "gone:old")):
        page = office.get("/admin/llms/modelcall/", asked)
        assert [str(one).split()[0] for one in page.context["cl"].result_list] == [shown]
        assert [one["display"] for one in chosen(page)] == list(asked.values())


def chosen(page: Any) -> list[Any]:
    """The choices of filters that a page is of, but for "All"."""
    cl = page.context["cl"]
    choices = [one for spec in cl.filter_specs for one in [*spec.choices(cl)][1:]]
    return [one for one in choices if one["selected"]]


def test_all_rows_are_reached_though_not_all_are_counted(office, monkeypatch):
    monkeypatch.setattr(long_lists, "_COUNTED", 100)
    made = [one.pk for one in ToolCallFactory.create_batch(130)]
    first = office.get(CALLS)
    assert "More than 100 tool calls" in " ".join(first.text.split())
    assert ("?p=2" in first.text, "?p=3" in first.text, "Older" in first.text) == (
        True,
        False,
        False,
    )
    last = office.get(CALLS, {"p": 2})
    older = office.get(CALLS + re.search(r'href="([^"]+)">Older<', last.text)[1])
    assert "30 tool calls" in older.text
    assert "Older" not in older.text
    shown = [one.pk for page in (first, last, older) for one in page.context["cl"].result_list]
    assert shown == made[::-1]


def test_a_list_is_counted_no_further_than_its_pages_reach(office):
    ToolCallFactory.create_batch(60)
    _, asked = asked_by(office, CALLS)
    counts = [
        one["sql"] for one in asked if "COUNT(" in one["sql"] and "tools_toolcall" in one["sql"]
    ]
    assert counts
    assert all("LIMIT 5001" in one for one in counts)


def test_a_list_is_sorted_by_any_of_its_columns(office):
    made = [ToolCallFactory(latency_ms=number) for number in (2, 3, 1)]
    page = office.get(CALLS)
    assert [*page.context["cl"].result_list] == made[::-1]
    latency = page.context["cl"].list_display.index("latency_ms")
    by_latency = office.get(CALLS, {"o": latency}).context["cl"].result_list
    assert [one.latency_ms for one in by_latency] == [1, 2, 3]


def test_few_rows_are_looked_for_once(office):
    ToolCallFactory()
    ToolCallFactory(status="lost")
    page, asked = asked_by(office, CALLS, {"status__exact": "lost"})
    assert page.context["cl"].result_count == 1
    rows = [one["sql"] for one in asked if 'FROM "tools_toolcall"' in one["sql"]]
    assert len(rows) == 2
    assert " IN (" in rows[1].partition("WHERE")[2]


@pytest.mark.parametrize("rows", FOUND_BY_ID)
def test_a_search_for_an_id_walks_through_nothing(office, rows):
    with no_walk(rows):
        assert office.get(f"/admin/{rows}/", {"q": NONE}).context["cl"].result_count == 0


def test_executions_of_a_conversation_are_found_without_walking_through_all(office):
    with no_walk(EXECUTIONS):
        page = office.get(f"/admin/{EXECUTIONS}/", {"q": f"conversation:{NONE}"})
    assert page.context["cl"].result_count == 0


def test_what_is_no_whole_value_is_looked_for_as_a_part(office, api, alice, built_in):
    for text in ("The tides of May", "The tides of June"):
        api(alice).post("/api/v1/chat/", {"message": text, "mode": "background"})
    found = {
        text: office.get("/admin/conversations/conversation/", {"q": text}).context["cl"]
        for text in ("TIDES", "of June", "ali", "alice", "of July")
    }
    counts = {text: cl.result_count for text, cl in found.items()}
    assert counts == {"TIDES": 2, "of June": 1, "ali": 2, "alice": 2, "of July": 0}


def test_how_many_were_found_stands_beside_a_search_alone(office):
    call = ToolCallFactory()
    assert "Show all" not in office.get(CALLS).text
    page = " ".join(office.get(CALLS, {"q": str(call.pk)}).text.split())
    assert '1 result (<a href="?">Show all</a>)' in page


@pytest.mark.parametrize(
    ("rows", "make"), [("llms/modelcall", CallFactory), ("tools/toolcall", ToolCallFactory)]
)
def test_a_call_is_found_by_its_origin_and_its_id_without_a_walk(office, rows, make):
    made, _ = make(), make()
    for text in (made.origin, str(made.pk), made.pk.hex):
        with no_walk(rows):
            page = office.get(f"/admin/{rows}/", {"q": text})
        assert [*page.context["cl"].result_list] == [made]


def test_executions_are_found_by_who_asked_for_them(office, alice, charlie, api, built_in):
    for who in (alice, charlie):
        api(who).post("/api/v1/chat/", {"message": "hi", "mode": "background"})
    page = office.get(f"/admin/{EXECUTIONS}/", {"q": "alice"})
    assert {one.user_id for one in page.context["cl"].result_list} == {alice.pk}


def test_entries_of_an_app_are_found_by_an_index(office):
    write_entries(1, action="llms.price.created")
    write_entries(1, action="llmsies.price.created")
    with no_walk("audit/auditentry"):
        page = office.get("/admin/audit/auditentry/", {"app": "llms"})
    assert [one.action for one in page.context["cl"].result_list] == ["llms.price.created"]


@pytest.mark.parametrize(
    ("path", "rows", "query"),
    [
        ("executions", EXECUTIONS, {"created_after": "2026-11-01T00:00Z"}),
        ("executions", EXECUTIONS, {"created_before": "2020-11-01T00:00Z"}),
        ("model-calls", "llms/modelcall", {"settled_before": "2020-11-01T00:00Z"}),
        ("tool-calls", "tools/toolcall", {"settled_before": "2020-11-01T00:00Z"}),
        ("analytics/messages", "conversations/message", {"created_before": "2020-11-01T00:00Z"}),
    ],
)
def test_rows_of_a_time_are_found_by_their_ids(api, admin, path, rows, query):
    with no_walk(rows):
        assert api(admin).get(f"/api/v1/{path}/", query).json()["results"] == []


@pytest.mark.parametrize("side", ["before", "after"])
def test_calls_of_a_time_need_not_be_sorted(api, admin, side):
    """An index of the times finds them, but not in the order of the list."""
    for path, model in (("model-calls", ModelCall), ("tool-calls", ToolCall)):
        with plans(model) as steps:
            api(admin).get(f"/api/v1/{path}/", {f"started_{side}": "2026-11-01T00:00Z"})
        assert ["(id" in one for one in steps] == [True]


def test_the_back_office_finds_rows_of_a_time_by_their_ids(office):
    cl = office.get(f"/admin/{EXECUTIONS}/").context["cl"]
    choices = [one for spec in cl.filter_specs for one in spec.choices(cl)]
    (today,) = [one["query_string"] for one in choices if one["display"] == "Today"]
    with no_walk(EXECUTIONS):
        assert office.get(f"/admin/{EXECUTIONS}/{today}").status_code == 200


def test_nobody_elses_approvals_are_looked_at(api, alice):
    with no_walk("workflows/approval"):
        assert api(alice).get("/api/v1/approvals/").json()["results"] == []
