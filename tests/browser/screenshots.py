"""The pictures of docs/screenshots: `python -m tests.browser.screenshots [name …]`.

Chatter runs on an installation of its own, and asks a local server that speaks the providers' wire
formats (`tests.wire`). What that server answers is written here, so the pictures are the same each
time; tokens, costs, times and steps are what Chatter made of it. For the charts, when it was is
moved into the day before (`tests.browser.spread`); the experiment has units that were made up
(`tests.browser.tried`). Names choose pictures: `chat`, `execution`,
`admin`, and those of PAGES. They are to be looked at before they are committed.
"""

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat import ChatPage, partial_text
from tests.browser.chromium import chromium, find_chromium
from tests.browser.harbour import furnish, knock
from tests.browser.site import PASSWORD, USERNAME, sign_in, site_of
from tests.drills.server import ROOT, Chatter, wire

HOME = ROOT / "docs" / "screenshots"
OPENAI, CLAUDE, DEMO = "openai:gpt-5-mini", "anthropic:claude-sonnet-4-5", "demo:chatter-demo"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5, "is_mobile": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", **PHONE},
}
# Width, height and how many dots to a pixel, on a desk.
DESK = {"chat": (1280, 940, 1.5), "execution": (1280, 900, 1.5), "admin": (1440, 900, 1.2)}

# Pages that are taken as they are; wide ones, in light and dark.
PAGES = {
    "login": "/login/",
    "analytics": "/analytics/?by=template&range=24h",
    "analytics-models": "/analytics/models/?by=model&range=24h",
    "analytics-tools": "/analytics/tools/?by=tool&range=24h",
    "analytics-conversations": "/analytics/conversations/?range=24h",
    "analytics-live": "/analytics/live/",
    "analytics-definition": "",  # of the workflow that `furnish` makes
    "definition-calls": "",
    "analytics-user": "",  # whoever signed in
    "analytics-ratings": "/analytics/ratings/",
    "analytics-messages": "/analytics/messages/",
    "conversation-rows": "/analytics/conversations/rows/?range=24h",
    "model-calls": "/model-calls/",
    "tool-calls": "/tool-calls/",
    "budgets": "/budgets/",
    "budget-calls": "",  # of a month, which `furnish` makes
    "executions": "/executions/",
    "experiments": "/experiments/",
    "experiment": "",  # known once it was made
    "experiment-edit": "",  # of a draft
    "experiment-exposures": "",
    "experiment-form": "/experiments/new/",
    "approvals": "/approvals/",
    "schedules": "/schedules/",
    "schedule": "",
    "schedule-form": "/schedules/new/",
    "webhooks": "/webhooks/",
    "webhook-incoming": "",
    "webhook-endpoint": "",
    "password": "/account/password/",
    "tokens": "/account/tokens/",
    "compliance": "/compliance/",
    "admin-definition": "",  # of the workflow that `furnish` makes
    "admin-audit": "/admin/audit/auditentry/",
    "admin-alerts": "/admin/security/securityalert/",
    "admin-lockouts": "/admin/accounts/lockout/",
    "admin-budgets": "/admin/budgets/budget/",
    "admin-experiments": "/admin/experiments/experiment/",
    "admin-prices": "/admin/llms/modelprice/",
    "admin-providers": "/admin/llms/provider/",
    "admin-models": "/admin/llms/modelprofile/",
}
WIDE = (1280, 900, 1.0)
DESK |= dict.fromkeys(PAGES, WIDE)
DESK |= {name: (1440, 900, 1.0) for name in PAGES if name.startswith("admin-")}
DESK |= {"experiment": (1280, 1400, 1.0)}

TRIED = {name for name in PAGES if "experiment" in name}
EXPERIMENT = {
    "name": "Shorter answers sell",
    "hypothesis": "Nobody misses the rest, and who reads to the end buys.",
    "template": "universal_chat",
    "primary": "event:bought",
    "events": {"refund": "lower"},
    "guards": [{"metric": "errors", "margin": 0.05}],
    "window_min": 60,
    "variants": [
        {"name": "as it is", "control": True},
        {"name": "brief", "parameters": {"system": "Answer in one sentence."}},
        {"name": "thorough", "parameters": {"system": "Explain every step."}},
    ],
}

# What the conversation of the pictures says; each answer with what the provider bills besides.
TALK = (
    (
        "A ferry leaves Kirkwall every 40 minutes from 06:20. When do I board to reach Shapinsay"
        " by noon, if the crossing takes 25?",
        "cached=1152 reasoning=96",
        "Count back from noon: the crossing takes 25 minutes, so you have to sail by **11:35**."
        "\n\nThe sailings run every 40 minutes from 06:20, which puts the last three before that at"
        "\n\n1. 10:20\n2. 11:00, in at 11:25\n3. 11:40, five minutes too late\n\n"
        "Board the **11:00**. You will be on Shapinsay at 11:25, with half an hour to spare.",
    ),
    (
        "Write that as a Python function.",
        "cached=1280 reasoning=160",
        "Minutes since midnight make it plain arithmetic:\n\n"
        "```python\ndef last_sailing(arrive_by, first=6 * 60 + 20, every=40, crossing=25):\n"
        "    latest = arrive_by - crossing\n"
        "    if latest < first:\n"
        "        return None\n"
        "    return first + (latest - first) // every * every\n\n"
        "print(divmod(last_sailing(12 * 60), 60))  # (11, 0)\n```",
    ),
    (
        "And what if there is no boat on the hour?",
        "cached=1408 reasoning=48",
        "Then the **10:20** is the one to take: in at 10:45, an hour and a quarter early.",
    ),
)
# Runs that fill the ledger: what is asked, of which model, and how the provider behaves.
LEDGER = (
    ("Summarise the harbour log of October", OPENAI, "words=180 cached=2048"),
    ("Translate the tide table into Norwegian", CLAUDE, "words=240 cache_write=1600"),
    ("And into Danish", CLAUDE, "words=230 cached=1600"),
    ("Which berth is free on Friday?", OPENAI, "words=40 fault=429 times=1 retry_after=0"),
    ("What can you do?", DEMO, ""),
    ("Draft a notice about the night ferry", OPENAI, "words=120 reasoning=220"),
    ("Check the notice for tone", CLAUDE, "words=90 reasoning=140"),
    ("Which sailings were late?", OPENAI, "words=60 fault=no_usage"),
    ("Plan the winter timetable", OPENAI, "words=200 fault=context"),
    ("List the lifeboat drills", CLAUDE, "words=70"),
)


def main() -> None:
    wanted = set(sys.argv[1:]) or set(DESK)
    path = find_chromium()
    if path is None:
        sys.exit("No Chromium here: install it, or set CHROMIUM.")
    HOME.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, wire(Path(scratch) / "meter.jsonl") as provider:
        environment = {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{provider}/v1",
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": provider,
        }
        with site_of(Path(scratch), **environment) as site, chromium(path) as browser:
            _script(provider)
            _take(browser, site, wanted, _fill_ledger(site))


def _script(provider: str) -> None:
    """Tell the provider what to say to whom."""
    rules = [
        (asked, f"[[{extra} first_ms=320 delay_ms=6]][[say={said}]]") for asked, extra, said in TALK
    ]
    rules += [(asked, f"[[{extra} delay_ms=1]]") for asked, _, extra in LEDGER if extra]
    rules.append(("Describe the harbour", "[[words=400 delay_ms=40]]"))
    for match, directives in rules:
        rule = {"match": match, "directives": directives}
        httpx2.post(f"{provider}/script", json=rule).raise_for_status()


def _fill_ledger(site: Chatter) -> dict[str, str]:
    """Runs by the API, and what else is to be seen; where that is."""
    person = {"username": USERNAME, "password": PASSWORD}
    token = httpx2.post(f"{site.url}/api/v1/auth/token/", json=person).json()["token"]
    with httpx2.Client(base_url=site.url, timeout=60) as client:
        client.headers["Authorization"] = f"Token {token}"
        made = furnish(client)
        for asked, model, _ in LEDGER:
            client.post("/api/v1/chat/", json={"message": asked, "model": model})
        return made


def _take(browser: Browser, site: Chatter, wanted: set[str], made: dict[str, str]) -> None:
    """Those of experiments last: their units are among the runs."""
    with browser.new_context(base_url=site.url) as context:
        page = context.new_page()
        sign_in(page, USERNAME, PASSWORD)
        places = PAGES | made | _talk(page)
        window = {"base_url": site.url, "storage_state": context.storage_state()}
    with httpx2.Client(base_url=site.url) as stranger:
        knock(stranger)
    site.ask("tests.browser.spread")
    in_order = sorted(wanted - TRIED, key=lambda name: (name == "analytics-live", name))
    _pictures(browser, window, places, in_order)  # the live ones start runs
    if tried := sorted(wanted & TRIED):
        with browser.new_context(**window) as context:
            places |= _experiments(context.new_page())
        site.ask("tests.browser.tried")
        _pictures(browser, window, places, tried)


def _pictures(
    browser: Browser, window: dict[str, Any], places: dict[str, str], names: list[str]
) -> None:
    for name, (look, options) in product(names, LOOKS.items()):
        if name in PAGES and look == "phone":
            continue
        width, height, scale = DESK[name]
        desk = {"viewport": {"width": width, "height": height}, "device_scale_factor": scale}
        with browser.new_context(**{"locale": "en-GB", **window, **desk, **options}) as context:
            if name == "login":
                context.clear_cookies()
            page = context.new_page()
            page.goto(places[name], wait_until="networkidle")
            _arrange(page, name)
            _save(page, HOME / f"{name}-{look}.png")


def _talk(page: Page) -> dict[str, str]:
    """Have the conversation, stop another; where the pictures are taken."""
    chat = ChatPage(page).open()
    stopped = chat.say("Describe the harbour at dawn")
    partial_text(stopped)
    chat.stop.click()
    expect(stopped).to_have_attribute("aria-busy", "false")
    chat.open()
    for asked, _, _ in TALK:
        chat.ask(asked)
    page.get_by_role("button", name="This helped", exact=True).last.click()
    page.get_by_role("button", name="Rename, archive or delete").click()
    chat.dialog.get_by_label("Title").fill("The ferry to Shapinsay")
    chat.dialog.get_by_role("button", name="Save").click()
    expect(chat.title).to_have_text("The ferry to Shapinsay")
    return {
        "chat": f"/chat/{chat.conversation}/",
        "execution": f"/executions/{chat.messages[3]['execution']}/",
        "admin": "/admin/llms/modelcall/",
        "analytics-user": f"/analytics/users/{chat.get('auth/me/')['id']}/?range=24h",
    }


def _experiments(page: Page) -> dict[str, str]:
    """Start the experiment of the pictures, and leave another a draft; where they are."""
    chat = ChatPage(page).open()
    draft = chat.post("experiments/", {**EXPERIMENT, "name": "Shorter answers, again"})["id"]
    made = chat.post("experiments/", EXPERIMENT)
    chat.post(f"experiments/{made['id']}/start/")
    home, brief = f"/experiments/{made['id']}/", made["variants"][1]["id"]
    return {
        "experiment": home,
        "experiment-edit": f"/experiments/{draft}/edit/",
        "experiment-exposures": f"{home}exposures/?metric=event:bought&variant={brief}",
    }


def _arrange(page: Page, name: str) -> None:
    """Open what is worth seeing."""
    if name == "analytics-live":
        for words in range(200, 320, 20):
            page.request.post(
                "/api/v1/chat/",
                data={"message": f"say {words} words", "mode": "background", "model": DEMO},
                headers={"X-CSRFToken": _csrf(page), "Referer": page.url},
            )
        page.wait_for_timeout(5_000)
        return
    if name == "chat":
        page.locator(".message.assistant .steps summary").last.click()
        expect(page.locator(".timeline .step.call").first).to_be_visible()
        page.get_by_label("Message", exact=True).blur()
    if name == "experiment-form":
        page.locator("#id_name").fill("A kinder tone")
        page.get_by_label("About").select_option(label="Customer support")
        brief = page.get_by_role("group", name="Variant").nth(1)
        brief.get_by_label("Name").fill("kind")
        brief.get_by_label("Parameters").fill('{"system": "Be kind, and brief."}')
        brief.get_by_label("Parameters").blur()
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")


def _csrf(page: Page) -> str:
    cookies = page.context.cookies()
    return next(str(one["value"]) for one in cookies if one["name"] == "csrftoken")


def _save(page: Page, path: Path) -> None:
    page.screenshot(path=path, animations="disabled", caret="hide")
    sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size // 1024} kB\n")


if __name__ == "__main__":
    main()
