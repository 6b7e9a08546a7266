"""In the back office nobody undoes what another has changed since the page was opened."""

import pytest
from django.contrib.auth.models import Group
from django.db import models

from accounts.models import User
from budgets.models import Budget
from llms.models import ModelProfile, Provider
from tests.factories.accounts import UserFactory
from tests.factories.budgets import a_budget
from tests.factories.llms import ProfileFactory, ProviderFactory
from tests.factories.tools import GrantFactory
from tests.office import Office
from tools.models import McpServer, ToolGrant, ToolSetting
from tools.services.mcp_servers import register_server

pytestmark = pytest.mark.django_db


def _server() -> McpServer:
    url = {"transport": "streamable_http", "url": "http://127.0.0.1:9/", "headers": {}}
    return register_server(by=UserFactory(is_staff=True), name="desk", **url)


# A row, what one of two changes of it, and what the other does.
ROWS = {
    User: (UserFactory, {"is_active": False}, {"email": "new@example.com"}),
    Group: (lambda: Group.objects.create(name="desk"), {"name": "desks"}, {}),
    Provider: (ProviderFactory, {"enabled": False}, {"name": "another"}),
    ModelProfile: (ProfileFactory, {"enabled": False}, {"context_window": 5}),
    ToolSetting: (
        lambda: ToolSetting.objects.get_or_create(tool="calculator")[0],
        {"enabled": False},
        {"open_to_all": ""},
    ),
    ToolGrant: (
        lambda: GrantFactory(user=UserFactory()),
        {"allow": False},
        {"time_zone": "Europe/Berlin"},
    ),
    McpServer: (_server, {"enabled": False}, {"timeout_s": 5}),
    Budget: (a_budget, {"active": False}, {"name": "another"}),
}


@pytest.fixture
def office(admin):
    client = Office()
    client.force_login(admin)
    return client


def _boxes(form):
    """What a browser would send back unchanged."""
    sent = {name: form[name].value() for name in form.fields}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return {name: value for name, value in sent.items() if value not in (None, False)}


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
def test_what_another_has_changed_since_is_not_undone(office, kind):
    make, theirs, mine = ROWS[kind]
    row: models.Model = make()
    page = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    shown = office.get(page)
    assert shown.text.count('name="seen"') == 1
    opened = _boxes(shown.context["adminform"].form)
    kind.objects.filter(pk=row.pk).update(**theirs)
    before = kind.objects.filter(pk=row.pk).values().get()
    told = office.post(page, opened | mine)
    assert told.status_code == 200
    assert "This has changed since the page was opened" in told.text
    assert kind.objects.filter(pk=row.pk).values().get() == before
    again = _boxes(office.get(page).context["adminform"].form)
    saved = office.post(page, again | mine)
    assert saved.status_code == 302, saved.context["errors"]
    assert kind.objects.filter(pk=row.pk, **theirs).exists()


def test_who_was_put_into_a_group_meanwhile_stays_in_it(office, alice):
    desk, page = Group.objects.create(name="desk"), f"/admin/accounts/user/{alice.pk}/change/"
    opened = _boxes(office.get(page).context["adminform"].form)
    alice.groups.add(desk)
    assert "This has changed" in office.post(page, opened).text
    assert alice.groups.get() == desk


def test_what_is_no_box_of_the_page_may_change_meanwhile_and_stays_as_it_is(office):
    server = _server()
    page = f"/admin/tools/mcpserver/{server.pk}/change/"
    opened = _boxes(office.get(page).context["adminform"].form)
    McpServer.objects.filter(pk=server.pk).update(error_message="It is away.")
    assert office.post(page, opened | {"timeout_s": 7}).status_code == 302
    server.refresh_from_db()
    assert (server.error_message, server.timeout_s) == ("It is away.", 7)
