"""An erasure while old logs are being pruned: what was read before it is not written after it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from privacy.services.erasing import erase_user
from tests.approvals.desk import Desk, letter
from tests.factories.accounts import UserFactory
from tests.privacy.conftest import WORD
from tests.privacy.test_erasing import found
from workflows.tracking import pruning


# Each sees of the other what is committed.
@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_what_was_erased_does_not_come_back_with_a_log_that_is_pruned_at_the_time(
    production_profile: None,
    api: Callable[[User], APIClient],
    built_in: None,
    drain: Callable[[], None],
    at_that_moment: Callable[..., None],
) -> None:
    alice = UserFactory(username="alice")
    desk = Desk(api(alice))
    desk.begin(letter(question=f"Send {WORD}?"))
    drain()
    desk.approve(comment=WORD)
    drain()
    erasures: list[Future[Any]] = []

    def erase() -> None:
        try:
            erase_user(alice, confirm="alice", settle_s=0)
        finally:
            connection.close()

    def begin() -> None:
        if not erasures:
            erasures.append(pool.submit(erase))
            wait(erasures, timeout=2)

    at_that_moment(pruning, "skeleton", begin)
    with ThreadPoolExecutor(1) as pool:
        call_command("prune", "events", older_than=0)
        [erasure] = erasures
        erasure.result()
    assert found(WORD) == {}
