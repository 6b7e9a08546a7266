"""What is recorded stands in the documentation, and the other way round."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from accounts.models import User
from audit.admin_mixin import AuditedAdmin
from tests.audit.keys import listed, of_the_back_office, written

# Their rows change by services, which write the entries.
BY_SERVICES = {"BudgetAdmin", "DefinitionAdmin", "McpToolAdmin"}


def fits(key: str, keys: set[str]) -> bool:
    """Whether it is among them, or stands for one of them, or one of them for it."""
    app, noun, verb = key.split(".")
    return any(
        app == other_app
        and (noun == other_noun or "*" in {noun, other_noun})
        and (verb == other_verb or "*" in {verb, other_verb})
        for other_app, other_noun, other_verb in (one.split(".") for one in keys)
    )


def test_every_key_that_is_written_is_listed() -> None:
    known = listed()
    there = written()
    assert len(there) > 50
    missing = {key: where for key, where in there.items() if not fits(key, known)}
    assert missing == {}, "List them in docs/audit.md."
    plain = {key for key in there if "*" not in key}
    patterns = {key for key in known if "*" in key}
    assert plain - known - {key for key in plain if fits(key, patterns)} == set()


def test_every_key_of_the_back_office_is_listed() -> None:
    assert {key for key in of_the_back_office() if not fits(key, listed())} == set()


def test_no_key_is_listed_that_nobody_writes() -> None:
    there = set(written()) | of_the_back_office()
    assert {key for key in listed() if not fits(key, there)} == set()


@pytest.mark.django_db
def test_whatever_the_back_office_may_change_it_records(admin: User) -> None:
    request: Any = RequestFactory().get("/")
    request.user = admin
    unaudited = {
        type(one).__name__
        for one in _pages()
        if any(may(request) for may in (one.has_add_permission, one.has_change_permission))
        or one.has_delete_permission(request)
        if not isinstance(one, AuditedAdmin) and type(one).__name__ not in BY_SERVICES
    }
    assert unaudited == set()


def _pages() -> list[Any]:
    return list(admin.site._registry.values())
