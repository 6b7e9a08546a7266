"""What a user may name in a graph, read from the database; each thing once."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from accounts.models import Secret, User
from llms.errors import UnknownModel
from llms.profiles import ProfileSpec
from llms.services.profiles import resolve_profile
from tools.base import Tool
from tools.selectors import allowed_tools
from workflows.models import WorkflowDefinition

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class WorldOf:
    """The `World` of one user."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._models: dict[str, ProfileSpec | None] = {}

    def model(self, name: str) -> ProfileSpec | None:
        if name not in self._models:
            self._models[name] = self._resolved(name)
        return self._models[name]

    def may_use(self, tool: str) -> bool:
        return tool in self._tools

    def may_call(self, tool: str) -> bool:
        return tool in self._all_tools

    def hosts_of(self, secret: str) -> Collection[str] | None:
        return self._secrets.get(secret)

    @cached_property
    def _tools(self) -> frozenset[str]:
        return frozenset(tool.key for tool in self._allowed if tool.offered)

    @cached_property
    def _all_tools(self) -> frozenset[str]:
        return frozenset(tool.key for tool in self._allowed)

    @cached_property
    def _allowed(self) -> Sequence[Tool[Any]]:
        return allowed_tools(self._user)

    @cached_property
    def _secrets(self) -> Mapping[str, Collection[str]]:
        return dict(Secret.objects.visible_to(self._user).values_list("name", "hosts"))

    def workflow(self, name: str) -> Mapping[str, Any] | None:
        definitions = WorkflowDefinition.objects.visible_to(self._user).select_related("version")
        if not _ID.fullmatch(name):  # one workflow has one name, or it would not know itself
            return None
        found = definitions.filter(pk=name, version__isnull=False).first()
        return found.version.graph if found else None

    def _resolved(self, name: str) -> ProfileSpec | None:
        try:
            return resolve_profile(name, self._user)
        except UnknownModel:
            return None
