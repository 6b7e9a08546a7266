"""Lists come in pages and by time; what is no page or time of theirs is said to be none."""

from base64 import b64encode

import pytest

from llms.models import ModelProfile, Provider
from llms.services.profiles import forget_profiles

pytestmark = pytest.mark.django_db
POSITIONS = ["p=zzz", "p=\0", "p=1", "r=1&p=Infinity", "o=5&p=01a203ca", "p=9" + 40 * "9"]
CURSORS = ["zzz", "%00", *(b64encode(one.encode()).decode() for one in POSITIONS)]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_nobody_was_given_leads_nowhere(api, client, alice, cursor):
    conversation = api(alice).post("/api/v1/conversations/", {}).json()["id"]
    messages = f"conversations/{conversation}/messages"
    places = ("executions", "experiments", "budgets", "models", messages)
    for place in places:
        answer = api(alice).get(f"/api/v1/{place}/", {"cursor": cursor})
        if place in ("models", messages) and answer.status_code == 200:
            continue  # those are in the order of names, and of turns, which are numbers
        assert (answer.status_code, answer.json()["code"]) == (404, "page_not_found"), place
    client.force_login(alice)
    assert client.get("/executions/", {"cursor": cursor}).status_code == 404


def test_pages_follow_one_another(api, alice):
    made = [api(alice).post("/api/v1/conversations/", {}).json()["id"] for _ in range(3)]
    first = api(alice).get("/api/v1/conversations/", {"page_size": 2}).json()
    rest = api(alice).get(first["next"]).json()
    assert [one["id"] for one in first["results"] + rest["results"]] == made[::-1]
    again = api(alice).get(rest["previous"]).json()
    assert again["results"] == first["results"]


def test_models_come_in_pages_by_name(api, alice, built_in):
    provider = Provider.objects.get(kind="demo")
    for name in ("b", "a", "c"):
        ModelProfile.objects.create(provider=provider, model=name)
    forget_profiles()
    seen, page = [], "/api/v1/models/?page_size=1"
    while page:
        told = api(alice).get(page).json()
        seen += [one["model"] for one in told["results"]]
        page = told["next"]
    assert seen == ["a", "b", "c", "chatter-demo"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_is_no_instant_anywhere_is_no_time_to_look_for(api, alice, at):
    for place, name in (
        ("executions", "finished"),
        ("model-calls", "started"),
        ("tool-calls", "started"),
    ):
        for side in ("after", "before"):
            answer = api(alice).get(f"/api/v1/{place}/", {f"{name}_{side}": at})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), place


def test_a_filter_that_a_list_does_not_have_is_refused_and_names_those_it_has(api, alice):
    answer = api(alice).get("/api/v1/executions/?statsu=failed&status=failed")
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "unknown_filter")
    assert told["title"] == "Unknown filter"
    assert told["detail"]["unknown"] == "statsu"
    assert {"status", "kind", "cursor", "page_size"} <= set(told["detail"]["known"].split(", "))
    assert api(alice).get("/api/v1/executions/?status=failed&page_size=1").status_code == 200


@pytest.mark.parametrize(
    "place", ["conversations/?archived", "executions/?late", "budgets/?active", "templates/?public"]
)
def test_a_filter_that_is_neither_true_nor_false_is_refused(api, alice, place):
    answer = api(alice).get(f"/api/v1/{place}=maybe")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    for value in ("true", "False", "1", "0", ""):
        assert api(alice).get(f"/api/v1/{place}={value}").status_code == 200


@pytest.mark.parametrize("size", ["many", "0", "-1", "1.5", ""])
def test_what_is_no_size_of_a_page_is_refused(api, alice, size):
    answer = api(alice).get("/api/v1/executions/", {"page_size": size})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_page_size")


def test_a_page_that_is_asked_to_be_larger_is_as_large_as_may_be(api, alice):
    for size in ("201", "9" * 5000):
        answer = api(alice).get("/api/v1/conversations/", {"page_size": size})
        assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize(
    "rows",
    [
        *("workflows/workflowexecution", "workflows/executionevent", "workflows/approval"),
        *("conversations/conversation", "conversations/message", "llms/modelcall"),
        *("tools/toolcall", "triggers/schedulefiring", "triggers/chainfiring"),
    ],
)
def test_a_page_of_what_grows_with_use_does_not_look_for_the_days_of_all_of_it(
    client, admin, rows, django_assert_max_num_queries
):
    """To ask for the days on which there are some takes seconds for a million."""
    client.force_login(admin)
    with django_assert_max_num_queries(20) as asked:
        assert client.get(f"/admin/{rows}/").status_code == 200
    assert [one["sql"] for one in asked if "trunc" in one["sql"].lower()] == []
