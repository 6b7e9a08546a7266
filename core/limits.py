"""What a run may use at most: the words that server, users and workflows set limits in (pure)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator

from core.money import DIGITS, nano_dollars

_LARGEST = 10**15  # beyond what counts; a column of the database holds it as nano-dollars too


class RunLimits(BaseModel):
    """Limits of one run, and of how many run at once for a user; null means that there is none.

    `cost` is in dollars. Text and variables of the output count as characters of JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    run_time_s: float | None = Field(default=None, gt=0, le=_LARGEST)
    step_time_s: float | None = Field(default=None, gt=0, le=_LARGEST)
    steps: int | None = Field(default=None, ge=1, le=_LARGEST)
    tokens: int | None = Field(default=None, ge=0, le=_LARGEST)
    cost: Decimal | None = Field(default=None, ge=0, le=10**9, decimal_places=DIGITS)
    tool_calls: int | None = Field(default=None, ge=0, le=_LARGEST)
    output_characters: int | None = Field(default=None, ge=0, le=_LARGEST)
    concurrent: int | None = Field(default=None, ge=0, le=_LARGEST)

    @field_validator("*", mode="before")
    @classmethod
    def _is_a_number(cls, value: Any) -> Any:
        """True is 1 elsewhere; as a limit it is a mistake."""
        if isinstance(value, bool):
            raise ValueError("A limit is a number.")
        return value

    @field_serializer("cost", when_used="json")
    def _in_dollars(self, cost: Decimal | None) -> str | None:
        """Without an exponent: 0.0000001 would be 1E-7."""
        return None if cost is None else f"{cost:f}"

    @property
    def cost_nano_usd(self) -> int | None:
        return None if self.cost is None else int(nano_dollars(self.cost))

    def lowered(self, other: "RunLimits") -> Self:
        """The least of each."""
        lower = {name: value for name, value in other if _is_less(value, getattr(self, name))}
        return self.model_copy(update=lower)

    def above(self, other: "RunLimits") -> list[str]:
        """The names of those that are set here and allow more than there."""
        return [
            name
            for name, value in self
            if value is not None and _is_less(getattr(other, name), value)
        ]

    def with_given(self, given: Mapping[str, Any]) -> Self:
        """These, but for what is given as JSON."""
        if not given:
            return self
        read = RunLimits.model_validate(given)
        return self.model_copy(update={name: getattr(read, name) for name in read.model_fields_set})

    def given(self) -> dict[str, Any]:
        """Those that are set, as JSON."""
        return self.model_dump(mode="json", exclude_none=True)

    def differing(self, other: "RunLimits") -> dict[str, Any]:
        """Those that are not as there, as JSON."""
        names = {name for name, value in other if getattr(self, name) != value}
        return self.model_dump(mode="json", include=names)


def _is_less(value: Any, than: Any) -> bool:
    """No limit is more than any."""
    return value is not None and (than is None or bool(value < than))
