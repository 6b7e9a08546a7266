"""Everything a call needs to know about a model, taken from the database once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from llms.pricing import Rates


@dataclass(frozen=True, slots=True)
class ProfileSpec:
    """A ModelProfile, its provider with the decrypted key, and all its dated prices."""

    id: UUID
    provider: str
    provider_kind: str
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[str, ...] = ("text",)
    prices: tuple[Rates, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def is_demo(self) -> bool:
        return self.provider_kind == "demo"
