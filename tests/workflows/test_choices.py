"""What the forms of schedules, webhooks and experiments offer to run."""

import pytest
from django.test import Client

from tests.definitions.graphs import asks, graph


@pytest.mark.usefixtures("built_in")
@pytest.mark.parametrize("page", ["/schedules/new/", "/webhooks/", "/experiments/new/"])
def test_only_what_one_may_run_is_offered(page, alice, charlie, api):
    for user, whose in ((alice, "My"), (charlie, "Foreign")):
        for kind, public in (
            ("definitions", {}),
            ("templates", {}),
            ("templates", {"public": True}),
        ):
            name = f"{whose} {'public ' if public else ''}{kind}"
            body = {"name": name, "graph": graph(asks()), **public}
            made = api(user).post(f"/api/v1/{kind}/", body)
            assert made.status_code == 201, made.json()
    browser = Client()
    browser.force_login(alice)
    shown = browser.get(page).content.decode()
    for name in ("My definitions", "My templates", "Foreign public templates", "Universal chat"):
        assert f">{name}<" in shown
    for name in ("Foreign definitions", "Foreign templates"):
        assert name not in shown
