"""What is wired to the fields of Langflow's components, as texts and names of ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.interchange.foreign import ARRIVING, Conversion, parted

_SINGLE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DOUBLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_PROMPTS = {"Prompt", "Prompt Template"}
_MEMORIES = {"Memory", "MessageHistory"}
_INPUTS = {"ChatInput", "TextInput"}
_WORDLESS = {*_PROMPTS, *_MEMORIES, "ChatOutput", "TextOutput"}
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Wiring:
    """A conversion, and which component each field of each component is wired to.

    `memories` are those that stand in the texts of prompts.
    """

    conversion: Conversion
    sources: Mapping[tuple[str, str], str]
    memories: dict[str, dict[str, None]] = field(default_factory=dict)

    def is_linked(self, key: str, name: str) -> bool:
        return (key, name) in self.sources

    def name(self, key: str, name: str) -> str:
        """How expressions call what is wired to a field; empty if there is nothing like it."""
        return self._name_of(self.sources.get((key, name), ""))

    def arriving(self, key: str, name: str) -> set[str]:
        """The names of the text that arrives, if it is what is wired to this field alone."""
        before = {self._name_of(one) for one in self.conversion.before(key)}
        return {ARRIVING, *before} if len(before) == 1 else {ARRIVING}

    def text(self, key: str, name: str, remembered: dict[str, None], depth: int = 0) -> str:
        """The text of a field: its own, or what is wired to it.

        Memories met on the way are put into `remembered`, in place of their texts.
        """
        source = self.sources.get((key, name))
        if source is None:
            own = self.conversion.nodes[key].data.text(name, "value")
            return parted(self.conversion.reports[key], own)
        node = self.conversion.nodes.get(source)
        if node is not None and node.type in _PROMPTS:
            prompt = self._prompt(source, remembered, depth + 1)
            if prompt is not None:
                return prompt
        if node is not None and node.type in _MEMORIES:
            remembered[source] = None
            return ""
        if found := self._name_of(source):
            return f"{{{{{found}}}}}"
        title = node.title if node else source
        self.conversion.reports[key].note(f"Nothing stands where it was given '{title[:120]}'.")
        return ""

    def _prompt(self, key: str, remembered: dict[str, None], depth: int) -> str | None:
        """The text of a prompt; None if it stands in itself, or is too deep in others."""
        texts = self.conversion.texts
        if depth > _DEEPEST:
            return None
        if key not in texts:
            texts[key], self.memories[key] = None, {}
            texts[key] = self._put_together(key, depth)
        remembered.update(self.memories[key])
        return texts[key]

    def _put_together(self, key: str, depth: int) -> str:
        data, report = self.conversion.nodes[key].data, self.conversion.reports[key]
        double = data.true("use_double_brackets", "value")
        place = _DOUBLE if double else _SINGLE
        text = data.text("template", "value")
        if double:
            text = parted(report, text, keep=r"\s*\w+\s*\}\}")
        names = dict.fromkeys(match[1] for match in place.finditer(text) if match[1])
        values = {name: self.text(key, name, self.memories[key], depth) for name in names}
        return self.conversion.filled(
            report,
            text,
            place,
            # a brace written twice is one brace
            lambda match: match[0][0] if match[1] is None else values[match[1]],
        ).strip()

    def _name_of(self, key: str) -> str:
        node = self.conversion.nodes.get(key)
        if node is None or node.type in _WORDLESS:
            return ""
        if node.type in _INPUTS:
            return "input.message"
        if node.type == "ConditionalRouter":
            return ARRIVING
        step = self.conversion.steps.get(key)
        if step is not None and step.passes:
            return ""
        return f"nodes.{self.conversion.id_of(key, 'model')}.text"
