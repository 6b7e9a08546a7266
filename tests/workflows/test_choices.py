"""What the forms of schedules, webhooks and experiments offer to run."""

import pytest
from django.test import Client
from django.utils.text import slugify

from tests.definitions.graphs import asks, graph
from workflows.models import WorkflowTemplate


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
    for name in (
        "My definitions",
        "My templates",
        "Foreign public templates · charlie",
        "Universal chat",
    ):
        assert f">{name}<" in shown
    for name in ("Foreign definitions", "Foreign templates"):
        assert name not in shown


@pytest.mark.usefixtures("built_in")
@pytest.mark.parametrize("page", ["/chat/", "/schedules/new/", "/webhooks/", "/experiments/new/"])
def test_no_template_of_others_passes_for_one_of_chatters_or_takes_its_place(page, alice, charlie):
    known = WorkflowTemplate.objects.get(slug="code_assistant")
    names = [known.name, *(f"A {number}" for number in range(250))]
    WorkflowTemplate.objects.bulk_create(
        WorkflowTemplate(
            owner=charlie, slug=slugify(name), name=name, version=known.version, public=True
        )
        for name in names
    )
    browser = Client()
    browser.force_login(alice)
    shown = browser.get(page).content.decode()
    assert 1 <= shown.count(f">{known.name}<") == shown.count(f'value="template:{known.pk}"')
    assert ">A 1 · charlie<" in shown
