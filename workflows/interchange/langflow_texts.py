"""What is wired to the fields of Langflow's components, as texts and names of ours."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from workflows.definition.reading import MAX_CHARACTERS
from workflows.interchange.assembly import Link
from workflows.interchange.foreign import ARRIVING, Conversion, ForeignNode, parted
from workflows.interchange.langflow_loops import Rounds
from workflows.interchange.phrases import literal, plain, whole

_SINGLE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DOUBLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_PROMPTS = {"Prompt", "Prompt Template"}
_MEMORIES = {"Memory", "MessageHistory"}
_INPUTS = {"ChatInput", "TextInput"}
_WORDLESS = {*_PROMPTS, *_MEMORIES, "ChatOutput", "TextOutput"}
_DEEPEST = 8
REQUEST = "APIRequest"
_CALLED = {REQUEST: "request"}
TOOLS = "tools"
LENDERS = ("agent_llm", "model")  # the fields of an agent that another's model may be wired to
_LENT = "model_output"


@dataclass(frozen=True, slots=True)
class Wire:
    """From an output of one component to a field of another."""

    source: str
    output: str
    target: str
    field: str

    @property
    def link(self) -> Link:
        return Link(self.source, self.output, self.target)


@dataclass(frozen=True, slots=True)
class Wiring:
    """A conversion, and which component each field of each component is wired to.

    `firsts` are those that are wired to a field beside the one that counts. `tools` are the
    components that each agent may call, `lent` those whose models others ask. `memories` are those
    that stand in the texts of prompts.
    """

    conversion: Conversion
    wires: Sequence[Wire]
    rounds: Rounds
    sources: Mapping[tuple[str, str], str]
    firsts: Mapping[tuple[str, str], Sequence[str]]
    tools: Mapping[str, Sequence[str]]
    lent: Collection[str]
    memories: dict[str, dict[str, None]] = field(default_factory=dict)

    @classmethod
    def of(cls, conversion: Conversion, wires: Iterable[Wire], rounds: Rounds) -> Self:
        """Of several wires to one field that of a router counts which begins each round."""
        wires = [one for one in wires if one.link not in conversion.cut]
        tools: dict[str, list[str]] = {}
        given = {one for one in wires if is_given(conversion.nodes, one)}
        speaking = {one.source for one in wires if one not in given}
        sources: dict[tuple[str, str], str] = {}
        firsts: dict[tuple[str, str], list[str]] = {}
        for one in sorted(wires, key=lambda one: one.source in rounds.by):
            if (before := sources.get((one.target, one.field))) is not None:
                firsts.setdefault((one.target, one.field), []).append(before)
            sources[one.target, one.field] = one.source
        for one in wires:
            if one in given and one.field == TOOLS and one.source in conversion.nodes:
                tools.setdefault(one.target, []).append(one.source)
        return cls(
            conversion,
            wires,
            rounds,
            sources,
            firsts,
            tools=tools,
            lent={one.source for one in given} - speaking,
        )

    def is_linked(self, key: str, name: str) -> bool:
        return (key, name) in self.sources

    def is_constant(self, key: str) -> bool:
        """Whether a text is always what it says itself."""
        one = self.conversion.nodes[key]
        own = one.data.text("input_value", "value")
        return one.type == "TextInput" and bool(own) and not self.is_linked(key, "input_value")

    def decides_after(self, key: str) -> bool:
        """Whether a router that begins rounds compares what only a round gives."""
        return self._compared(key) <= {*self.rounds.body[key]}

    def name(self, key: str, name: str) -> str:
        """How expressions call what is wired to a field; empty if there is nothing like it."""
        if key in self.rounds.by and not self.decides_after(key) and len(self._compared(key)) > 1:
            return ARRIVING
        return self._given(key, name, key)

    def _given(self, key: str, name: str, at: str) -> str:
        """The same; in a first round it may be something else than in the next ones."""
        source = self.sources.get((key, name), "")
        found, others = self._name_of(source, at), self.firsts.get((key, name), ())
        if source in self.rounds.by and key in self.rounds.body[source]:
            for other in others:
                if first := self._name_of(other, at):
                    begun = f"nodes.{self.conversion.id_of(source, 'loop')}.iteration == 1"
                    return f"{begun} ? {whole(first)} : {found}"
        return found

    def _compared(self, key: str) -> set[str]:
        return {one.source for one in self.wires if (one.target, one.field) == (key, "input_text")}

    def arriving(self, key: str, name: str) -> set[str]:
        """The names of the text that arrives, if it is what is wired to this field alone."""
        before = [self._name_of(one, key) for one in self.conversion.before(key)]
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
        if node is not None and self.is_constant(source):
            return plain(node.data.text("input_value", "value"))
        if found := self._given(key, name, "" if depth else key):
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

    def _name_of(self, key: str, at: str) -> str:
        """What a component gives, where the text of `at` stands; a prompt's stands in many."""
        node = self.conversion.nodes.get(key)
        if node is None or node.type in _WORDLESS:
            return ""
        if self.is_constant(key):
            said = literal(node.data.text("input_value", "value"))
            return said if len(said) < MAX_CHARACTERS else ""
        if node.type in _INPUTS:
            return "input.message"
        if node.type == "ConditionalRouter":
            loops = key in self.rounds.by
            return f"nodes.{self.conversion.id_of(key, 'loop')}.text" if loops else ARRIVING
        step = self.conversion.steps.get(key)
        if step is not None and step.passes:
            return ""
        name = self.conversion.id_of(key, _CALLED.get(node.type, "model"))
        return self.conversion.left(key, name, "text", at)


def is_given(nodes: Mapping[str, ForeignNode], wire: Wire) -> bool:
    """Whether it gives an agent a tool, or any component a model, not a text."""
    target = nodes.get(wire.target)
    to_agent = target is not None and target.type == "Agent"
    return wire.output == _LENT or (to_agent and wire.field in (TOOLS, *LENDERS))
