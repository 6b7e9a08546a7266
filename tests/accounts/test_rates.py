"""How often one may ask: counted by user and route, told in standard headers, without a query."""

import os
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import windows
from accounts.windows import Rate, Window
from audit.models import AuditEntry
from audit.refusals import TOLD_AGAIN

LIST, MODELS, CHAT = "/api/v1/definitions/", "/api/v1/models/", "/api/v1/chat/"


@pytest.fixture
def rates(settings):
    settings.CHATTER_RATES = {"read": "2/min", "write": "1/min", "start": "1/hour"}


def test_the_answer_tells_what_is_left(rates, api, alice):
    client = api(alice)
    told = client.get(LIST)
    assert told["RateLimit-Policy"] == '"read";q=2;w=60'
    assert re.fullmatch(r'"read";r=1;t=\d+', told["RateLimit"])
    assert client.get(LIST)["RateLimit"].startswith('"read";r=0;')


def test_who_asks_too_often_is_told_when_to_come_again(rates, api, alice):
    client = api(alice)
    answers = [client.get(LIST) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert f"t={refused['Retry-After']}" in refused["RateLimit"]


def test_each_user_and_each_route_has_its_own(rates, api, alice, charlie):
    client = api(alice)
    for _ in range(3):
        client.get(LIST)
    assert client.get(MODELS).status_code == 200
    assert api(charlie).get(LIST).status_code == 200


def test_who_has_many_addresses_of_one_network_and_no_name_is_one(rates, client, db):
    def asked(address):
        sent = {"content_type": "application/json", "REMOTE_ADDR": address}
        return client.post("/api/v1/auth/token/", {}, **sent).status_code

    hosts = ("2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:1::2")
    assert [asked(one) for one in hosts] == [400, 400, 429]


def test_what_starts_a_run_is_counted_by_itself(rates, api, alice, built_in):
    client, body = api(alice), {"message": "hello", "mode": "background"}
    first = client.post(CHAT, body)
    assert (first.status_code, first["RateLimit-Policy"]) == (202, '"start";q=1;w=3600')
    assert client.post(CHAT, body).status_code == 429


def test_an_address_may_have_a_rate_of_its_own(rates, settings, api, alice, charlie, built_in):
    settings.CHATTER_ROUTE_RATES = {
        LIST: "3/hour",
        "/api/v1/conversations/{id}/": "1/min",
        CHAT: "2/min",
    }
    client = api(alice)
    told = client.get(LIST)
    assert told["RateLimit-Policy"] == '"route";q=3;w=3600'
    assert [client.post(LIST, {}).status_code, client.get(LIST).status_code] == [400, 200]
    assert client.get(LIST).status_code == 429
    assert api(charlie).get(LIST).status_code == 200
    talks = [f"/api/v1/conversations/{uuid4()}/" for _ in range(2)]
    assert [client.get(talk).status_code for talk in talks] == [404, 429]
    body = {"message": "hello", "mode": "background"}
    assert [client.post(CHAT, body).status_code for _ in range(3)] == [202, 202, 429]
    assert client.get(MODELS)["RateLimit-Policy"] == '"read";q=2;w=60'
    assert {one.detail["limit"] for one in refusals()} == {"route"}


def test_a_rate_of_what_is_no_address_is_told(settings):
    known = (LIST, "/api/v1/executions/{id}/retry/", "/api/v1/analytics/users/{pk}/")
    pages = ("/", "/budgets/", "/executions/{id}/", "/admin/accounts/user/{object_id}/change/")
    unknown = ("/api/v1/chat", "/budget/")
    settings.CHATTER_ROUTE_RATES = dict.fromkeys((*known, *pages, *unknown), "1/min")
    found = [one.msg for one in run_checks() if one.id == "accounts.E001"]
    assert found == [f"RATE_ROUTES: {one} is no address." for one in unknown]


PAGE = "/budgets/"


def test_pages_are_counted_by_the_same_rates(rates, client, alice, charlie):
    client.force_login(alice)
    answers = [client.get(PAGE, {"page": str(number)}) for number in (1, 1, 1)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[0]["RateLimit"].startswith('"read";r=1;')
    refused = answers[-1]
    assert f"Try again in {refused['Retry-After']} s." in refused.content.decode()
    assert f"t={refused['Retry-After']}" in refused["RateLimit"]
    assert client.get("/executions/").status_code == 200
    client.force_login(charlie)
    assert client.get(PAGE).status_code == 200
    assert [(one.actor_id, one.detail["route"]) for one in refusals()] == [(alice.pk, "budgets")]


def test_the_back_office_is_counted_too(rates, admin_client):
    address = "/admin/accounts/user/"
    assert [admin_client.get(address).status_code for _ in range(3)] == [200, 200, 429]


def test_a_page_may_have_a_rate_of_its_own(settings, client, alice):
    settings.CHATTER_ROUTE_RATES = {PAGE: "1/hour"}
    client.force_login(alice)
    assert [client.get(PAGE).status_code for _ in range(2)] == [200, 429]
    assert "RateLimit" not in client.get("/executions/")


def test_whoever_asks_whether_the_server_is_well_is_not_counted(rates, client, db):
    answers = [client.get(page) for page in ("/healthz", "/readyz", "/login/") for _ in range(4)]
    assert 429 not in {one.status_code for one in answers}


@pytest.mark.django_db(transaction=True)
def test_pages_of_an_asynchronous_server_are_counted(rates, async_client, alice):
    async def asked():
        await async_client.aforce_login(alice)
        return [(await async_client.get(PAGE)).status_code for _ in range(3)]

    assert async_to_sync(asked)() == [200, 200, 429]


def test_counting_a_page_costs_no_query(settings, client, alice):
    client.force_login(alice)
    client.get(PAGE)
    counted = []
    for rate in ("", "100/min"):
        settings.CHATTER_RATES = dict.fromkeys(("read", "write", "start"), rate)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_counting_costs_no_query(settings, api, alice):
    client = api(alice)
    client.get(LIST)
    counted = []
    for rate in ("", "100/min"):
        settings.CHATTER_RATES = dict.fromkeys(("read", "write", "start"), rate)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1]


def refusals():
    return list(AuditEntry.objects.filter(action="accounts.rate.exceeded").order_by("id"))


@pytest.mark.parametrize(("limit", "asked"), [("read", LIST), ("start", CHAT)])
def test_a_flood_is_told_at_once_and_by_few_entries(rates, api, alice, built_in, limit, asked):
    client, body = api(alice), {"message": "hello", "mode": "background"}
    told = []
    for count in range(4 * TOLD_AGAIN + 10 + (2 if limit == "read" else 1)):
        answer = client.get(asked) if limit == "read" else client.post(asked, body)
        if len(refusals()) > len(told):
            told.append((count, answer.status_code))
    first = 2 if limit == "read" else 1
    assert told == [(first + count - 1, 429) for count in (1, 20, 40, 80)]
    entries = refusals()
    assert [one.detail["count"] for one in entries] == [1, 19, 20, 40]
    assert {(one.actor_id, one.outcome, one.detail["limit"]) for one in entries} == {
        (alice.pk, "denied", limit)
    }
    assert entries[0].personal_content == {"address": "127.0.0.1"}


def test_each_user_is_told_of_by_itself(rates, api, alice, charlie):
    for user in (alice, charlie):
        client = api(user)
        for _ in range(4):
            client.get(LIST)
    assert [one.actor_id for one in refusals()] == [alice.pk, charlie.pk]


def test_without_a_limit_nothing_is_told(api, alice):
    assert "RateLimit" not in api(alice).get(LIST)


def test_nobody_is_refused_because_the_cache_is_away(rates, cache_away, api, alice):
    client = api(alice)
    answers = [client.get(LIST) for _ in range(3)]
    assert [one.status_code for one in answers] == [200] * 3
    assert "RateLimit" not in answers[-1]


def test_a_cache_that_hangs_is_waited_for_by_one_and_briefly(rates, settings, api, alice):
    client = api(alice)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.RATES_REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        for most_s in (3, 0.5, 0.5):
            began = time.monotonic()
            assert client.get(LIST).status_code == 200
            assert time.monotonic() - began < most_s


def test_a_cache_that_is_back_counts_again(rates, settings, api, alice, monkeypatch):
    monkeypatch.setattr(windows, "_SILENT_S", 0.0)
    client, there = api(alice), settings.RATES_REDIS_URL
    monkeypatch.setitem(windows._asked_again_at, there, time.monotonic())
    assert client.get(LIST)["RateLimit"].startswith('"read";r=1;')
    assert there not in windows._asked_again_at


def test_no_span_of_a_minute_has_more_than_may_be(rates, api, alice, monkeypatch):
    client, now = api(alice), time.time()
    told = []
    for gone_s in (0, 40, 59, 61, 61):
        moved = SimpleNamespace(time=lambda gone_s=gone_s: now + gone_s)
        monkeypatch.setattr("limits.storage.memory.time", moved)
        monkeypatch.setattr("accounts.windows.time", moved)
        answer = client.get(LIST)
        told.append((answer.status_code, answer["RateLimit"]))
    assert told == [
        (200, '"read";r=1;t=60'),
        (200, '"read";r=0;t=20'),
        (429, '"read";r=0;t=1'),
        (200, '"read";r=0;t=39'),
        (429, '"read";r=0;t=39'),
    ]


def test_of_the_first_who_come_at_once_no_more_are_let_in_than_may_be():
    """In a process that has just begun, and counts in its memory."""
    seldom = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(10):
                windows._limiter.cache_clear()
                together, window = Barrier(8), Window("login", Rate(3, 60))

                def come(together=together, window=window):
                    together.wait()
                    return not window.take().is_refused

                coming = [pool.submit(come) for _ in range(8)]
                assert sum(one.result() for one in coming) == 3
    finally:
        sys.setswitchinterval(seldom)


@pytest.mark.usefixtures("production_profile")
def test_with_redis_all_processes_count_together(settings, api, alice):
    settings.CHATTER_RATES = {"read": "2/min", "write": "", "start": ""}
    settings.RATES_REDIS_URL = settings.REDIS_URL
    answers = []
    for _ in range(3):
        windows._limiter.cache_clear()  # as another process has it
        answers.append(api(alice).get(LIST))
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one["RateLimit"][:12] for one in answers] == [
        '"read";r=1;t',
        '"read";r=0;t',
        '"read";r=0;t',
    ]


_FIRST = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import django
from django.conf import settings
from django.test import Client

django.setup()
settings.ALLOWED_HOSTS = ["testserver"]
together = Barrier(8)


def log_in(number):
    client, body = Client(raise_request_exception=False), {"username": "alice", "password": "x"}
    together.wait()
    return client.post("/api/v1/auth/token/", body, content_type="application/json").status_code


with ThreadPoolExecutor(8) as pool:
    print({*pool.map(log_in, range(8))})
"""


def test_the_first_who_come_at_once_are_counted_with_redis_too():
    """In a process that has just begun, whose Redis does not answer: nobody gets an error 500."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "chatter_project.settings",
        "CHATTER_ENV_FILE": os.devnull,
        "DATABASE_URL": "sqlite://:memory:",
        "CHATTER_SECRET_KEY": "for-a-test-" * 6,
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    told = subprocess.run(
        [sys.executable, "-c", _FIRST],
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "{503}", told.stderr[-2000:]
