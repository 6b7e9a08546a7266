"""A hundred who ask for the same at the same time, at a server: one execution, the same answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from asgiref.sync import async_to_sync

from core import clock
from tests.definitions.graphs import asks, graph
from tests.drills.server import Chatter, chatter
from webhooks.signing import sign

pytestmark = pytest.mark.slow
AT_ONCE = 100
SAY = {"message": "say exactly: once"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatter]:
    """With one place for all the runs of a user: nobody may take a second one."""
    home: Path = tmp_path_factory.mktemp("once")
    with chatter(home, RUN_MAX_CONCURRENT="1", WEBHOOK_RATE="1000/min") as running:
        running.furnish(people=["alice"], graphs={"letters": graph(asks())})
        running.start()
        yield running


def all_at_once(
    site: Chatter, ask: Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]
) -> list[httpx2.Response]:
    async def scenario() -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=AT_ONCE)
        headers = site.people["alice"].headers
        async with httpx2.AsyncClient(
            base_url=site.url, headers=headers, timeout=60, limits=limits
        ) as client:
            return await asyncio.gather(*(ask(client) for _ in range(AT_ONCE)))

    return async_to_sync(scenario)()


def executions(site: Chatter) -> int:
    page = httpx2.get(
        f"{site.url}/api/v1/executions/?page_size=200", headers=site.people["alice"].headers
    )
    return len(page.json()["results"])


@pytest.mark.parametrize(("mode", "status"), [("wait", 201), ("background", 202)])
def test_a_hundred_with_one_key_start_one_execution(site: Chatter, mode: str, status: int) -> None:
    before = executions(site)
    key = {"Idempotency-Key": f"at once, {mode}"}
    told = all_at_once(
        site, lambda client: client.post("/api/v1/chat/", json={**SAY, "mode": mode}, headers=key)
    )
    assert {one.status_code for one in told} == {status}, told[0].text
    assert len({one.content for one in told}) == 1
    assert executions(site) == before + 1
    over(site, told[0].json()["execution"]["id"])


def test_a_hundred_retries_with_one_key_are_one_retry(site: Chatter) -> None:
    headers = site.people["alice"].headers
    asked = {"message": "please fail", "mode": "wait"}
    failed = httpx2.post(f"{site.url}/api/v1/chat/", json=asked, headers=headers, timeout=60).json()
    before = executions(site)
    again = f"/api/v1/executions/{failed['execution']['id']}/retry/"
    key = {"Idempotency-Key": "retried at once"}
    told = all_at_once(site, lambda client: client.post(again, json={}, headers=key))
    assert {one.status_code for one in told} == {202}, {one.text for one in told}
    assert len({one.json()["execution"]["id"] for one in told}) == 1
    assert executions(site) == before + 1
    over(site, told[0].json()["execution"]["id"])


def test_a_hundred_deliveries_of_one_id_start_one_execution(site: Chatter) -> None:
    made = httpx2.post(
        f"{site.url}/api/v1/webhooks/incoming/",
        json={"name": "Orders", "definition": site.made["definitions"]["letters"]},
        headers=site.people["alice"].headers,
    ).json()
    before, body, now = executions(site), orjson.dumps({"text": "x"}), int(clock.now().timestamp())
    headers = {
        "webhook-id": "one",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(made["secret"], "one", now, body),
        "content-type": "application/json",
        "authorization": "",
    }
    told = all_at_once(
        site, lambda client: client.post(made["path"], content=body, headers=headers)
    )
    assert {one.status_code for one in told} == {202}, {one.text for one in told}
    assert len({one.json()["execution"] for one in told}) == 1
    assert executions(site) == before + 1
    over(site, told[0].json()["execution"])


@pytest.mark.parametrize("what", ["message", "conversation"])
def test_of_a_hundred_who_delete_the_same_one_does(site: Chatter, what: str) -> None:
    mine = {"base_url": site.url, "headers": site.people["alice"].headers, "timeout": 60}
    with httpx2.Client(**mine) as client:
        talk = client.post("/api/v1/conversations/", json={}).json()["id"]
        address = f"/api/v1/conversations/{talk}/"
        for _ in range(3):
            said = client.post(f"{address}messages/", json=SAY).json()
        reply = f"{address}messages/{said['message']['id']}/"
        assert client.put(f"{reply}rating/", json={"helpful": True}).status_code == 201
    deleted_once(site, reply if what == "message" else address)
    counted = site.manage("reconcile")
    assert counted.returncode == 0, counted.stdout


@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("/api/v1/secrets/", {"name": "crm", "value": "a-long-value", "hosts": ["crm.example"]}),
        ("/api/v1/webhooks/incoming/", {"name": "Orders", "definition": "letters"}),
    ],
    ids=["secret", "webhook"],
)
def test_what_a_hundred_delete_is_recorded_as_deleted_once(
    site: Chatter, address: str, given: dict[str, Any]
) -> None:
    if "definition" in given:
        given = {**given, "definition": site.made["definitions"][given["definition"]]}
    headers = site.people["alice"].headers
    made = httpx2.post(site.url + address, json=given, headers=headers).json()
    deleted_once(site, f"{address}{made['id']}/")


def deleted_once(site: Chatter, address: str) -> None:
    """A hundred delete it, and only one is told that it did."""
    told = all_at_once(site, lambda client: client.delete(address))
    assert sorted(one.status_code for one in told) == [204, *[404] * (AT_ONCE - 1)]


def over(site: Chatter, execution: Any) -> None:
    """Its place is free again."""
    address = f"{site.url}/api/v1/executions/{execution}/"
    for _ in range(100):
        if httpx2.get(address, headers=site.people["alice"].headers).json()["finished_at"]:
            return
        async_to_sync(asyncio.sleep)(0.05)
    raise AssertionError("It does not end.")
