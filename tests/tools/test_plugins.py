"""Tools of one's own: found by dotted path, told what is wrong with them before anything starts."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from rest_framework.test import APIClient

from accounts.models import User
from tests.drills.server import ROOT
from tests.tools import plugins
from tools.base import ToolArgs
from tools.models import ToolCall, ToolSetting
from tools.receivers import on_post_migrate
from tools.registry import tools


def documented() -> str:
    """The example of docs/tools.md."""
    [source] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/tools.md").read_text(), re.DOTALL)
    return source


@pytest.fixture
def listed(settings: Any) -> Iterator[Callable[..., list[str]]]:
    """List these paths beside the built-in tools; gives what the system check says of them."""

    def check(*paths: str) -> list[str]:
        settings.CHATTER_TOOLS = [*settings.CHATTER_TOOLS, *paths]
        tools.__dict__.pop("_by_key", None)
        return [one.msg for one in checks.run_checks() if one.id in ("core.E001", "core.E002")]

    yield check
    tools.__dict__.pop("_by_key", None)


@pytest.fixture
def dice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "dice.py").write_text(documented())
    monkeypatch.syspath_prepend(tmp_path)
    yield "dice.Dice"
    sys.modules.pop("dice", None)


def test_the_tool_of_the_documentation_is_listed_and_called(
    dice: str, listed: Callable[..., list[str]], alice: User, api: Callable[[User], APIClient]
) -> None:
    assert listed(dice) == []
    on_post_migrate("default")
    assert ToolSetting.objects.get(tool="dice").open_to_all
    client = api(alice)
    [told] = [one for one in client.get("/api/v1/tools/").json()["results"] if one["key"] == "dice"]
    assert set(told["parameters"]["properties"]) == {"count", "sides"}
    answer = client.post("/api/v1/tools/dice/call/", {"arguments": {"count": 3}}).json()
    assert len(answer["data"]["shown"]) == 3
    too_many = client.post("/api/v1/tools/dice/call/", {"arguments": {"count": 100, "sides": 99}})
    assert too_many.json()["error"]["message"] == "At most 1000 sides are thrown at once."
    assert ToolCall.objects.filter(tool="dice").count() == 2


def manage(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As an installation runs it, with these in its environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "chatter_project.settings_test",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_environment_names_tools_and_a_start_says_what_is_wrong_with_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "dice.py").write_text(documented())
    (tmp_path / "bad.py").write_text("raise RuntimeError('no such moon')\n")
    there = {"PYTHONPATH": str(tmp_path)}
    keys = "from tools.registry import tools; print(*tools.keys())"
    good = manage("shell", "-c", keys, CHATTER_TOOL_PLUGINS="dice.Dice", **there)
    assert {"calculator", "dice"} <= set(good.stdout.split()), good.stderr
    bad = manage("check", CHATTER_TOOL_PLUGINS="dice.Dice,dice.Cards,bad.Bad,nowhere.X", **there)
    assert bad.returncode == 1
    assert 'Tool dice.Cards: ImportError: Module "dice" does not define' in bad.stderr
    assert "Tool bad.Bad: RuntimeError: no such moon" in bad.stderr
    assert "Tool nowhere.X: ModuleNotFoundError: No module named 'nowhere'" in bad.stderr
    assert "dice.Dice:" not in bad.stderr


class Loose(ToolArgs, extra="allow"):
    pass


class Odd(ToolArgs):
    """No schema can be made of it."""

    what: Callable[[], int]


class Nameless(plugins.Broken):
    key = ""


class Misnamed(plugins.Broken):
    key = "no spaces please"


class Taken(plugins.Broken):
    key = "grants"


class Wordless(plugins.Broken):
    description = " "


class Argless(plugins.Broken):
    args = dict  # type: ignore[assignment]


class Accepting(plugins.Broken):
    args = Loose  # type: ignore[assignment]


class Untellable(plugins.Broken):
    args = Odd  # type: ignore[assignment]


class Demanding(plugins.Broken):
    def __init__(self, what: str) -> None:
        pass


class Keyless(plugins.Broken):
    def __init__(self) -> None:
        self.password = {}["MOON_PASSWORD"]


class Endless(plugins.Broken):
    timeout_s = 0


class Waiting(plugins.Broken):
    def call(self, args: Any, context: Any) -> Any:
        pass


class Again(plugins.Broken):
    key = "calculator"


class Staffs(plugins.Broken):
    key = "staffs"
    staff_first = True


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("listed", "no subclass of tools.base.Tool"),
        ("Loose", "no subclass of tools.base.Tool"),
        ("Nameless", "it has no key"),
        ("Misnamed", "letters, digits"),
        ("Taken", "its key is taken"),
        ("Wordless", "it has no description"),
        ("Argless", "no subclass of tools.base.ToolArgs"),
        ("Accepting", "takes names that it does not know"),
        ("Untellable", "told to a model"),
        ("Demanding", "cannot be made without arguments"),
        (
            "Keyless",
            "cannot be made without arguments, or told to a model: KeyError: 'MOON_PASSWORD'",
        ),
        ("Endless", "no number of seconds"),
        ("Waiting", "`call` is not async"),
        ("Again", "calculator is listed twice"),
    ],
)
def test_what_is_wrong_with_a_tool_is_said(
    listed: Callable[..., list[str]], name: str, said: str
) -> None:
    [problem] = listed(f"{__name__}.{name}")
    assert said in problem
    assert name in problem or "calculator" in problem


def test_good_plug_ins_pass(listed: Callable[..., list[str]]) -> None:
    assert listed(*plugins.PLUGINS) == []


@pytest.mark.django_db
def test_one_that_is_for_staff_first_is_not_opened_by_the_migration(
    listed: Callable[..., list[str]],
) -> None:
    assert listed(f"{__name__}.Staffs") == []
    on_post_migrate("default")
    assert not ToolSetting.objects.get(tool="staffs").open_to_all
    assert ToolSetting.objects.get(tool="calculator").open_to_all
