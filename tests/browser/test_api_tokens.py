"""The page of one's API tokens."""

import httpx2
from playwright.sync_api import Page, expect

from tests.drills.server import Chatter


def test_a_token_is_shown_once_works_and_can_be_revoked(page: Page, site: Chatter) -> None:
    page.goto("/account/tokens/")
    page.get_by_label("Name").fill("the harbour office")
    page.get_by_role("button", name="Create").click()
    token = page.locator(".secret code").inner_text()
    assert token.startswith("chatter_")
    assert _me(site, token) == (200, "admin")
    page.goto("/account/tokens/")
    assert token not in page.content()
    row = page.get_by_role("row", name="the harbour office")
    expect(row).to_contain_text("active")
    row.get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert _me(site, token)[0] == 401


def _me(site: Chatter, token: str) -> tuple[int, str | None]:
    answer = httpx2.get(f"{site.url}/api/v1/auth/me/", headers={"Authorization": f"Token {token}"})
    return answer.status_code, answer.json().get("username")
