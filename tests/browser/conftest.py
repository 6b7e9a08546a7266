"""One server, one browser, a page that is signed in; every test ends with a look for complaints.

Playwright's sync API leaves a running event loop in its thread, which Django and asyncio refuse to
work beside. So whatever touches the browser happens in a thread of its own, the tests included.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chat import ChatPage
from tests.browser.chromium import chromium, find_chromium
from tests.browser.complaints import Complaints
from tests.browser.site import PASSWORD, USERNAME, sign_in, site_of
from tests.drills.server import Chatter, services_wanted

_PATIENCE_MS = 30_000

Hand = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They can be left out by their mark."""
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Run the test where its browser is."""
    names = pyfuncitem._fixtureinfo.argnames
    given = {name: pyfuncitem.funcargs[name] for name in names}
    if "in_browser_thread" in pyfuncitem.fixturenames:
        pyfuncitem.funcargs["in_browser_thread"](pyfuncitem.obj, **given)
    else:
        pyfuncitem.obj(**given)
    return True


@pytest.fixture(scope="package")
def in_browser_thread() -> Iterator[Hand]:
    """Call something in the one thread that may touch the browser."""
    with ThreadPoolExecutor(1, thread_name_prefix="browser") as thread:

        def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            done: Future[Any] = thread.submit(function, *args, **kwargs)
            return done.result()

        yield call


@pytest.fixture(scope="package")
def browser_path() -> str:
    path = find_chromium()
    if path:
        return path
    missing = "no Chromium here: install it (Debian: apt install chromium) or set CHROMIUM"
    if services_wanted() or os.environ.get("CI", "").lower() == "true":
        pytest.fail(missing)
    return pytest.skip(missing)


@pytest.fixture(scope="package")
def browser(browser_path: str, in_browser_thread: Hand) -> Iterator[Browser]:
    yield from _held(chromium(browser_path), in_browser_thread)


@pytest.fixture(scope="package")
def site(browser_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chatter]:
    """Chatter as `make run` starts it, with the demo model and another one that has no price."""
    with site_of(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="package")
def signed_in(browser: Browser, site: Chatter, in_browser_thread: Hand) -> Any:
    """The cookies of someone who has signed in on the page."""

    def cookies() -> Any:
        with browser.new_context(base_url=site.url) as context:
            sign_in(context.new_page(), USERNAME, PASSWORD)
            return context.storage_state()

    return in_browser_thread(cookies)


@pytest.fixture
def complaints() -> Complaints:
    """What the browser held against our pages; a test names those it provokes."""
    return Complaints()


@pytest.fixture
def open_context(
    browser: Browser, site: Chatter, signed_in: Any, complaints: Complaints, in_browser_thread: Hand
) -> Iterator[Callable[..., BrowserContext]]:
    """A window as of another person or device, signed in unless told otherwise."""
    opened: list[BrowserContext] = []

    def context(**options: Any) -> BrowserContext:
        usual = {"base_url": site.url, "storage_state": signed_in, "reduced_motion": "reduce"}
        made = browser.new_context(**usual | options)
        made.set_default_timeout(_PATIENCE_MS)
        complaints.listen(made)
        opened.append(made)
        return made

    expect.set_options(timeout=_PATIENCE_MS)
    yield context
    for made in opened:
        in_browser_thread(complaints.collect, made)
        in_browser_thread(made.close)
    complaints.settle()


@pytest.fixture
def page(open_context: Callable[..., BrowserContext], in_browser_thread: Hand) -> Page:
    return in_browser_thread(lambda: open_context().new_page())


@pytest.fixture
def stranger(open_context: Callable[..., BrowserContext], in_browser_thread: Hand) -> Page:
    """A page of someone who is not signed in."""
    return in_browser_thread(lambda: open_context(storage_state=None).new_page())


@pytest.fixture
def phone(open_context: Callable[..., BrowserContext], in_browser_thread: Hand) -> Page:
    small = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    return in_browser_thread(lambda: open_context(**small).new_page())


@pytest.fixture
def chat(page: Page, in_browser_thread: Hand) -> ChatPage:
    """The chat page, opened and ready."""
    return in_browser_thread(lambda: ChatPage(page).open())


def _held(manager: AbstractContextManager[Any], call: Hand) -> Iterator[Any]:
    """A context manager whose two ends are both in the browser's thread."""
    yield call(manager.__enter__)
    call(manager.__exit__, None, None, None)
