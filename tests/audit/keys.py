"""The keys of entries: those that the code writes, and those that the documentation lists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib import admin

from audit.admin_mixin import AuditedAdmin

_ROOT = Path(__file__).parents[2]
_WRITERS = {"record", "entry", "Entry", "_entry", "recorded"}
_KEY = re.compile(r"[a-z_]+\.[a-z_*]+\.[a-z_*]+")
_LISTED = re.compile(r"^\| `([a-z_]+\.[a-z_]+\.[a-z_*]+)`", re.MULTILINE)


def listed() -> set[str]:
    """Those of the table in docs/audit.md."""
    return set(_LISTED.findall((_ROOT / "docs" / "audit.md").read_text()))


def written() -> dict[str, str]:
    """Those in the code, with where; `*` stands for what is only known when it is written."""
    found = {}
    for config in apps.get_app_configs():
        path = Path(config.path)
        if path.parent == _ROOT:
            for file in path.rglob("*.py"):
                for key in _keys_in(ast.parse(file.read_text())):
                    found[key] = str(file.relative_to(_ROOT))
    return found


def of_the_back_office() -> set[str]:
    """What `AuditedAdmin` writes."""
    return {
        f"{model._meta.label_lower}.{verb}"
        for model, one in admin.site._registry.items()
        if isinstance(one, AuditedAdmin)
        for verb in ("created", "changed", "deleted")
    }


def _keys_in(tree: ast.AST) -> Iterator[str]:
    constants = {
        node.targets[0].id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _WRITERS:
            named = [one.value for one in node.keywords if one.arg == "action"]
            for given in [*node.args[:1], *named]:
                key = _text(given, constants)
                if key and _KEY.fullmatch(key):
                    yield key


def _text(node: ast.AST, constants: dict[str, Any]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return str(constants.get(node.id, ""))
    if isinstance(node, ast.JoinedStr):
        return "".join(
            one.value if isinstance(one, ast.Constant) else "*"
            for one in node.values
            if isinstance(one, ast.Constant | ast.FormattedValue)
        )
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "action":
        return f"webhooks.*.{node.args[1].value}"  # type: ignore[attr-defined]
    return ""
