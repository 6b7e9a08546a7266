"""What no known key opens may be seen, changed, given anew and deleted: all but read."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.test import Client

from accounts.models import Secret, User
from accounts.services.secrets import create_secret
from llms.models import Provider
from tests.factories.llms import ProviderFactory
from tests.office import Office
from tools.models import McpServer
from tools.services.mcp_servers import register_server
from webhooks.models import WebhookEndpoint
from webhooks.services.endpoints import create_endpoint

pytestmark = pytest.mark.django_db
NAMES = {Secret: "value", Provider: "api_key", McpServer: "headers", WebhookEndpoint: "secret"}


@pytest.fixture
def old_key(settings: Any) -> str:
    return str(settings.SECRET_KEY)


@pytest.fixture
def kept(admin: User, settings: Any, old_key: str) -> dict[type[Model], Any]:
    """One of each kind, from before the key was lost."""
    nowhere = {"transport": "streamable_http", "url": "http://127.0.0.1:9/mcp"}
    rows = [
        create_secret(owner=admin, name="github", value="of-before", hosts=["api.github.com"]),
        ProviderFactory(api_key="of-before"),
        register_server(by=admin, name="wiki", headers={"X-Key": "of-before"}, **nowhere),
        create_endpoint(owner=admin, name="out", url="https://example.com/"),
    ]
    settings.SECRET_KEY = "zyxwvutsrq" * 6
    return {type(row): row for row in rows}


@pytest.fixture
def office(admin: User) -> Client:
    client = Office()
    client.force_login(admin)
    return client


def text_of(row: Any) -> str:
    return str(getattr(type(row).objects.get(pk=row.pk), NAMES[type(row)]))


@pytest.mark.parametrize("kind", NAMES)
def test_the_rest_of_a_row_changes_and_the_secret_waits_for_its_key(kept, kind, settings, old_key):
    row = kind.objects.get(pk=kept[kind].pk)
    row.save()
    with pytest.raises(ImproperlyConfigured):
        getattr(row, NAMES[kind])
    settings.SECRET_KEY_FALLBACKS = [old_key]
    assert text_of(row)


@pytest.mark.parametrize("kind", NAMES)
def test_the_back_office_shows_and_deletes_what_cannot_be_read(kept, kind, office):
    listed = f"/admin/{kind._meta.app_label}/{kind._meta.model_name}/"
    address = f"{listed}{kept[kind].pk}/"
    for page in (listed, f"{address}change/"):
        assert office.get(page).status_code == 200
    if kind is not WebhookEndpoint:  # their owners delete those
        assert office.post(f"{address}delete/", {"post": "yes"}).status_code == 302
        assert not kind.objects.filter(pk=kept[kind].pk).exists()


def test_a_secret_is_given_anew_or_deleted(kept, api, admin, office):
    key, anew = "/api/v1/secrets/github/", {"value": "anew", "hosts": ["api.github.com"]}
    assert api(admin).put(key, anew).status_code == 200
    assert text_of(kept[Secret]) == "anew"
    page = f"/admin/accounts/secret/{kept[Secret].pk}/change/"
    assert office.post(page, {"value": "again", "hosts": "api.github.com"}).status_code == 302
    assert text_of(kept[Secret]) == "again"


def test_a_secret_that_cannot_be_read_is_deleted(kept, api, admin):
    assert api(admin).delete("/api/v1/secrets/github/").status_code == 204


def test_the_key_of_a_provider_is_given_anew(kept, office):
    provider = kept[Provider]
    form = {"name": provider.name, "kind": provider.kind, "base_url": provider.base_url}
    page = f"/admin/llms/provider/{provider.pk}/change/"
    assert office.post(page, {**form, "new_key": "anew"}).status_code == 302
    assert text_of(provider) == "anew"


def test_the_headers_of_an_mcp_server_are_given_anew(kept, api, admin):
    client = api(admin)
    (listed,) = client.get("/api/v1/mcp-servers/").json()["results"]
    assert listed["header_names"] == []
    address = f"/api/v1/mcp-servers/{kept[McpServer].pk}/"
    assert client.patch(address, {"headers": {"X-Key": "anew"}}).json()["header_names"] == ["X-Key"]


def test_the_secret_of_a_webhook_is_given_anew_and_the_lost_one_counts_no_more(kept, api, admin):
    endpoint = kept[WebhookEndpoint]
    assert api(admin).get(f"/webhooks/out/{endpoint.pk}/").status_code == 200
    address = f"/api/v1/webhooks/endpoints/{endpoint.pk}/"
    told = api(admin).post(f"{address}rotate/", {"overlap_s": 600}).json()
    assert text_of(endpoint) == told["secret"]
    endpoint.refresh_from_db()
    assert (endpoint.previous_secret, endpoint.previous_until) == ("", None)


def test_a_webhook_whose_secret_cannot_be_read_is_deleted(kept, api, admin):
    address = f"/api/v1/webhooks/endpoints/{kept[WebhookEndpoint].pk}/"
    assert api(admin).delete(address).status_code == 204
