"""What a run would cost, before it begins: as those before it did, and at most."""

import pytest

from core.money import dollars_text
from llms.models import ModelPrice
from llms.services.profiles import forget_profiles
from tests.budgets.runs import USED, finished, one_call
from tests.factories.budgets import a_budget
from tests.limits.runs import price_of_the_demo


@pytest.fixture
def told(client):
    def forecast(execution, **body):
        url = f"/api/v1/definitions/{execution.definition_id}/forecast/"
        answer = client.post(url, body)
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return forecast


def again(client, execution):
    url = f"/api/v1/definitions/{execution.definition_id}/execute/"
    assert client.post(url, {"mode": "background"}).status_code == 202
    finished(execution)


def test_it_tells_mean_and_p95_of_what_was(begin, client, told):
    price_of_the_demo(1_000)
    execution = finished(begin(one_call()))
    again(client, execution)
    shown = told(execution)["history"]
    assert shown["tokens"] == {"executions": 2, "mean": USED, "p95": USED}
    cost = dollars_text(execution.cost_nano_usd)
    assert shown["cost"] == {"executions": 2, "mean": cost, "p95": cost}
    assert shown["duration_ms"]["executions"] == 2


def test_where_nothing_was_nothing_is_told(begin, told):
    shown = told(begin(one_call()))["history"]
    for one in shown.values():
        assert one == {"executions": 0, "mean": None, "p95": None}


def test_what_has_no_price_has_no_cost(begin, told):
    execution = begin(one_call())
    ModelPrice.objects.all().delete()
    forget_profiles()
    finished(execution)
    shown = told(execution)
    assert shown["history"]["cost"]["executions"] == 0
    assert shown["history"]["tokens"]["executions"] == 1
    assert shown["at_most"]["cost"] is None
    assert shown["at_most"]["tokens"] > 0


def test_it_names_the_budgets_that_may_refuse_it(begin, told, alice):
    execution = begin(one_call())
    needs = told(execution)["at_most"]["tokens"]
    a_budget("user", alice.pk, name="Enough", cap=needs)
    a_budget("definition", execution.definition_id, name="Short", cap=needs - 1)
    a_budget(name="Asleep", cap=0, active=False)
    (short,) = told(execution)["short"]
    assert (short["name"], short["left"], short["needs"]) == ("Short", str(needs - 1), str(needs))


def test_templates_have_forecasts_too(client):
    shown = client.post("/api/v1/templates/universal_chat/forecast/", {})
    assert shown.status_code == 200, shown.json()
    assert shown.json()["at_most"]["tokens"] > 0


def test_a_stranger_is_told_of_nothing(begin, api, charlie):
    url = f"/api/v1/definitions/{begin(one_call()).definition_id}/forecast/"
    assert api(charlie).post(url, {}).status_code == 404
