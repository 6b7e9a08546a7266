"""The pages of analytics show what the reports say, of the time that is asked for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.factories.llms import CallFactory

pytestmark = pytest.mark.django_db
PAGES = ("", "models/", "tools/", "conversations/")


@pytest.fixture
def door(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def form_of(page: str) -> dict[str, str]:
    """What the browser sends of the form of dates, nothing changed."""
    form = re.search(r'<form class="report-dates".*?</form>', page, re.DOTALL)
    assert form
    found: dict[str, str] = {}
    for one in re.findall(r"<input[^>]*>", form[0]):
        at = dict(re.findall(r'(\w+)="([^"]*)"', one))
        found[at["name"]] = at.get("value", "")
    return found


@pytest.mark.parametrize("path", PAGES)
def test_each_page_takes_dates_and_a_time_zone_by_a_plain_form(door, path):
    address = f"/analytics/{path}"
    empty = form_of(door.get(address).text)
    assert empty == {"from": "", "to": "", "zone": ""}
    assert door.get(address, empty).status_code == 200
    asked = {"from": "2026-10-25", "to": "2026-10-27", "zone": "Europe/Paris"}
    page = door.get(address, asked)
    assert page.status_code == 200
    assert "2026-10-25T00:00 to 2026-10-27T00:00" in page.text
    assert form_of(page.text) == asked
    assert "1h</a>" in page.text
    assert 'aria-current="true">7d' not in page.text


def test_the_form_keeps_what_else_was_asked_and_counts_those_days(door, alice):
    at = datetime(2026, 10, 25, 22, 30, tzinfo=UTC)
    for hours in (0, 1, 48):
        CallFactory(user=alice, started_at=at + timedelta(hours=hours), model="m")
    page = door.get("/analytics/models/", {"by": "model", "step": "day", "range": "1y"})
    sent = form_of(page.text)
    assert (sent["by"], sent["step"], sent["range"]) == ("model", "day", "1y")
    sent |= {"from": "2026-10-25", "to": "2026-10-26", "zone": "Europe/Paris"}
    report: Any = door.get("/analytics/models/", sent).context["report"]
    assert (report["totals"]["calls"], report["by"], report["step"]) == (1, "model", "day")


@pytest.mark.parametrize("path", PAGES)
def test_dates_that_are_none_are_told_and_stay_in_the_form(door, path):
    asked = {"from": "2026-10-25", "to": "2026-10-24", "zone": "Mars/Olympus"}
    page = door.get(f"/analytics/{path}", asked)
    assert page.status_code == 400
    assert "bad_span" in page.text
    assert form_of(page.text) == asked
