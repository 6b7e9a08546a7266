"""Chatter for the browser tests, and how to get in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from tests.drills.server import Chatter, chatter

USERNAME = "admin"
PASSWORD = "correct horse battery"
UNPRICED = "demo:understudy"


@contextmanager
def site_of(home: Path, **environment: str) -> Iterator[Chatter]:
    with chatter(home, CHATTER_ADMIN_PASSWORD=PASSWORD, **environment) as running:
        running.furnish(profile_parameters={UNPRICED: {}})
        running.start()
        yield running


def sign_in(page: Page, username: str, password: str) -> None:
    """Through the form, as everyone does."""
    page.goto("/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/chat/")
