"""Plug-ins by key: stateless classes, listed as dotted paths in settings."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string


class Registry:
    """The plug-ins of one kind; each has a unique `key`. Loaded on first use."""

    def __init__(self, kind: str, setting: str) -> None:
        self.kind = kind
        self.setting = setting
        checks.register(lambda **_: self._problems())

    @cached_property
    def _by_key(self) -> dict[str, Any]:
        plugins = [import_string(path)() for path in getattr(settings, self.setting)]
        by_key = {plugin.key: plugin for plugin in plugins}
        for plugin in plugins:
            by_key |= dict.fromkeys(getattr(plugin, "aliases", ()), plugin)
        return by_key

    def get(self, key: str) -> Any | None:
        """The plug-in of this key or alias, None when there is none."""
        return self._by_key.get(key)

    def keys(self) -> list[str]:
        """The keys without aliases, in the order of the setting."""
        return list(dict.fromkeys(plugin.key for plugin in self._by_key.values()))

    def all(self) -> list[Any]:
        """The plug-ins in the order of the setting."""
        return [self._by_key[key] for key in self.keys()]

    def _problems(self) -> list[checks.CheckMessage]:
        problems: list[checks.CheckMessage] = []
        seen: set[str] = set()
        for path in getattr(settings, self.setting):
            try:
                key = import_string(path).key
            except (ImportError, AttributeError) as error:
                problems.append(checks.Error(f"{self.kind} {path}: {error}", id="core.E001"))
                continue
            if key in seen:
                problems.append(checks.Error(f"{self.kind} {key} is listed twice", id="core.E002"))
            seen.add(key)
        return problems
