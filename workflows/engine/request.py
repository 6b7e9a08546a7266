"""The one way in: what is to run, for whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """At most one of `template`, `definition` and `graph`; none means a plain chat."""

    id: UUID
    user_id: UUID  # who asks
    request_id: str
    input: Mapping[str, Any]
    template: str = ""  # a slug or id
    definition: UUID | None = None
    graph: Mapping[str, Any] | None = None
    version: UUID | None = None  # runs in place of what the template or definition runs now
    declared: Mapping[str, Any] | None = None  # in place of what the template declares now
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    cause: str = "api"
    serial_key: str = ""  # those with the same one run one at a time, by their numbers
    serial_number: int = 0
    free: bool = True  # none of them is under way, so this one may begin at once
    retry_of: UUID | None = None
    debug: bool = False
    idempotency_key: str = ""
    request_hash: str = ""
