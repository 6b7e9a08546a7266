"""Who the tests are about, and the doors they go through."""

import gc
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.db.models import Model
from hypothesis import Phase
from hypothesis import settings as settings_of_examples
from rest_framework.test import APIClient

from accounts import windows
from accounts.known_users import known_users
from accounts.models import User
from analytics.models import TemplateAnalytics
from audit.context import RequestContext, bound
from audit.guards import lift_guards
from audit.guesses import guesses
from audit.refusals import refusals
from core.garbage import leave_what_is_loaded
from llms.models import ModelPrice, ModelProfile, Provider
from llms.services.profiles import forget_profiles
from llms.services.providers import register_environment_providers
from tests.drills.migrated import migrated_file, migrated_template
from tests.factories.accounts import UserFactory
from tests.factories.llms import PriceFactory
from tests.wire import WireServer
from tools.catalogue import catalogue
from workflows.models import WorkflowTemplate, WorkflowVersion
from workflows.pump.pump import Pump
from workflows.services import targets
from workflows.services.built_in import seed_templates
from workflows.services.places import places, queue
from workflows.tracking.writer import writer

# Tests that do not say how many examples they want get these, in CI the same ones each time: what
# is found there is of the change. A failure is not explained: it takes as long again as making it
# small.
_PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings_of_examples.register_profile(
    "few",
    max_examples=60,
    deadline=None,
    phases=_PHASES,
    derandomize="CI" in os.environ,
    print_blob=True,
)
settings_of_examples.register_profile("thousand", max_examples=1_000, deadline=None)
settings_of_examples.register_profile("nightly", max_examples=10_000, deadline=None)
settings_of_examples.load_profile("few")

_BUILT_IN = (
    WorkflowVersion,
    WorkflowTemplate,
    TemplateAnalytics,
    Provider,
    ModelProfile,
    ModelPrice,
)
_LOCAL = {"127.0.0.1", "::1", "localhost"}


def pytest_configure() -> None:
    """Servers that tests start hear Ctrl-C, also where the tests run in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Two more than processors: often a test waits for what it has started. With one more, two
    processors were idle for a third of the time, and the suite took a fifth longer (measured).
    """
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Thousands of tests and all they import stay: they are not looked through for garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        leave_what_is_loaded()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first: at the end no process waits for another."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("browser", "slow"))))


def forget_everything() -> None:
    """What a process keeps for seconds."""
    windows._limiter(settings.RATES_REDIS_URL).storage.reset()
    known_users.clear()
    targets._built_ins.clear()
    places.forget()
    queue.forget()
    forget_profiles()
    catalogue.forget()
    guesses.forget()
    refusals.forget()


@pytest.fixture
def at_that_moment(monkeypatch) -> Callable[..., None]:
    """Have something happen as soon as a function of a module is done."""

    def arranged(module: Any, name: str, happens: Callable[[], Any]) -> None:
        done = getattr(module, name)

        def overtaken(*args: Any, **more: Any) -> Any:
            found = done(*args, **more)
            happens()
            return found

        monkeypatch.setattr(module, name, overtaken)

    return arranged


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    """What a process keeps, or a request leaves behind, is not to outlive a test."""
    forget_everything()
    with bound(RequestContext()):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """The databases of tests are copies: to migrate takes each process ten seconds."""
    if connection.vendor == "postgresql":
        template = migrated_template(os.environ["DATABASE_URL"])
        connection.settings_dict["TEST"]["TEMPLATE"] = template
    else:
        connection_created.connect(_copy_migrated)


def _copy_migrated(connection: Any, **_: Any) -> None:
    """The first connection to a database in memory makes it, and keeps it."""
    connection_created.disconnect(_copy_migrated)
    with closing(sqlite3.connect(migrated_file())) as migrated:
        migrated.backup(connection.connection)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests empty all tables, which the guards of the audit trail refuse."""
    with django_db_blocker.unblock():
        lift_guards(connection, "DELETE", "TRUNCATE")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A test that reaches for another machine fails."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in _LOCAL:
            raise AssertionError(f"A test reached for {address[0]}.")
        connect(self, address)

    socket.socket.connect = only_here  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody here speaks TLS, and to load a machine's certificates takes 150 ms for each loop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("certificates")))
        yield


@pytest.fixture
def alice(db: None) -> User:
    """Owns what the tests are about."""
    return UserFactory(username="alice")


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger."""
    return UserFactory(username="charlie")


@pytest.fixture
def admin(db: None) -> User:
    return UserFactory(username="ada", is_staff=True, is_superuser=True)


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """A client of the API for a user."""

    def client(user: User) -> APIClient:
        made = APIClient()
        made.force_login(user)
        return made

    return client


@pytest.fixture(scope="session")
def built_in_rows(django_db_setup: None, django_db_blocker: Any) -> list[list[Model]]:
    """What every installation has, as a start makes it, once; here the model does not dawdle."""
    with django_db_blocker.unblock(), transaction.atomic():
        seed_templates()
        register_environment_providers()
        ModelProfile.objects.update(parameters={"delay_ms_per_word": 0})
        PriceFactory(
            provider_kind="demo",
            model="chatter-demo",
            input_nano_usd_per_mtok=0,
            output_nano_usd_per_mtok=0,
        )
        made = [list(model._base_manager.all()) for model in _BUILT_IN]
        transaction.set_rollback(True)
    return made


@pytest.fixture
def built_in(db: None, built_in_rows: list[list[Model]]) -> None:
    """The templates and the demo model that every installation has."""
    for model, rows in zip(_BUILT_IN, built_in_rows, strict=True):
        model._base_manager.bulk_create(rows)
    forget_profiles()


@pytest.fixture(scope="session")
def running_wire() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def wire(running_wire: WireServer) -> WireServer:
    """A provider that meters, with nothing metered yet and no script."""
    running_wire.clear()
    return running_wire


@pytest.fixture
def cache_away(settings: Any) -> None:
    """Nobody answers where Redis should be."""
    settings.RATES_REDIS_URL = "redis://127.0.0.1:9"


@pytest.fixture
def drain(db: None) -> Callable[[], None]:
    """Run all that waits to run, here and now."""
    return lambda: async_to_sync(Pump(writer).drain)()


def services_wanted() -> bool:
    return os.environ.get("CHATTER_TEST_SERVICES") == "required"


@pytest.fixture
def production_profile() -> None:
    """For tests of what only PostgreSQL and Redis do: skipped without them, required in CI."""
    if connection.vendor == "postgresql" and settings.REDIS_URL:
        return
    if services_wanted():
        pytest.fail("DATABASE_URL and REDIS_URL must name PostgreSQL and Redis here.")
    pytest.skip("production profile: set DATABASE_URL and REDIS_URL to run this")
