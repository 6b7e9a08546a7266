"""Who is about to run a workflow in the back office sees what that may cost."""

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from llms.models import ModelPrice, ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo
from workflows.models import WorkflowExecution

LIST = "/admin/workflows/workflowdefinition/"


@pytest.fixture
def office(office) -> Client:
    """The same, with models that have bounds."""
    ModelProfile.objects.update(max_output_tokens=20, context_window=500)
    forget_profiles()
    return office


@pytest.fixture
def run(made) -> str:
    return f"{LIST}{made['id']}/run/"


@pytest.fixture
def told(api, admin, made):
    """What the API says of it."""
    client: APIClient = api(admin)

    def forecast(**body):
        return client.post(f"/api/v1/definitions/{made['id']}/forecast/", body).json()

    return forecast


def row(page, name: str) -> list[str]:
    """The cells of a line of the table, as they are read without scripts."""
    found = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', page.content.decode(), re.S)
    assert found
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td>(.*?)</td>", found[1], re.S)]


def test_what_is_expected_and_the_bound_are_those_of_the_api(office, run, told, drain):
    price_of_the_demo(1_000)
    for words in (5, 15):
        office.post(run, {"input": f'{{"message": "say {words} words"}}'})
    drain()
    assert WorkflowExecution.objects.filter(status="completed").count() == 2
    page, api = office.get(run), told()
    was, most = api["history"], api["at_most"]
    cost = [f"${was['cost']['mean']}", f"${was['cost']['p95']}", f"${most['cost']}", "2 runs"]
    assert row(page, "Cost") == cost
    tokens = [was["tokens"]["mean"], was["tokens"]["p95"], most["tokens"]]
    assert row(page, "Tokens") == [*map(str, tokens), "2 runs"]
    assert row(page, "Time")[-1] == "2 runs"
    assert "nobody knows one" not in page.content.decode()


def test_where_there_is_no_bound_it_says_why(office, run, told):
    ModelPrice.objects.all().delete()
    forget_profiles()
    page = office.get(run)
    assert row(page, "Cost") == ["–", "–", "–", "0 runs"]
    (why,) = told()["at_most"]["unknown"]
    text = page.content.decode()
    assert why["message"] in text
    assert f"<small>{why['code']}</small>" in text


def test_budgets_that_may_refuse_it_are_named_with_what_is_left(office, run, admin):
    price_of_the_demo(1_000)
    a_budget("user", admin.pk, name="Purse", unit="nano_usd", cap=20_000_000)
    a_budget("user", admin.pk, name="Few tokens", cap=7)
    text = re.sub("<[^>]+>", "", office.get(run).content.decode())
    assert "Purse $0.02 left" in text
    assert "Few tokens 7 tokens left" in text


def test_a_forecast_with_parameters_begins_nothing(office, run, client, made, told):
    document = graph(asks("Be kind.", max_tokens="{{params.longest}}"))
    address = f"/api/v1/definitions/{made['id']}/"
    assert client.patch(address, {"graph": document}).status_code == 200
    assert client.post(f"{address}versions/2/publish/").status_code == 200
    assert "longest" in office.get(run).content.decode()  # what cannot begin yet, and why
    asked = {"input": '{"message": "kept"}', "parameters": '{"longest": 5}', "forecast": "1"}
    page = office.post(run, asked)
    assert page.status_code == 200
    assert row(page, "Tokens")[2] == str(told(parameters={"longest": 5})["at_most"]["tokens"])
    assert "kept" in page.content.decode()
    assert not WorkflowExecution.objects.exists()
