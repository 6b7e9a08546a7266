"""The title of a page is what its tab, the history and screen readers call it."""

import re

from django.urls import reverse

from tests.definitions.graphs import graph

PAGES = (
    *("chat", "executions", "approvals", "schedules", "schedule-new", "experiments"),
    *("experiment-new", "password", "tokens", "compliance", "budgets", "webhooks"),
    *("analytics", "analytics-conversations", "analytics-live", "rows-model-calls"),
    *("rows-tool-calls", "rows-talks", "rows-messages", "rows-ratings"),
)


def test_no_two_pages_have_the_same_title(api, admin, client, built_in):
    name, office = "Night shift", api(admin)
    body = {"name": name, "graph": graph(edges=["start>end"])}
    runs = {"definition": office.post("/api/v1/definitions/", body).json()["id"]}
    variants = [{"name": "a", "control": True}, {"name": "b", "parameters": {"model": "m"}}]
    made = {
        "schedule": office.post(
            "/api/v1/schedules/", {"name": name, "kind": "interval", "every_s": 3600, **runs}
        ),
        "experiment": office.post(
            "/api/v1/experiments/", {"name": name, "variants": variants, "primary": "cost", **runs}
        ),
        "rows-budget-calls": office.post(
            "/api/v1/budgets/",
            {"name": name, "scope": "all", "unit": "tokens", "cap": "1", "period": "day"},
        ),
        "webhook-incoming": office.post("/api/v1/webhooks/incoming/", {"name": name, **runs}),
    }
    addresses = [reverse(page) for page in PAGES]
    addresses += [reverse(page, args=[told.json()["id"]]) for page, told in made.items()]
    beneath, one = ("experiment-edit", "experiment-exposures"), made["experiment"].json()["id"]
    addresses += [reverse(page, args=[one]) for page in beneath]
    addresses += [reverse("analytics-subject", args=[one]) for one in ("models", "tools")]
    addresses += [reverse("analytics-definition", args=[runs["definition"]])]
    addresses += [f"{addresses[-1]}calls/"]
    client.force_login(admin)
    titles = {}
    for address in addresses:
        page = client.get(address).content.decode()
        titles.setdefault(re.search("<title>(.+?)</title>", page)[1], []).append(address)
    assert [those for those in titles.values() if len(those) > 1] == []
