"""Lists come in pages, and what is no page of theirs is said to be none."""

from base64 import b64encode

import pytest

pytestmark = pytest.mark.django_db
POSITIONS = ["p=zzz", "p=\0", "p=1", "r=1&p=Infinity", "o=5&p=01a203ca", "p=9" + 40 * "9"]
CURSORS = ["zzz", "%00", *(b64encode(one.encode()).decode() for one in POSITIONS)]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_nobody_was_given_leads_nowhere(api, client, alice, cursor):
    conversation = api(alice).post("/api/v1/conversations/", {}).json()["id"]
    places = ("executions", "experiments", "budgets", f"conversations/{conversation}/messages")
    for place in places:
        answer = api(alice).get(f"/api/v1/{place}/", {"cursor": cursor})
        if "messages" in place and answer.status_code == 200:
            continue  # those are in the order of turns, which are numbers
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
