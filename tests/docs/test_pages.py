"""What the pages name is there: pages, files, settings and their defaults, commands, addresses."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from tests.drills.server import ROOT
from workflows.engine.events import TERMINAL_TYPES, Event

GUIDES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
PAGES = [*GUIDES, ROOT / "CHANGELOG.md"]  # the changelog also names what there was
EXAMPLE = (ROOT / ".env.example").read_text()
DOCUMENTED = dict(re.findall(r"^# ([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
CLUSTER = {"CLUSTER_SERVICES"}  # read by deploy/cluster.py
OF_OTHERS = re.compile(
    r"OTEL_|CHATTER_TEST_|POSTGRES_PASSWORD$|Q_CLUSTER_NAME$|IDS(_AT)?$"  # IDS_AT: a name in tests
)
SETTINGS = """
import json, runpy, environ
environ.Env.read_env = lambda *args, **options: None
found = runpy.run_path("chatter_project/settings.py")
print(json.dumps({name: found[name] for name in found if name.isupper()}, default=str))
"""


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def links(page: Path) -> list[str]:
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in to]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    shown = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in shown}


def named(pattern: str, pages: list[Path] = GUIDES) -> Iterator[tuple[str, str]]:
    for page in pages:
        yield from ((page.name, found) for found in re.findall(pattern, page.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading_of_it(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index() -> None:
    listed = {(ROOT / "docs" / link).resolve() for link in links(ROOT / "docs" / "README.md")}
    assert set(ROOT.glob("docs/*.md")) - listed == {ROOT / "docs" / "README.md"}
    assert "docs/README.md" in links(ROOT / "README.md")


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    source = (ROOT / "chatter_project" / "settings.py").read_text()
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', source))
    read |= CLUSTER | {"CHATTER_ENV_FILE"}  # in `environment.env_file`, for servers and clusters
    assert {name for name in read if not name.startswith("OTEL_")} - set(DOCUMENTED) == set()
    assert set(DOCUMENTED) - read == set()


@pytest.mark.parametrize("given", ["as documented", "empty"])
def test_env_example_tells_the_defaults_and_what_is_empty_is_not_given(
    given: str, tmp_path: Path
) -> None:
    def settings(given: dict[str, str]) -> dict[str, Any]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {"CHATTER_SECRET_KEY": "k" * 50, "CHATTER_DATA_DIR": str(tmp_path)}
        script = [sys.executable, "-c", SETTINGS]
        done = subprocess.run(
            script, cwd=ROOT, env={**kept, **given, **own}, check=True, capture_output=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return {name: value for name, value in found.items() if "object at 0x" not in str(value)}

    documented = {name: value for name, value in DOCUMENTED.items() if value}
    empty = dict.fromkeys(DOCUMENTED, " ")
    assert settings(documented if given == "as documented" else empty) == settings({})


def test_settings_that_pages_name_exist() -> None:
    strange = {
        (page, name)
        for page, name in named(r"`([A-Z]+(?:_[A-Z]+)+)\b")
        if name not in DOCUMENTED and not OF_OTHERS.match(name)
    }
    assert strange == set()


def test_commands_that_pages_name_exist_and_all_of_ours_are_named() -> None:
    asked = set(named(r"manage\.py ([a-z_]+)"))
    assert {(page, name) for page, name in asked if name not in get_commands()} == set()
    ours = {path.stem for path in ROOT.glob("[a-z]*/management/commands/[a-z]*.py")}
    assert ours - {name for _, name in asked} - {"changepassword", "createsuperuser"} == set()

    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for _, name in named(r"`make ([a-z]+)")} <= targets
    assert targets - {name for _, name in named(r"make ([a-z]+)")} - {"help", "clean"} == set()


def test_files_that_pages_name_exist() -> None:
    here = [str(path.relative_to(ROOT)) for path in ROOT.glob("[!.]*/**/*.py")]
    missing = {
        (page, path)
        for page, path in named(r"`([a-z_]+/[\w/]+\.py)`")
        if not any(one == path or one.endswith(f"/{path}") for one in here)
    }
    assert missing == set()


def test_addresses_that_pages_name_exist() -> None:
    begins = r"api|admin|analytics|executions|experiments|schedules|webhooks|approvals|compliance"
    for page, path in named(rf"(?:localhost:8000|127\.0\.0\.1:8000|[` ])(/(?:{begins})/[^\s`?']*)"):
        if "…" in path:
            continue
        try:
            view = resolve(re.sub(r"<[^>]+>|{[^}]+}", str(uuid4()), path)).func.__name__
        except Resolver404:
            view = "not_found"
        assert view not in ("not_found", "catch_all_view"), f"{page}: {path}"


def test_bodies_that_are_sent_are_json() -> None:
    for page, body in named(r"-d '(\{[^']*\})'"):
        assert json.loads(body), page


def table_of_nodes() -> dict[str, set[str]]:
    """The ports of each node type, as docs/workflows.md tells them."""
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| ([^|]*) \|$", (ROOT / "docs/workflows.md").read_text(), re.MULTILINE
    )
    return {key: set(re.findall(r"`(\w+)`", ports)) for key, ports in rows}


def test_the_table_of_node_types_is_that_of_the_reference(api: Any, alice: Any) -> None:
    told = {
        one["key"]: {*one["ports"], *(port for by in one["ports_from"] for port in by["ports"])}
        for one in api(alice).get("/api/v1/node-types/").json()["results"]
    }
    assert table_of_nodes() == told


def test_the_table_of_events_is_that_of_the_classes() -> None:
    text = (ROOT / "docs/websocket.md").read_text()
    rows = re.findall(r"^\| (`\w+\.\w+`.*?) \| .* \| ?(.*) \|$", text, re.MULTILINE)
    told = {
        kind: re.findall(r"`(\w+)`", data)
        for kinds, data in rows
        for kind in re.findall(r"`([\w.]+)`", kinds)
        if kind not in TERMINAL_TYPES.values()
    }
    assert {kind: set(names) for kind, names in told.items()} == {
        one.type: {field.name for field in fields(one)} for one in _kinds(Event)
    }


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    for one in base.__subclasses__():
        yield one
        yield from _kinds(one)


def test_the_workflow_of_the_page_runs(api: Any, alice: Any, built_in: None, drain: Any) -> None:
    bodies = re.findall(r"-d '(\{.*?\})'\n", (ROOT / "docs/workflows.md").read_text(), re.DOTALL)
    made = api(alice).post("/api/v1/definitions/", json.loads(bodies[0]), format="json").json()
    assert made["issues"] == []
    asked = json.loads(bodies[1]) | {"mode": "background"}
    address = f"/api/v1/definitions/{made['id']}/execute/"
    begun = api(alice).post(address, asked, format="json").json()["execution"]
    drain()
    ended = api(alice).get(f"/api/v1/executions/{begun['id']}/").json()
    assert ended["output"]["text"] == "To be done: My lamp is broken."
