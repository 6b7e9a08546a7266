"""The ledger and the list of models over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core import clock
from core.models import new_id
from llms.models import ModelProfile
from llms.services.providers import make_default
from tests.factories.llms import CallFactory, PriceFactory, ProfileFactory, ProviderFactory

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]


def calls(client: APIClient, **query: Any) -> list[dict[str, Any]]:
    response = client.get("/api/v1/model-calls/", query)
    assert response.status_code == 200, response.json()
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_a_call_tells_all_that_is_known(api: Api, alice: User) -> None:
    execution = new_id()
    call = CallFactory(
        user=alice,
        origin=f"execution:{execution}",
        input_tokens=6,
        cache_read_tokens=4,
        output_tokens=3,
        reasoning_tokens=2,
        cost_nano_usd=852_000,
        request_id="r-1",
    )
    (shown,) = calls(api(alice))
    assert shown.pop("started_at")
    assert shown.pop("settled_at")
    assert shown == {
        "id": str(call.pk),
        "execution": str(execution),
        "node": "model",
        "visit": 1,
        "call_index": 0,
        "attempt": 1,
        "purpose": "answer",
        "provider": "provider",
        "model": "model",
        "served_model": "",
        "status": "succeeded",
        "exactness": "metered",
        "answered_by": "provider",
        "source_call": None,
        "usage": {
            "input": 6,
            "cache_read": 4,
            "cache_write": 0,
            "output": 3,
            "reasoning": 2,
            "total": 15,
        },
        "upper_bound_tokens": None,
        "cost": "0.000852",
        "upper_bound_cost": None,
        "latency_ms": 12,
        "first_token_ms": 3,
        "finish_reason": "stop",
        "error": None,
        "streamed": True,
        "request_id": "r-1",
    }


def test_what_is_unknown_is_null_and_not_zero(api: Api, alice: User) -> None:
    unknown = dict.fromkeys(
        ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]
        + ["reasoning_tokens", "total_tokens", "cost_nano_usd"]
    )
    CallFactory(
        user=alice,
        status="lost",
        exactness="open",
        upper_bound_tokens=99,
        upper_bound_nano_usd=1,
        error_code="call_lost",
        error_message="Lost.",
        **unknown,
    )
    (shown,) = calls(api(alice))
    assert set(shown["usage"].values()) == {None}
    assert shown["cost"] is None
    assert (shown["upper_bound_tokens"], shown["upper_bound_cost"]) == (99, "0.000000001")
    assert shown["error"] == {"code": "call_lost", "message": "Lost."}


def test_calls_are_found_by_execution_and_status(api: Api, alice: User) -> None:
    mine = CallFactory(user=alice)
    CallFactory(user=alice, status="failed")
    execution = mine.origin.removeprefix("execution:")
    assert [call["id"] for call in calls(api(alice), execution=execution)] == [str(mine.pk)]
    assert [call["status"] for call in calls(api(alice), status="failed")] == ["failed"]


def test_nobody_sees_the_calls_of_others(api: Api, alice: User, charlie: User) -> None:
    call = CallFactory(user=alice)
    assert calls(api(charlie)) == []
    assert calls(api(charlie), execution=call.origin.removeprefix("execution:")) == []


def test_staff_see_all_calls(api: Api, alice: User, admin: User) -> None:
    CallFactory(user=alice)
    CallFactory(user=None)
    assert len(calls(api(admin))) == 2


@pytest.mark.parametrize("query", [{"execution": "no-uuid"}, {"status": "nonsense"}])
def test_a_filter_that_makes_no_sense_is_refused(api: Api, alice: User, query: Any) -> None:
    response = api(alice).get("/api/v1/model-calls/", query)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid"


@pytest.mark.parametrize("path", ["/api/v1/model-calls/", "/api/v1/models/"])
def test_one_has_to_sign_in(path: str) -> None:
    assert APIClient().get(path).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/model-calls/", "/api/v1/models/"])
def test_a_list_costs_as_many_queries_for_20_rows_as_for_1(
    api: Api, alice: User, path: str, django_assert_num_queries: Any
) -> None:
    client = api(alice)
    CallFactory(user=alice)
    ProfileFactory()
    client.get(path)
    with django_assert_num_queries(3):  # session, user, rows
        client.get(path)
    CallFactory.create_batch(19, user=alice)
    ProfileFactory.create_batch(19)
    with django_assert_num_queries(3):
        assert len(client.get(path).json()["results"]) == 20


def test_models_are_listed_as_callers_name_them(api: Api, alice: User) -> None:
    provider = ProviderFactory(name="acme", kind="openai")
    profile = ProfileFactory(provider=provider, model="b", capabilities=["text", "reasoning"])
    PriceFactory(model="b")
    ProfileFactory(provider=provider, model="a")
    ProfileFactory(provider=provider, model="off", enabled=False)
    make_default(profile=profile)
    first, second = api(alice).get("/api/v1/models/").json()["results"]
    assert (first["name"], first["priced"], first["is_default"]) == ("acme:a", False, False)
    assert second == {
        "id": str(profile.pk),
        "name": "acme:b",
        "provider": "acme",
        "model": "b",
        "demo": False,
        "capabilities": ["text", "reasoning"],
        "context_window": 128_000,
        "max_output_tokens": 4_000,
        "is_default": True,
        "priced": True,
    }


@pytest.mark.parametrize(
    ("rate", "ago", "priced"),
    [("output", 1, False), ("input", 1, False), ("reasoning", 1, True), ("output", -1, True)],
)
def test_a_model_is_priced_whose_calls_will_have_a_known_cost(
    api: Api, alice: User, rate: str, ago: int, priced: bool
) -> None:
    """The newest price in force says what they cost, the one before it nothing any more."""
    ProfileFactory(model="b")
    PriceFactory(model="b")
    since = clock.now() - timedelta(days=ago)
    PriceFactory(model="b", effective_from=since, **{f"{rate}_nano_usd_per_mtok": None})
    PriceFactory(model="b", effective_from=since, above_input_tokens=9)
    (told,) = api(alice).get("/api/v1/models/").json()["results"]
    assert told["priced"] is priced


def test_the_demo_is_labelled(api: Api, alice: User, built_in: None) -> None:
    (demo,) = api(alice).get("/api/v1/models/").json()["results"]
    assert demo["name"] == "demo:chatter-demo"
    assert demo["demo"] is True


def test_no_list_shows_a_key(api: Api, admin: User) -> None:
    ProfileFactory()
    assert ModelProfile.objects.count() == 1
    assert b"sk-secret-of-the-tests" not in api(admin).get("/api/v1/models/").content
