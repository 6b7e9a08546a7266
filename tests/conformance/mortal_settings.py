"""The settings of a worker that is to be killed: nodes stand still in it, as the test wants."""

from tests.conformance.worker_settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.conformance.holding.Holding"]  # noqa: F405
