"""The first administrator: made once, password made up or given."""

import pytest

from accounts.models import User
from accounts.services.administrators import AdministratorNameTaken, ensure_administrator
from audit.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_the_first_administrator_gets_a_password_of_its_own():
    password = ensure_administrator("admin", None)
    made = User.objects.get(username="admin")
    assert made.is_superuser
    assert made.check_password(password)
    assert len(password) >= 12
    entry = AuditEntry.objects.get(action="accounts.user.created")
    assert (entry.target, entry.actor_id) == (f"accounts.user:{made.pk}", None)
    assert password not in repr(list(AuditEntry.objects.values_list()))


def test_a_given_password_is_taken_and_not_told_again():
    assert ensure_administrator("admin", "given") is None
    assert User.objects.get().check_password("given")


def test_a_second_start_changes_nothing():
    ensure_administrator("admin", None)
    before = list(User.objects.values_list())
    assert ensure_administrator("admin", "other") is None
    assert ensure_administrator("root", "other") is None
    assert list(User.objects.values_list()) == before
    assert AuditEntry.objects.count() == 1


def test_an_ordinary_user_is_not_raised_to_administrator(alice):
    with pytest.raises(AdministratorNameTaken):
        ensure_administrator("alice", "given")
    alice.refresh_from_db()
    assert not alice.is_superuser
