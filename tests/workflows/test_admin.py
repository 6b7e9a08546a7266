"""The back office of executions."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from workflows import selectors
from workflows.models import WorkflowTemplate


def test_executions_are_filtered_by_built_in_templates_alone(
    admin: User, alice: User, built_in: None
) -> None:
    """All the others would make the page long and slow, and tell what people call theirs."""
    chat = WorkflowTemplate.objects.get(slug="universal_chat")
    WorkflowTemplate.objects.create(
        owner=alice, slug="mine", name="Alice's own", version=chat.version
    )
    office = Client()
    office.force_login(admin)
    page = office.get("/admin/workflows/workflowexecution/")
    told = page.content.decode()
    assert f"?template__id__exact={chat.pk}" in told
    assert "Alice&#x27;s own" not in told


def test_a_user_with_very_many_executions_is_not_deleted_but_erased(
    admin: User, alice: User, api: Any, built_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "MOST_DELETED", 1)
    office, page = Client(), f"/admin/accounts/user/{alice.pk}/delete/"
    office.force_login(admin)
    body = {"message": "hi", "mode": "background"}
    api(alice).post("/api/v1/chat/", body)
    assert "Are you sure" in office.get(page).content.decode()
    api(alice).post("/api/v1/chat/", body)
    assert "has more than 1 executions: erase the user" in office.get(page).content.decode()
    office.post(page, {"post": "yes"})
    assert User.objects.filter(pk=alice.pk).exists()
