"""Plug-ins by key: stateless classes, listed as dotted paths in settings."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string


def _has_a_key(plugin: Any) -> Iterable[str]:
    return () if hasattr(plugin, "key") else ["it has no key"]


class Registry:
    """The plug-ins of one kind; each has a unique `key`. Loaded on first use.

    `flaws_of` a class are told by the system check, so before anything is started.
    """

    def __init__(
        self, kind: str, setting: str, flaws_of: Callable[[Any], Iterable[str]] = _has_a_key
    ) -> None:
        self.kind = kind
        self.setting = setting
        self._flaws_of = flaws_of
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
            flaws, key = self._look(path)
            problems += [
                checks.Error(f"{self.kind} {path}: {flaw}", id="core.E001") for flaw in flaws
            ]
            if not flaws and key in seen:
                problems.append(checks.Error(f"{self.kind} {key} is listed twice", id="core.E002"))
            seen.add(key)
        return problems

    def _look(self, path: str) -> tuple[list[str], str]:
        """What is wrong with the plug-in there, and its key."""
        try:
            plugin = import_string(path)
        except Exception as error:  # whatever a module of somebody else's does when it is loaded
            return [f"{type(error).__name__}: {error}"], ""
        return list(self._flaws_of(plugin)), getattr(plugin, "key", "")
