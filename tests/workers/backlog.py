"""Executions that wait to be run, without the requests that asked for them."""

import time
from collections.abc import Sequence

from django.db import connection

from accounts.models import User
from core import clock
from tests.factories.accounts import UserFactory
from workflows.models import WorkflowExecution, WorkflowVersion
from workflows.querysets import leases


def users(count: int) -> list[User]:
    return [UserFactory() for _ in range(count)]


def wait_in_line(whose: Sequence[User], **fields: object) -> list[WorkflowExecution]:
    """One execution for each, in this order."""
    version = WorkflowVersion.objects.first()
    assert version is not None
    return WorkflowExecution.objects.bulk_create(
        WorkflowExecution(
            user=user, kind="chat", version=version, request_id="backlog", input={}, **fields
        )
        for user in whose
    )


def held_by(owner: str, user: User, attempt: int = 1, **more: object) -> WorkflowExecution:
    """One that somebody runs, whose lease is good for longer than a test takes."""
    later = clock.now() + leases(9)
    lease = {"attempt": attempt, "lease_owner": owner, "lease_expires_at": later}
    (execution,) = wait_in_line([user], status="running", **lease, **more)
    return execution


def until_someone_waits() -> None:
    """For a lock of PostgreSQL that somebody else holds."""
    deadline = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("Nobody waited.")
