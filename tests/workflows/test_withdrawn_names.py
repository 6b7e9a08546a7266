"""What a template is called after it was withdrawn is nowhere told to those who used it."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.definitions.graphs import graph
from tests.drills.mortal import take_up
from workflows.models import WorkflowExecution, WorkflowTemplate

pytestmark = pytest.mark.django_db
SAYS = graph({"id": "say", "type": "prompt", "config": {"template": "hello"}})
VARIANTS = [{"name": "as it is", "control": True}]


@pytest.fixture
def used(api: Any, alice: User, charlie: User, built_in: None) -> dict[str, str]:
    """Everything of alice's that goes back to a template of charlie's; then that is private."""
    door, theirs = api(alice), api(charlie)
    body = {"name": "Open", "slug": "open", "graph": SAYS, "public": True}
    template = theirs.post("/api/v1/templates/", body).json()["id"]

    def made(address: str, **fields: Any) -> Any:
        told = door.post(f"/api/v1/{address}/", fields)
        assert told.status_code in (201, 202), told.json()
        return told.json()

    turn = made("chat", message="hi", template=template, mode="background")
    take_up()
    at = f"conversations/{turn['conversation']['id']}"
    replies = door.get(f"/api/v1/{at}/messages/").json()["results"]
    reply = next(one["id"] for one in replies if one["role"] == "assistant")
    door.put(f"/api/v1/{at}/messages/{reply}/rating/", {"helpful": True})
    times = {"kind": "interval", "every_s": 3600}
    made("schedules", name="S", template=template, input={"message": "x"}, **times)
    hook = made("webhooks/incoming", name="H", template=template)
    variants = [*VARIANTS, {"name": "theirs", "template": template}]
    about = made("experiments", name="About", template=template, primary="cost",
                 variants=[*VARIANTS, {"name": "other", "template": "universal_chat"}])  # fmt: skip
    within = made("experiments", name="Within", template="universal_chat", primary="cost",
                  variants=variants)  # fmt: skip
    change = {"public": False, "name": "Secret plan", "slug": "secret-plan"}
    assert theirs.patch(f"/api/v1/templates/{template}/", change).status_code == 200
    return {
        "run": turn["execution"]["id"],
        "talk": turn["conversation"]["id"],
        "hook": hook["id"],
        "about": about["id"],
        "within": within["id"],
    }


@pytest.mark.parametrize(
    ("page", "shows"),
    [
        ("/executions/", "open"),
        ("/executions/{run}/", "open"),
        ("/chat/{talk}/", ""),
        ("/schedules/", "no longer shared"),
        ("/webhooks/", "no longer shared"),
        ("/webhooks/in/{hook}/", "no longer shared"),
        ("/experiments/", "no longer shared"),
        ("/experiments/{about}/", "no longer shared"),
        ("/experiments/{about}/edit/", "no longer shared"),
        ("/experiments/{within}/", "no longer shared"),
        ("/experiments/{within}/edit/", "no longer shared"),
        ("/analytics/ratings/", "no longer shared"),
        ("/api/v1/executions/", '"template":"open"'),
        ("/api/v1/executions/{run}/", '"template":"open"'),
    ],
)
def test_no_page_tells_the_new_name(used, alice, page, shows):
    browser = Client()
    browser.force_login(alice)
    told = browser.get(page.format(**used))
    assert told.status_code == 200
    assert shows in told.text
    assert "Secret plan" not in told.text
    assert "secret-plan" not in told.text


def test_its_owner_reads_the_name_it_has_now(used, charlie):
    browser = Client()
    browser.force_login(charlie)
    assert "Secret plan" in browser.get("/experiments/new/").text


@pytest.mark.parametrize("public", [True, False])
def test_runs_of_earlier_releases_are_named_after_what_is_still_shared(
    used, charlie, alice, public
):
    WorkflowExecution.objects.update(used={})  # which only later releases fill in
    WorkflowTemplate.objects.filter(owner=charlie).update(public=public)
    browser = Client()
    browser.force_login(alice)
    name = "secret-plan" if public else None
    for address in ("", f"{used['run']}/"):
        told = browser.get(f"/api/v1/executions/{address}").json()
        assert told.get("results", [told])[0]["template"] == name


def test_a_built_in_template_names_its_runs_of_earlier_releases(api, alice, built_in):
    door, body = api(alice), {"message": "hi", "mode": "background"}
    run = door.post("/api/v1/chat/", body).json()["execution"]
    take_up()
    WorkflowExecution.objects.update(used={})
    assert door.get("/api/v1/executions/").json()["results"][0]["template"] == "universal_chat"
    again = door.post(f"/api/v1/executions/{run['id']}/replay/", {}).json()["execution"]
    assert again["template"] == "universal_chat"
