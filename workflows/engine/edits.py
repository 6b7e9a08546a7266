"""How a fork differs from the run it was made of (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows.engine.state import SET, Change


@dataclass(frozen=True, slots=True)
class Edit:
    """What is put in the place of the state that reaches this visit of this node.

    `text` None leaves the text as it is.
    """

    node: str
    visit: int
    variables: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None

    def under(self, later: "Edit") -> "Edit":
        """Both, at the same place."""
        variables = {**self.variables, **later.variables}
        text = self.text if later.text is None else later.text
        return Edit(self.node, self.visit, variables, text)

    @property
    def changes(self) -> Sequence[Change]:
        return [Change(name, SET, value) for name, value in self.variables.items()]
