"""What the converters of foreign workflows share."""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.definition.reading import WORDS
from workflows.interchange.assembly import (
    PASSES,
    START,
    Link,
    Names,
    Step,
    assemble,
    make_node,
    row,
)
from workflows.interchange.circles import leading_round
from workflows.interchange.loose import Loose
from workflows.interchange.phrases import where
from workflows.interchange.report import Imported, NodeReport, Unreadable
from workflows.interchange.ways import Ways
from workflows.validation.bounds import Limits
from workflows.validation.subject import World

NAME = re.compile(rf"(?!(?:{'|'.join(sorted(WORDS))})\Z)[A-Za-z_][A-Za-z0-9_]*")
# They pass on the text that comes to them.
_CHOOSING = {"if-else", "human-input", "ConditionalRouter"}
AGGREGATORS = {"variable-aggregator", "variable-assigner"}  # the latter in old files
_HANDING_ON = _CHOOSING | AGGREGATORS
ARRIVING = "text"
TIMES = 3  # notes, and what becomes a part of others, are no nodes of ours


@dataclass(frozen=True, slots=True)
class ForeignNode:
    id: str
    type: str
    title: str
    data: Loose
    place: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Known:
    """What there is here: models that may be asked, types of nodes, and how much a graph may be.

    Without a `world`, models can do and tools may be called as the file has it.
    """

    models: Container[str]
    kinds: Container[str]
    limits: Limits = Limits()
    world: World | None = None

    def can(self, model: str, ability: str) -> bool:
        """Whether a model has a capability; "" is the default."""
        if self.world is None:
            return True
        profile = self.world.model(model if model in self.models else "")
        return profile is not None and ability in profile.capabilities

    def may_use(self, tool: str) -> bool:
        return self.world is None or self.world.may_use(tool)

    def may_call(self, tool: str) -> bool:
        """Whether a node may, which also calls what no model can."""
        return self.world is None or self.world.may_call(tool)

    def check_size(self, nodes: int, edges: int, times: int = 1) -> None:
        """Raises Unreadable for more than a graph of ours may have, or so many times as much."""
        for what, has, most in (
            ("nodes", nodes, times * self.limits.nodes),
            ("edges", edges, times * self.limits.edges),
        ):
            if has > most:
                raise Unreadable(f"A graph has at most {most:,} {what}; this has {has:,}.")


@dataclass(slots=True)
class Conversion:
    """One foreign workflow on its way to one of ours. Raises Unreadable where it is too large."""

    source: str
    name: str
    description: str
    nodes: dict[str, ForeignNode]
    links: Sequence[Link]
    known: Known
    twins: Sequence[ForeignNode] = ()  # nodes whose id another one has
    fails: Collection[str] = ()  # nodes that go on another way when they fail
    back: Collection[Link] = ()  # links that begin a next round
    # By the names of the file's variables: expressions for what they are, and are when cleared.
    variables: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    steps: dict[str, Step] = field(default_factory=dict)
    reports: dict[str, NodeReport] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    # Of templates, each put together once; None while that is done, for it may stand in itself.
    texts: dict[str, str | None] = field(default_factory=dict)
    # Of nodes that ask people: by its name, when each answer is there, and an expression for it.
    answers: dict[str, dict[str, tuple[list[str], str]]] = field(default_factory=dict)
    carried: dict[str, bool] = field(default_factory=dict)  # of nodes that were asked for
    bodies: set[str] = field(default_factory=set)  # foreign nodes that work on items
    inner: dict[str, str] = field(default_factory=dict)  # nodes, and in which of these each stands
    cut: set[Link] = field(default_factory=set)  # left out, for they led round
    characters: int = 0  # of all texts put together so far
    ways: Ways = field(init=False)
    _leading: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known.check_size(len(self.nodes), len(self.links), TIMES)
        for key, one in self.nodes.items():
            self.reports[key] = NodeReport(one.id, one.type, one.title)
        onwards = self._without_circles()
        for link in self.links:
            self._leading.setdefault(link.target, []).append(link.source)
        choosing = {key for key, one in self.nodes.items() if one.type in _CHOOSING}
        self.ways = Ways(self.nodes, onwards, choosing | {*self.fails})

    def _without_circles(self) -> list[Link]:
        """Leave out the links that lead round to what led to them, but for those of `back`."""
        onwards = [link for link in self.links if link not in self.back]
        self.cut = {*leading_round(onwards)}
        self.links = [link for link in self.links if link not in self.cut]
        for link in self.cut:
            if link.source in self.nodes and link.target in self.nodes:
                to = self.nodes[link.target].title[:120]
                note = f"Its way back to '{to}' is left out, for here it makes no whole round."
                self.reports[link.source].note(note)
        return [link for link in onwards if link not in self.cut]

    def id_of(self, key: str, fallback: str) -> str:
        """Our id for a foreign node; the same whenever asked."""
        if key not in self.ids:
            self.ids[key] = self.names.new(self.nodes[key].title, fallback)
        return self.ids[key]

    def take(self, key: str, step: Step) -> None:
        self.steps[key] = step
        self.reports[key].became = [one["id"] for one in step.nodes]

    def start(self, key: str) -> None:
        """Every start is the one start."""
        known = any(node["id"] == START for step in self.steps.values() for node in step.nodes)
        step = row(make_node(START, "start", self.nodes[key].title, {}))
        self.take(key, Step(exits=step.exits) if known else step)
        self.reports[key].became = [START]

    def left(self, key: str, name: str, field: str, at: str, *asked: str) -> str:
        """An expression for what node `name`, made of `key`, has left where the text `at` stands.

        It gives an empty text where the node was not visited, or has failed.
        """
        asked = (f"!has(nodes.{name}.code)", *asked) if key in self.fails else asked
        return where([*self.visited(key, name, at), *asked], f"nodes.{name}.{field}")

    def visited(self, key: str, name: str, at: str) -> list[str]:
        """What holds at `at` where node `name`, made of `key`, was visited; nothing if it was."""
        return [] if self.ways.is_sure(key, at) else [f"has(nodes.{name})"]

    def leave_out(self, key: str, reason: str) -> None:
        self.steps[key] = PASSES
        self.reports[key].leave_out(reason)

    def before(self, key: str) -> list[str]:
        """The foreign nodes whose texts arrive here, each as often as it may arrive.

        Conditions, aggregators and those left out hand on.
        """
        found: list[str] = []
        seen, waiting = {key}, [key]
        while waiting:
            for source in dict.fromkeys(self._leading.get(waiting.pop(), ())):
                if not self._is_handed_on(source):
                    found.append(source)
                elif source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return found

    def _is_handed_on(self, key: str) -> bool:
        node, step = self.nodes.get(key), self.steps.get(key)
        if node is not None and node.type in _HANDING_ON:
            return True
        return step is not None and step.passes and not step.nodes

    def filled(
        self,
        report: NodeReport,
        text: str,
        place: re.Pattern[str],
        put: Callable[[re.Match[str]], str],
    ) -> str:
        """The text with what `put` gives in each place. Raises Unreadable as `joined` does."""
        return self.joined(report, pieces(text, place, put))

    def joined(self, report: NodeReport, parts: Iterable[str]) -> str:
        """The parts as one text.

        Raises Unreadable where that is more than the settings of a node, or all of them, may be.
        """
        limits, taken, size = self.known.limits, [], 0
        room = min(limits.config_characters, limits.document_characters - self.characters)
        for part in parts:
            taken.append(part)
            size += len(part)
            if size > room:
                raise Unreadable(
                    f"The texts of '{report.title[:120]}' become too long: the settings of a node "
                    f"have at most {limits.config_characters:,} characters, "
                    f"all of them {limits.document_characters:,}."
                )
        self.characters += size
        return "".join(taken)

    def model(self, key: str, name: str) -> str:
        """The model's name if it may be asked here, else that of the default."""
        if not name or name in self.known.models:
            return name
        self.reports[key].note(f"The model {name} is not known here; the default answers.")
        return ""

    def done(self) -> Imported:
        places = {key: one.place for key, one in self.nodes.items()}
        graph, lost = assemble(self.steps, self.links, places, self.names)
        for report in self.reports.values():
            if lost & set(report.became):
                report.note("Nothing led here; it follows the start.")
        twins = [NodeReport(one.id, one.type, one.title) for one in self.twins]
        for report in twins:
            report.leave_out("Another node of the file has its id; links and references mean that.")
        return Imported(
            source=self.source,
            name=self.name[:255] or "Imported workflow",
            description=self.description[:10_000],
            graph=graph,
            nodes=(*self.reports.values(), *twins),
        )


def pieces(text: str, place: re.Pattern[str], put: Callable[[re.Match[str]], str]) -> Iterator[str]:
    """The text with what `put` gives in each place, piece by piece."""
    at = 0
    for match in place.finditer(text):
        yield text[at : match.start()]
        yield put(match)
        at = match.end()
    yield text[at:]


def distinguished(nodes: Iterable[ForeignNode]) -> tuple[dict[str, ForeignNode], list[ForeignNode]]:
    """The nodes by their ids, the first of each; and the others."""
    found: dict[str, ForeignNode] = {}
    twins = [one for one in nodes if found.setdefault(one.id, one) is not one]
    return found, twins


def input_name(variable: str) -> str:
    """How an input of the run is called in expressions; empty if it cannot be."""
    return f"input.{variable}" if NAME.fullmatch(variable) else ""


def parted(report: NodeReport, text: str, keep: str = "(?!)") -> str:
    """The text without double braces of its own, which are references here; `keep`: a pattern."""
    found = re.sub(rf"\{{\{{(?!{keep})", "{ {", text)
    if found != text:
        report.note("Double braces in its text were parted, for here they are references.")
    return found
