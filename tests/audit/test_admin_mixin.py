"""What the back office changes is told, what it keeps secret is not."""

import json

import pytest
from django.db import connection
from django.test import Client

from audit.admin_mixin import MASK
from audit.models import AuditEntry
from llms.models import Provider

pytestmark = pytest.mark.django_db
PROVIDERS = "/admin/llms/provider/"


def test_a_key_typed_in_the_back_office_is_masked_without_being_asked_to(admin):
    office = Client()
    office.force_login(admin)
    given = {"name": "acme", "kind": "openai", "base_url": "", "enabled": "on", "new_key": "s3cret"}
    assert office.post(f"{PROVIDERS}add/", given).status_code == 302
    provider = Provider.objects.get(name="acme")
    assert provider.api_key == "s3cret"
    entry = AuditEntry.objects.get(action="llms.provider.created")
    assert (entry.actor_id, entry.target) == (admin.pk, f"llms.provider:{provider.pk}")
    assert entry.detail["values"]["new_key"] == MASK
    assert entry.detail["values"]["kind"] == {"from": None, "to": "openai"}
    assert "s3cret" not in repr(list(AuditEntry.objects.values_list()))


def test_a_password_in_an_address_and_a_key_among_parameters_are_masked(admin):
    office = Client()
    office.force_login(admin)
    address = "http://name:s3cret@models.example/v1"
    given = {"name": "acme", "kind": "openai", "base_url": address, "enabled": "on"}
    assert office.post(f"{PROVIDERS}add/", given).status_code == 302
    provider = Provider.objects.get(name="acme")
    assert provider.base_url == address
    headers = {"Authorization": "Bearer s3cret"}
    parameters = {
        "max_tokens": 70,
        "default_headers": headers,
        "model_kwargs": {"api_key": "s3cret"},
    }
    given = {"provider": provider.pk, "model": "m", "parameters": json.dumps(parameters)}
    assert office.post("/admin/llms/modelprofile/add/", given).status_code == 302
    told = AuditEntry.objects.get(action="llms.provider.created").detail["values"]
    assert told["base_url"]["to"] == f"http://{MASK}@models.example/v1"
    told = AuditEntry.objects.get(action="llms.modelprofile.created").detail["values"]
    assert "'max_tokens': 70" in told["parameters"]["to"]
    assert "s3cret" not in repr(list(AuditEntry.objects.values_list()))


def test_what_is_deleted_is_told_by_what_people_know_it_by(admin):
    office = Client()
    office.force_login(admin)
    one, other = (Provider.objects.create(name=name, kind="openai") for name in ("acme", "other"))
    assert office.post(f"{PROVIDERS}{one.pk}/delete/", {"post": "yes"}).status_code == 302
    chosen = {"action": "delete_selected", "_selected_action": [str(other.pk)], "post": "yes"}
    assert office.post(PROVIDERS, chosen).status_code == 302
    told = AuditEntry.objects.filter(action="llms.provider.deleted").order_by("id")
    assert [one.detail["values"]["name"]["from"] for one in told] == ["acme", "other"]


def test_a_change_that_cannot_be_audited_does_not_happen(admin):
    office = Client(raise_request_exception=False)
    office.force_login(admin)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditentry RENAME TO audit_elsewhere")
    new = {"name": "acme", "kind": "openai", "enabled": "on"}
    assert office.post(f"{PROVIDERS}add/", new).status_code in (500, 503)
    assert not Provider.objects.filter(name="acme").exists()
