"""A grant is taken back in the very moment in which it is used."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import User
from tests.factories.tools import GrantFactory
from tests.tools.conftest import called, request_for
from tests.tools.recorder import Recorder
from tools.models import GrantUse, ToolSetting
from tools.permissions import GrantedPermissions


def waiting() -> bool:
    """Whether another connection waits for a lock of this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() = ANY(pg_blocking_pids(pid)) FROM pg_stat_activity")
        return any(row[0] for row in cursor.fetchall())


# What one has deleted the other sees once it is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_a_call_by_a_grant_that_is_being_taken_back_is_refused(
    production_profile: None, alice: User
) -> None:
    ToolSetting.objects.update_or_create(tool="calculator", defaults={"open_to_all": False})
    grant = GrantFactory(user=alice, calls_per_hour=5)

    def call() -> str:
        try:
            request = request_for("calculator", alice, arguments={"expression": "1 + 1"})
            return called(request, Recorder(), GrantedPermissions()).error
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            grant.delete()
            outcome = pool.submit(call)
            while not waiting() and not outcome.done():
                time.sleep(0.01)
        assert outcome.result() == "tool_not_granted"
    assert not GrantUse.objects.exists()
