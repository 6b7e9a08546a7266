"""The one way in: what is to run, for whom, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """At most one of `template` (a slug or id), `definition` and `graph`; none means a plain chat.

    `user_id` is who asks. Executions with the same `serial_key` run one at a time by
    `serial_number`; `free` says that none of the series is under way, so that this one may begin at
    once. `version` is the graph that runs in place of the one the template or definition runs now.
    """

    id: UUID
    user_id: UUID
    request_id: str
    input: Mapping[str, Any]
    template: str = ""
    definition: UUID | None = None
    graph: Mapping[str, Any] | None = None
    version: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    cause: str = "api"
    serial_key: str = ""
    serial_number: int = 0
    free: bool = True
    retry_of: UUID | None = None
    debug: bool = False
    idempotency_key: str = ""
    request_hash: str = ""
