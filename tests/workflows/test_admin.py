"""The back office of executions."""

from typing import Any

from django.test import Client

from accounts.models import User
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
    page: Any = office.get("/admin/workflows/workflowexecution/")
    told = page.content.decode()
    assert f"?template__id__exact={chat.pk}" in told
    assert "Alice&#x27;s own" not in told
