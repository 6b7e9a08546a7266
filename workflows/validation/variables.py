"""Which nodes change which variable, and which of them may run at the same time (pure)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from workflows.validation.issue import Issue, error, shortened
from workflows.validation.subject import Node, Subject

_COUNTS = {"increment", "decrement"}
_WRITES = {"set", "append", *_COUNTS}


def writers_of(subject: Subject) -> Mapping[str, Sequence[Node]]:
    """The nodes that change each variable."""
    writers: dict[str, list[Node]] = defaultdict(list)
    for node in subject.nodes:
        for name in _written(node):
            writers[name].append(node)
    return writers


def _written(node: Node) -> Iterator[str]:
    name, output = node.setting("name"), node.setting("output")
    if node.key == "variable" and isinstance(name, str) and _operation(node) in _WRITES:
        yield name
    elif node.key == "subworkflow" and isinstance(output, Mapping):
        yield from output


def check_collisions(subject: Subject) -> Iterator[Issue]:
    """Branches of one run that change a variable at once in ways whose order would show."""
    told = set()
    for name, one, other in collisions(subject):
        if (name, other.id) not in told:
            told.add((name, other.id))
            message = f"'{one.id}' and '{other.id}' may change '{shortened(name)}' at once."
            hint = "Let one follow the other, or let both append or both count."
            yield error("parallel_write", _place(other, name), message, hint)


def collisions(subject: Subject) -> Iterator[tuple[str, Node, Node]]:
    """Each variable with each two nodes that collide in it, the first in the document first."""
    for name, nodes in writers_of(subject).items():
        for at, other in enumerate(nodes):
            for one in nodes[:at]:
                if _collide(subject, one, other):
                    yield name, one, other


def _place(node: Node, name: str) -> str:
    steps = ("name",) if node.key == "variable" else ("output", name)
    return node.path("config", *steps)


def _collide(subject: Subject, one: Node, other: Node) -> bool:
    if _in_any_order(one, other) or one.id == other.id:
        return False
    if subject.flow.body_of(one.id) != subject.flow.body_of(other.id):
        return False  # what is set for an item stays with it
    return subject.flow.at_once(one.id, other.id)


def _in_any_order(one: Node, other: Node) -> bool:
    operations = {_operation(one), _operation(other)}
    return operations == {"append"} or operations <= _COUNTS


def _operation(node: Node) -> str:
    return str(node.setting("operation", "set"))
