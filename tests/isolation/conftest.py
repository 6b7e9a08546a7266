"""Alice and charlie have one of everything; it is made once, and what a test does is undone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from accounts.models import User
from analytics.rollups.folding import fold
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from llms.services.providers import register_environment_providers
from security.compliance import report
from tests.conftest import forget_everything
from tests.factories.accounts import AdministratorFactory, UserFactory
from tests.factories.tools import GrantFactory
from tests.isolation.home import Home, furnish
from tools.services.mcp_servers import register_server
from workflows.pump.pump import Pump
from workflows.services.built_in import seed_templates
from workflows.tracking.writer import writer


@dataclass(frozen=True, slots=True)
class Town:
    """`common` are ids of things that belong to nobody, such as MCP servers."""

    alice: Home
    charlie: Home
    ada: User  # an administrator
    sam: User  # staff without a permission
    common: dict[str, str]


@pytest.fixture(autouse=True)
def no_asking_for_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a compliance report long, and asks what is asked here anyway (tests/security)."""
    checks = [one for one in report.CHECKS if one.key not in ("routes", "rights", "deployment")]
    monkeypatch.setattr(report, "CHECKS", checks)


@pytest.fixture(scope="package")
def town_for_all(django_db_setup: None, django_db_blocker: Any) -> Iterator[Town]:
    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer._from_testcase = True  # type: ignore[attr-defined]  # transactions in it may be durable
        with outer:
            yield _built()
            transaction.set_rollback(True)


@pytest.fixture
def town(town_for_all: Town, db: None) -> Iterator[Town]:
    """As it was built; afterwards it is so again."""
    forget_profiles()
    return town_for_all


def _built() -> Town:
    forget_everything()  # this comes before what is forgotten for each test
    seed_templates()
    register_environment_providers()
    ModelProfile.objects.update(parameters={"delay_ms_per_word": 0})
    forget_profiles()
    ada = AdministratorFactory(username="ada")
    nowhere = {"transport": "streamable_http", "url": "http://127.0.0.1:9/", "headers": {}}
    server = register_server(by=ada, name="nowhere", **nowhere)
    common = {
        "mcp_server": str(server.pk),
        "tool_grant": str(GrantFactory().pk),
        "user": str(UserFactory(username="bob").pk),
    }
    people = [UserFactory(username=name) for name in ("alice", "charlie")]
    alice, charlie = (furnish(one, _drain) for one in people)
    fold()  # so that a look at a report changes nothing
    return Town(alice, charlie, ada, UserFactory(username="sam", is_staff=True), common)


def _drain() -> None:
    async_to_sync(Pump(writer).drain)()
