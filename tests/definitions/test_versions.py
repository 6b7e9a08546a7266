"""A definition's history: numbered, compared, brought back, published."""

import pytest

from tests.definitions.graphs import asks, graph, waits


@pytest.fixture
def three(client, address):
    """Three versions: kind, brief, brief and slow."""
    client.patch(address, {"graph": graph(asks("Be brief."))})
    client.patch(address, {"graph": graph(asks("Be brief."), waits(2), moved=40)})
    return client.get(address).json()


def test_a_history_is_numbered_newest_first(client, three, address):
    entries = client.get(address + "versions/").json()["results"]
    assert [entry["number"] for entry in entries] == [3, 2, 1]
    assert [entry["published"] for entry in entries] == [False, False, True]
    assert {entry["saved_by"] for entry in entries} == {"alice"}
    assert len({entry["content_hash"] for entry in entries}) == 3


def test_an_earlier_version_is_shown_as_it_was_drawn(client, made, three, address):
    assert client.get(address + "versions/1/").json()["graph"] == made["graph"]
    missing = client.get(address + "versions/9/")
    assert (missing.status_code, missing.json()["code"]) == (404, "version_not_found")
    assert client.get(address + f"versions/{10**30}/").status_code == 404


def test_publishing_decides_what_runs(client, three, address):
    published = client.post(address + "versions/2/publish/").json()
    assert (published["published"], published["latest"]) == (2, 3)
    assert published["version"] == client.get(address + "versions/2/").json()["version"]
    again = client.post(address + "versions/2/publish/").json()
    assert again["revision"] == published["revision"]


def test_a_restored_version_is_the_newest_again_and_nothing_is_lost(client, made, three, address):
    restored = client.post(address + "versions/1/restore/").json()
    assert (restored["latest"], restored["graph"]) == (4, made["graph"])
    entry = client.get(address + "versions/4/").json()
    assert (entry["restored"], entry["version"]) == (1, made["version"])
    assert len(client.get(address + "versions/").json()["results"]) == 4


def test_a_difference_names_nodes_edges_and_settings(client, three, address):
    assert client.get(address + "versions/1/diff/3/").json() == {
        "same": False,
        "nodes_added": [{"id": "wait", "type": "delay", "label": ""}],
        "nodes_removed": [],
        "nodes_changed": [
            {
                "id": "model",
                "changes": [{"path": "config.system", "before": "Be kind.", "after": "Be brief."}],
            }
        ],
        "edges_added": [
            {"source": "model", "source_port": "out", "target": "wait"},
            {"source": "wait", "source_port": "out", "target": "end"},
        ],
        "edges_removed": [{"source": "model", "source_port": "out", "target": "end"}],
        "reordered": False,
    }


def test_a_version_is_the_same_as_itself(client, three, address):
    assert client.get(address + "versions/2/diff/2/").json()["same"] is True
