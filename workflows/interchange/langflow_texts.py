"""What is wired to the fields of Langflow's components, as texts and names of ours."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from workflows.definition.reading import MAX_CHARACTERS
from workflows.interchange.foreign import ARRIVING, Conversion, parted
from workflows.interchange.langflow_loops import LOOP, ROUTER, Rounds
from workflows.interchange.langflow_templates import PARSERS, PROMPTS, fill, parse
from workflows.interchange.langflow_wires import CONVERTERS, ITEM, OUTPUTS, TOOLS, Wire, is_given
from workflows.interchange.phrases import literal, plain, whole

REQUEST, LIST = "APIRequest", "CreateList"
MOST_ITEMS = 1_000
_TEMPLATES = {*PROMPTS, *PARSERS}
_MEMORIES = {"Memory", "MessageHistory"}
_INPUTS = {"ChatInput", "TextInput"}
_WORDLESS = {*_MEMORIES, *OUTPUTS, *CONVERTERS, LIST}
_DEEPEST = 8
_MOST_ROWS = 20  # an expression each: with texts of 20,000 characters they may still stand together
_DATA_LIST = "data_list"
_TABLE = (
    "There a list is a table where a text is asked for; here its items stand one below the other, "
    "with an empty line between them."
)
_AROUND = (
    "Its template stands once, around all items with an empty line between them: around each it "
    f"stands where they are at most {_MOST_ROWS}, and surely as many as there."
)
_CALLED = {REQUEST: "request", LOOP: "each"} | dict.fromkeys(_TEMPLATES, "prompt")


@dataclass(frozen=True, slots=True)
class Items:
    """A list of texts: what our node leaves it as, and how many they are; 0: that is not sure.

    `key` is the component that gives it; `texts` are the items, where the file has them.
    """

    key: str
    left: str
    size: int
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Wiring:
    """A conversion, and which component each field of each component is wired to.

    `firsts` are those that are wired to a field beside the one that counts. `tools` are the
    components that each agent may call, `lent` those whose models others ask. `memories` are those
    that stand in the texts of prompts; `spoken` the templates that are nodes, for something goes by
    their texts.
    """

    conversion: Conversion
    wires: Sequence[Wire]
    rounds: Rounds
    sources: Mapping[tuple[str, str], str]
    firsts: Mapping[tuple[str, str], Sequence[str]]
    tools: Mapping[str, Sequence[str]]
    lent: Collection[str]
    spoken: Collection[str]
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
            spoken={*_spoken(conversion, wires, rounds)},
        )

    def is_linked(self, key: str, name: str) -> bool:
        return (key, name) in self.sources

    def is_constant(self, key: str) -> bool:
        """Whether a text is always what it says itself."""
        one = self.conversion.nodes[key]
        own = one.data.text("input_value", "value")
        return one.type == "TextInput" and bool(own) and not self.is_linked(key, "input_value")

    def is_put_in(self, key: str, name: str) -> bool:
        """Whether what is wired to a field is no node that gives its text, or more than a text."""
        source = self.sources.get((key, name), "")
        node = self.conversion.nodes.get(source)
        folded = node is not None and node.type in _TEMPLATES and source not in self.spoken
        constant = node is not None and self.is_constant(source)
        return folded or constant or self.items(key, name) is not None

    def decides_after(self, key: str) -> bool:
        """Whether a router that begins rounds compares what only a round gives."""
        return self._compared(key) <= {*self.rounds.body[key]}

    def name(self, key: str, name: str) -> str:
        """How expressions call what is wired to a field; empty if there is nothing like it."""
        if self._decides(key) and not self.decides_after(key) and len(self._compared(key)) > 1:
            return ARRIVING
        return self._given(key, name, key)

    def items(self, key: str, name: str) -> Items | None:
        """The list that is wired to a field, if one is that is known here."""
        source = self.sources.get((key, name), "")
        node = self.conversion.nodes.get(source)
        if node is not None and node.type == LIST and not self.conversion.steps[source].passes:
            texts = node.data.texts("texts", "value")
            return Items(source, "value", len(texts), texts)
        if node is None or node.type != LOOP or source not in self.rounds.by:
            return None
        size = None if key in self.rounds.body[source] else self._size(source)
        return None if size is None else Items(source, "results", size)

    def named(self, items: Items, at: str, place: str = "") -> str:
        """How expressions call a list, or what is at a place of it."""
        name = self.conversion.id_of(items.key, "list" if items.texts else "each")
        return self.conversion.left(items.key, name, items.left + place, at)

    def gives_list(self, key: str) -> bool:
        """Whether more is asked of a parser than a text."""
        return any((one.source, one.output) == (key, _DATA_LIST) for one in self.wires)

    def _size(self, key: str) -> int | None:
        """How many items a loop goes over, 0 if there may be none; None if no list is known."""
        found = self.items(key, "data")
        if found is None:
            return 1 if self.name(key, "data") else None  # a text is a list of one
        return found.size if self.conversion.ways.is_sure(found.key, key) else 0

    def _given(self, key: str, name: str, at: str) -> str:
        """The same; in a first round it may be something else than in the next ones."""
        source = self.sources.get((key, name), "")
        found, others = self._name_of(source, at, key), self.firsts.get((key, name), ())
        if self._decides(source) and key in self.rounds.body[source]:
            for other in others:
                if first := self._name_of(other, at, key):
                    begun = f"nodes.{self.conversion.id_of(source, 'loop')}.iteration == 1"
                    return f"{begun} ? {whole(first)} : {found}"
        return found

    def _compared(self, key: str) -> set[str]:
        return {one.source for one in self.wires if (one.target, one.field) == (key, "input_text")}

    def arriving(self, key: str, name: str) -> set[str]:
        """The names of the text that arrives, if it is what is wired to this field alone."""
        before = [self._name_of(one, key, key) for one in self.conversion.before(key)]
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
        if node is not None and node.type in _TEMPLATES:
            template = self.template(source, remembered, depth + 1)
            if template is not None and source not in self.spoken:
                return template
        if node is not None and node.type in _MEMORIES:
            remembered[source] = None
            return ""
        if node is not None and self.is_constant(source):
            return plain(node.data.text("input_value", "value"))
        if found := self._given(key, name, "" if depth else key):
            if self.items(key, name) is not None:
                self.conversion.reports[key].note(_TABLE)
            return f"{{{{{found}}}}}"
        self.tell_missing(key, [source])
        return ""

    def without_memories(self, key: str, name: str) -> str:
        """The text of a field of what sees no messages; what would stand there of them is told."""
        remembered: dict[str, None] = {}
        text = self.text(key, name, remembered)
        self.tell_missing(key, remembered)
        return text

    def tell_missing(self, key: str, others: Iterable[str]) -> None:
        for one in others:
            node = self.conversion.nodes.get(one)
            title = (node.title if node else one)[:120]
            self.conversion.reports[key].note(f"Nothing stands where it was given '{title}'.")

    def template(self, key: str, remembered: dict[str, None], depth: int = 0) -> str | None:
        """The text of a prompt or parser; None if it stands in itself, or is too deep in others."""
        texts = self.conversion.texts
        if depth > _DEEPEST or self.gives_list(key):
            return None
        if key not in texts:
            texts[key], self.memories[key] = None, {}
            texts[key] = self._put_together(key, depth)
        remembered.update(self.memories[key])
        return texts[key]

    def _put_together(self, key: str, depth: int) -> str:
        remembered, deep = self.memories[key], 0 if key in self.spoken else depth
        field = PARSERS.get(self.conversion.nodes[key].type)
        if field is None:
            return fill(self.conversion, key, lambda name: self.text(key, name, remembered, deep))
        items, at = self.items(key, field), "" if deep else key
        if items is None:
            return parse(self.conversion, key, [self.text(key, field, remembered, deep)])
        if items.texts:
            return parse(self.conversion, key, list(map(plain, items.texts)))
        names = [self.named(items, at, f"[{place}]") for place in range(items.size)]
        if not 0 < items.size <= _MOST_ROWS:
            self.conversion.reports[key].note(_AROUND)
            names = [self._given(key, field, at)]
        return parse(self.conversion, key, [f"{{{{{name}}}}}" for name in names])

    def _decides(self, key: str) -> bool:
        """Whether it is a router that begins rounds."""
        return key in self.rounds.by and self.conversion.nodes[key].type == ROUTER

    def _name_of(self, key: str, at: str, to: str) -> str:
        """What a component gives to another, where the text of `at` stands; a prompt's in many."""
        node = self.conversion.nodes.get(key)
        if node is None or not self._has_words(key):
            return ""
        if self.is_constant(key):
            said = literal(node.data.text("input_value", "value"))
            return said if len(said) < MAX_CHARACTERS else ""
        if node.type in _INPUTS:
            return "input.message"
        if node.type == ROUTER:
            loops = self._decides(key)
            return f"nodes.{self.conversion.id_of(key, 'loop')}.text" if loops else ARRIVING
        name = self.conversion.id_of(key, _CALLED.get(node.type, "model"))
        is_item = node.type == LOOP and to in self.rounds.body[key]
        return self.conversion.left(key, name, ITEM if is_item else "text", at)

    def _has_words(self, key: str) -> bool:
        """Whether what a component gives is a text that expressions can name."""
        kind, step = self.conversion.nodes[key].type, self.conversion.steps.get(key)
        if kind in _TEMPLATES:
            return key in self.spoken
        if kind == LOOP:
            return key in self.rounds.by
        passes = step is not None and step.passes and not self.is_constant(key)
        return kind not in _WORDLESS and not passes


def _spoken(conversion: Conversion, wires: Iterable[Wire], rounds: Rounds) -> Iterator[str]:
    for one in wires:
        source, target = conversion.nodes.get(one.source), conversion.nodes.get(one.target)
        if source is None or target is None or source.type not in _TEMPLATES:
            continue
        compared = target.type == ROUTER and one.field == "input_text"
        starts = compared or one.target in rounds.by
        if starts and one.output != _DATA_LIST and "prompt" in conversion.known.kinds:
            yield one.source
