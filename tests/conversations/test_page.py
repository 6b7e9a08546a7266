"""The chat page: what an address asks it for, and what it says."""

import pytest

from llms.models import ModelProfile
from tests.definitions.graphs import asks, graph


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


def test_what_one_may_run_can_be_chosen_to_answer(client, api, alice, charlie, built_in):
    of_a_stranger = {"name": "Of a stranger", "graph": graph(asks())}
    for user, name in ((alice, "My report"), (charlie, "Theirs")):
        body = {"name": name, "graph": graph(asks())}
        assert api(user).post("/api/v1/definitions/", body).status_code == 201
    assert api(charlie).post("/api/v1/templates/", of_a_stranger).status_code == 201
    client.force_login(alice)
    page = client.get("/chat/").content.decode()
    offered = page.partition('<select id="workflow"')[2].partition("</select>")[0]
    assert 'value="">Universal chat</option>' in offered
    assert offered.count("Universal chat") == 1
    assert ">My report<" in offered
    assert ">General chat<" in offered
    assert "Theirs" not in offered
    assert "Of a stranger" not in offered


def test_without_a_default_model_none_is_named(client, alice, built_in):
    client.force_login(alice)
    assert '<option value="" data-tools>Default · chatter-demo</option>' in (
        client.get("/chat/").content.decode()
    )
    ModelProfile.objects.update(is_default=False)
    assert '<option value="">Default</option>' in client.get("/chat/").content.decode()


def test_earlier_messages_are_offered_where_there_are_some(
    client, api, alice, built_in, drain, monkeypatch
):
    door, talk = api(alice), {}
    for text in ("one", "two"):
        body = {"message": text, "mode": "background", **talk}
        talk = {"conversation": door.post("/api/v1/chat/", body).json()["conversation"]["id"]}
        drain()
    client.force_login(alice)

    def offered():
        page = client.get(f"/chat/{talk['conversation']}/").content.decode()
        return "Earlier messages" in page

    assert not offered()
    with monkeypatch.context() as short:
        short.setattr("conversations.views._SHOWN", 3)
        assert offered()
    address = f"/api/v1/conversations/{talk['conversation']}/messages/"
    for message in door.get(address).json()["results"][:2]:
        assert door.delete(f"{address}{message['id']}/").status_code == 204
    assert not offered(), "the first turn was deleted"
