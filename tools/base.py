"""A tool: one class says what it is called, what it takes and what it does."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, ClassVar, Generic, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema

from core.errors import ChatterError


class ToolArgs(BaseModel):
    """What a tool is called with: unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolFailed(ChatterError):
    """A tool cannot do what it was asked; `reason` is given back to the model."""

    code = "tool_failed"
    status = 422
    message = "{reason}"


class UnfitArguments(Exception):
    """Arguments that a tool cannot be called with; `issues` are `{path, code, message}`."""

    def __init__(self, issues: Sequence[dict[str, str]]) -> None:
        self.issues = list(issues)
        super().__init__(f"{len(self.issues)} arguments do not fit")


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom and for what a tool is called. `origin` is "execution:<id>" or "api:<id>"."""

    user_id: UUID | None
    origin: str
    call_id: UUID
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found: text for the model, JSON for the workflow."""

    text: str
    data: Any = None


A = TypeVar("A", bound=ToolArgs)


class Tool(ABC, Generic[A]):
    """A stateless plug-in. `key` is the name that models call, so letters, digits, "_" and "-".

    `scopes` name what a tool touches beside its arguments ("network", …); grants can name them.
    `staff_first`: until it is opened to all, staff may use it, and others by a grant.
    `suspended`: known, but not to be called now. `server` is where it runs, if not here.
    One that is not `offered` serves a type of node: no model is told of it, and none can call it.
    """

    key: str
    label: str
    description: str
    scopes: tuple[str, ...] = ()
    timeout_s: float = 10.0
    offered: bool = True
    staff_first: bool = False
    suspended: bool = False
    server: str = ""
    args: ClassVar[type[ToolArgs]]

    def read(self, arguments: Any) -> A:
        """JSON as it came, as arguments. Raises UnfitArguments, pydantic's ValidationError."""
        return cast(A, self.args.model_validate(arguments))

    @abstractmethod
    async def call(self, args: A, context: ToolContext) -> ToolResult:
        """Do it. Raises ToolFailed, or any ChatterError: its code and message are the answer."""

    def spec(self) -> Mapping[str, Any]:
        """The tool as models are told of it: name, description, JSON schema of its arguments."""
        schema = self.args.model_json_schema(schema_generator=_WithoutTitles)
        return {
            "name": self.key,
            "description": self.description,
            "parameters": {
                name: part for name, part in schema.items() if name not in ("title", "description")
            },
        }

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what models are told of it: another one, and it is called for other reasons."""
        return sha256(json.dumps(self.spec(), sort_keys=True).encode()).hexdigest()


class _WithoutTitles(GenerateJsonSchema):
    """Titles repeat the names, and cost tokens in every question."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
