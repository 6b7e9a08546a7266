"""What the converters of foreign workflows share."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from workflows.interchange.assembly import PASSES, START, Link, Names, Step, assemble, row
from workflows.interchange.assembly import node as made
from workflows.interchange.loose import Loose
from workflows.interchange.report import Imported, NodeReport

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDLESS = {"if-else", "ConditionalRouter"}
ARRIVING = "text"


@dataclass(frozen=True, slots=True)
class ForeignNode:
    id: str
    type: str
    title: str
    data: Loose
    place: tuple[float, float]


@dataclass(slots=True)
class Conversion:
    """One foreign workflow on its way to one of ours. `models` are those that may be asked here."""

    source: str
    name: str
    description: str
    nodes: dict[str, ForeignNode]
    links: Sequence[Link]
    models: Container[str]
    names: Names = field(default_factory=Names)
    steps: dict[str, Step] = field(default_factory=dict)
    reports: dict[str, NodeReport] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, one in self.nodes.items():
            self.reports[key] = NodeReport(one.id, one.type, one.title)

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
        step = row(made(START, "start", self.nodes[key].title, {}))
        self.take(key, Step(exits=step.exits) if known else step)
        self.reports[key].became = [START]

    def leave_out(self, key: str, reason: str) -> None:
        self.steps[key] = PASSES
        self.reports[key].leave_out(reason)

    def before(self, key: str) -> set[str]:
        """The foreign nodes whose texts arrive here; conditions and those left out hand on."""
        found: set[str] = set()
        seen, waiting = {key}, [key]
        while waiting:
            at = waiting.pop()
            for link in self.links:
                if link.target == at and link.source not in seen:
                    seen.add(link.source)
                    (waiting.append if self._is_handed_on(link.source) else found.add)(link.source)
        return found

    def _is_handed_on(self, key: str) -> bool:
        node, step = self.nodes.get(key), self.steps.get(key)
        if node is not None and node.type in _WORDLESS:
            return True
        return step is not None and step.passes and not step.nodes

    def model(self, key: str, name: str) -> str:
        """The model's name if it may be asked here, else that of the default."""
        if not name or name in self.models:
            return name
        self.reports[key].note(f"The model {name} is not known here; the default answers.")
        return ""

    def done(self) -> Imported:
        places = {key: one.place for key, one in self.nodes.items()}
        graph, lost = assemble(self.steps, self.links, places, self.names)
        for report in self.reports.values():
            if lost & set(report.became):
                report.note("Nothing led here; it follows the start.")
        return Imported(
            source=self.source,
            name=self.name[:255] or "Imported workflow",
            description=self.description[:10_000],
            graph=graph,
            nodes=tuple(self.reports.values()),
        )


def input_name(variable: str) -> str:
    """How an input of the run is called in expressions; empty if it cannot be."""
    return f"input.{variable}" if _NAME.fullmatch(variable) else ""


def sampling(
    report: NodeReport, temperature: float | None, max_tokens: float | None
) -> dict[str, float]:
    """Settings of a model node, as far as they are in bounds."""
    settings: dict[str, float] = {}
    if temperature is not None:
        if 0 <= temperature <= 2:  # noqa: PLR2004 - what a model node takes
            settings["temperature"] = temperature
        else:
            report.note(f"The temperature {temperature} is out of bounds and was dropped.")
    if max_tokens is not None and max_tokens >= 1:
        settings["max_tokens"] = int(max_tokens)
    return settings


def instructions(report: NodeReport, system: str, question: str, arriving: set[str]) -> str:
    """The system text of a model node, which asks about the text that arrives.

    A question of its own that is not just that text is told with the instructions.
    """
    if question in {"", *(f"{{{{{name}}}}}" for name in arriving)}:
        return system
    report.note("Its question became part of the instructions; it is asked about what arrives.")
    return "\n\n".join(filter(None, (system, question)))
