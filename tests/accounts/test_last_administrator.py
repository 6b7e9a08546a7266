"""Two administrators who shut one another out in the same instant: one of them stays."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from accounts.models import User
from accounts.services.administrators import (
    LastAdministrator,
    administrators,
    refuse_last_administrators,
)
from accounts.services.tokens import create_token
from tests.factories.accounts import UserFactory

BOTH_LOOKED_S = 1.0


@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_of_two_who_leave_at_once_one_is_refused(production_profile):
    both = [UserFactory(is_staff=True, is_superuser=True) for _ in range(2)]
    together = Barrier(2)

    def leave(user: User) -> bool:
        together.wait()
        try:
            with transaction.atomic():
                refuse_last_administrators([user])
                connection.cursor().execute("SELECT pg_sleep(%s)", [BOTH_LOOKED_S])
                User.objects.filter(pk=user.pk).update(is_active=False)
        except LastAdministrator:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, both)) == [False, True]
    assert administrators().count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_while_one_leaves_what_the_others_do_does_not_wait(production_profile):
    """It would wait in the back office with its row held, for which who leaves waits: for ever."""
    ada, bob = (UserFactory(is_staff=True, is_superuser=True) for _ in range(2))

    def goes_on() -> None:
        try:
            with transaction.atomic():
                connection.cursor().execute("SET LOCAL lock_timeout = '1s'")
                create_token(user=bob, name="desk", by=bob)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        refuse_last_administrators([ada])
        pool.submit(goes_on).result(timeout=30)
    assert bob.api_tokens.count() == 1
