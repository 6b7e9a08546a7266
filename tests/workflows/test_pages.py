"""The page of a run: it has as much as the API has on a page, and says where the rest is."""

import json
import re

import pytest

from tests.definitions.graphs import graph
from tests.factories.llms import CallFactory
from tests.workers.backlog import wait_in_line


@pytest.fixture
def run(built_in, alice):
    """One that has made 52 calls, of the nodes 0 to 51."""
    (execution,) = wait_in_line([alice])
    for number in range(52):
        CallFactory(user=alice, origin=execution.origin, node=f"n{number}")
    return execution


@pytest.fixture
def look(client, alice):
    client.force_login(alice)

    def at(address):
        page = client.get(address)
        assert page.status_code == 200
        return page.content.decode()

    return at


def nodes(page):
    return re.findall(r'<th scope="row">(n\d+)</th>', page)


def link(page, name):
    tag = re.search(f'<a [^>]*id="{name}-calls"[^>]*>', page)[0]
    return None if "hidden" in tag else re.search('href="(.+?)"', tag)[1]


def test_a_run_of_many_calls_shows_the_latest_and_leads_to_those_before(run, look):
    page = look(f"/executions/{run.pk}/")
    assert nodes(page) == [f"n{number}" for number in range(2, 52)]
    assert link(page, "later") is None
    before = look(link(page, "earlier"))
    assert (nodes(before), link(before, "earlier")) == (["n0", "n1"], None)
    assert nodes(look(link(before, "later"))) == nodes(page)


def test_a_run_is_called_by_the_name_of_what_it_is_of(look, api, alice):
    body = {"name": "Returns desk", "graph": graph(edges=["start>end"])}
    definition = api(alice).post("/api/v1/definitions/", body).json()["id"]
    begun = api(alice).post(f"/api/v1/definitions/{definition}/execute/", {"mode": "background"})
    run = begun.json()["execution"]["id"]
    assert f'href="/executions/{run}/" dir="auto">Returns desk</a>' in look("/executions/")
    assert '<h1 dir="auto">Returns desk</h1>' in look(f"/executions/{run}/")


def test_a_place_on_the_page_is_the_same_place_in_the_api(run, look, api, alice):
    cursor = link(look(f"/executions/{run.pk}/"), "earlier").partition("?cursor=")[2]
    rows = api(alice).get(f"/api/v1/model-calls/?execution={run.pk}&cursor={cursor}").json()
    assert [one["node"] for one in rows["results"]] == ["n1", "n0"]


def test_a_place_that_nobody_was_given_is_no_page(run, client, alice):
    client.force_login(alice)
    assert client.get(f"/executions/{run.pk}/", {"cursor": "zzz"}).status_code == 404


def test_the_page_knows_the_last_event_that_it_is_as_new_as(look, api, alice, built_in, drain):
    asked = {"message": "Hello", "mode": "background"}
    pk = api(alice).post("/api/v1/chat/", asked).json()["execution"]["id"]
    drain()
    last = api(alice).get(f"/api/v1/executions/{pk}/events/").json()["last_seq"]
    page = look(f"/executions/{pk}/")
    told = re.search(r'<script id="seen-data"[^>]*>(.+?)</script>', page)[1]
    assert json.loads(told) == last
