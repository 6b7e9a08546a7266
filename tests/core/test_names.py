"""By its name a thing is opened on a page, so there is something of it to be seen."""

import pytest

pytestmark = pytest.mark.django_db

TARGET = {"template": "universal_chat"}
GRAPH = {
    "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "end"}],
    "edges": [{"source": "start", "target": "end"}],
}
VARIANTS = [{"name": "now", "control": True}, {"name": "other", "parameters": {"system": "Hi"}}]
DOORS = {
    "definitions": {"graph": GRAPH},
    "templates": {"graph": GRAPH},
    "schedules": {**TARGET, "kind": "cron", "cron": "0 9 * * *"},
    "chains": {**TARGET, "after_template": "general_chat"},
    "webhooks/incoming": TARGET,
    "webhooks/endpoints": {"url": "https://example.com/hook"},
    "experiments": {**TARGET, "variants": VARIANTS, "primary": "cost"},
    "budgets": {"scope": "user", "unit": "tokens", "cap": "1000", "period": "month"},
}


@pytest.mark.parametrize("door", DOORS)
def test_a_name_is_something_to_be_seen(api, alice, built_in, door):
    client, address = api(alice), f"/api/v1/{door}/"
    body = DOORS[door] | ({"of": str(alice.pk)} if door == "budgets" else {})
    for name in ("", "  ", "\u0000 "):
        answer = client.post(address, {**body, "name": name})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert answer.json()["detail"]["errors"][0]["path"] == "name"
    answer = client.post(address, {**body, "name": " Daily "})
    made = answer.json()
    assert (answer.status_code, made["name"]) == (201, "Daily"), made
    renamed = client.patch(f"{address}{made.get('id')}/", {"name": " "})
    assert renamed.json()["detail"]["errors"][0]["path"] == "name"
