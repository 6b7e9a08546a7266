"""The chat page: what an address asks it for, and what it says."""

import pytest


@pytest.mark.parametrize("before", ["abc", "1", "\0", "01a204cc-75ec-753b-8f7e-03bd214a77eg"])
def test_no_conversations_are_older_than_what_is_none(client, alice, before):
    client.force_login(alice)
    assert client.get("/chat/", {"before": before}).status_code == 404


def test_older_conversations_are_those_begun_before(client, api, alice):
    older, newer = (
        api(alice).post("/api/v1/conversations/", {"title": title}).json()["id"]
        for title in ("Of mice", "Of men")
    )
    client.force_login(alice)
    page = client.get("/chat/", {"before": newer}).content.decode()
    assert (f"/chat/{older}/" in page, f"/chat/{newer}/" in page) == (True, False)
