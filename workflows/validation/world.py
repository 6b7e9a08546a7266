"""What a user may name in a graph, read from the database; each thing once."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any
from uuid import UUID

from accounts.models import Secret, User
from core.secret_texts import named_in
from llms.errors import UnknownModel
from llms.profiles import ProfileSpec
from llms.services.profiles import resolve_profile
from tools.base import Tool
from tools.selectors import allowed_tools
from workflows.approvers import named
from workflows.models import DefinitionVersion, WorkflowDefinition, WorkflowVersion
from workflows.selectors import version_called

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class WorldOf:
    """The `World` of one user; workflows that are pinned are the versions of these hashes.

    `author` is the id of the one whose graph it is; None: Chatter's, or the user's own.
    """

    def __init__(
        self,
        user: User,
        pins: Mapping[str, str] = MappingProxyType({}),
        author: UUID | None = None,
    ) -> None:
        self._user = user
        self._pins = pins
        self._author = author
        self._models: dict[str, ProfileSpec | None] = {}
        self._versions: dict[str, WorkflowVersion | None] = {}
        self._approvers: dict[str, bool] = {}

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

    def trusts_author(self) -> bool:
        """Of others, staff is trusted, who answers for the installation."""
        return self._trusts_author

    @cached_property
    def _trusts_author(self) -> bool:
        return self._trusts(self._author)

    def _trusts(self, author: UUID | None) -> bool:
        if author is None or author == self._user.pk:
            return True
        return User.objects.filter(pk=author, is_staff=True, is_active=True).exists()

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

    def may_approve(self, name: str) -> bool:
        if name not in self._approvers:
            self._approvers[name] = any(named([name]))
        return self._approvers[name]

    def workflow(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._versions:
            version = self._version(name)
            self._versions[name] = version if version and self._may_run(name, version) else None
        found = self._versions[name]
        return found.graph if found else None

    @property
    def pins(self) -> dict[str, str]:
        """The hashes of the workflows that were asked for and found, by their names."""
        return {name: found.content_hash for name, found in self._versions.items() if found}

    def _version(self, name: str) -> WorkflowVersion | None:
        if name in self._pins:
            return version_called(self._pins[name])
        key, at, number = name.partition("@")
        if not _ID.fullmatch(key) or (at and not _NUMBER.fullmatch(number)):
            return None  # one workflow has one name, or it would not know itself
        if at:
            entries = DefinitionVersion.objects.visible_to(self._user).select_related("version")
            entry = entries.filter(definition=key, number=number).first()
            return entry.version if entry else None
        definitions = WorkflowDefinition.objects.visible_to(self._user).select_related("version")
        found = definitions.filter(pk=key, version__isnull=False).first()
        return found.version if found else None

    def _may_run(self, name: str, version: WorkflowVersion) -> bool:
        """Of others, who only staff see, none that would send the user's own secrets."""
        if not named_in(json.dumps(version.graph)):
            return True
        owners = WorkflowDefinition.objects.filter(pk=name.partition("@")[0])
        return self._trusts(owners.values_list("owner", flat=True).first())

    def _resolved(self, name: str) -> ProfileSpec | None:
        try:
            return resolve_profile(name, self._user)
        except UnknownModel:
            return None
