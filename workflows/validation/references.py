"""Do expressions parse, and can what they name have been written when they are evaluated?

A node or variable that nothing before can have written is an error: the run could only fail there.
One that some branch before may have written is fine, for whether the branch is taken shows only in
the run; `has(variables.x)` asks without failing, so what is asked for so is not judged. A field
that no node of its type leaves, such as `nodes.model.answer`, is an error in the same way, and so
is one that it leaves only by ports that do not lead here, such as `nodes.model.code` where it has
answered. So is what a loop, or a model with tools, needs before its first round and only its rounds
write.

What is done for an item of a map is seen by its own nodes, and by what the map says of an item.
Behind the handler of a graph all may have run that does without an error.
"""

from collections.abc import Iterator, Mapping, Sequence

from workflows.definition.expressions import NAMES, BadExpression, parse
from workflows.definition.graph import ERROR
from workflows.definition.reading import names_of
from workflows.validation.expressions import Found, expressions_of
from workflows.validation.issue import Issue, error, shortened, warning
from workflows.validation.subject import Node, Subject
from workflows.validation.variables import writers_of

Writers = Mapping[str, Sequence[Node]]
_MEANT = {
    **{"and": "&&", "or": "||", "not": "!", "is": "=="},
    **{"True": "true", "False": "false", "None": "null"},
}
_OF_AN_ITEM = "result"  # the setting of a node with a body that is reckoned for each item


def check_references(subject: Subject) -> Iterator[Issue]:
    writers = writers_of(subject)
    for node in subject.nodes:
        for found in expressions_of(node):
            path = node.path("config", *found.steps)
            yield from _parsed(found, path)
            yield from _known(subject, node, found, path)
            yield from _written(subject, node, found, path, writers)
            yield from _left(subject, node, found, path)
        yield from _read(subject, node, writers)


def _parsed(found: Found, path: str) -> Iterator[Issue]:
    unknown = {name.partition(".")[0] for name in names_of(found.expression)} - {*NAMES}
    if unknown:
        name, known = min(unknown), f"There are {', '.join(NAMES)}."
        hint = f"Write {_MEANT[name]}." if name in _MEANT else known
        yield error("unknown_reference", path, f"'{shortened(name)}' is not a known name.", hint)
        return
    try:
        parse(found.expression)
    except BadExpression as refused:
        yield error(refused.code, path, str(refused))


def _known(subject: Subject, node: Node, found: Found, path: str) -> Iterator[Issue]:
    """Nodes that may have run before, and parameters that exist."""
    for kind, name in found.names:
        needed = (kind, name) in found.needed
        if kind == "nodes" and not _seen(subject, name, node, found, needed=needed):
            yield _not_before(subject, name, node, path)
        elif kind == "params" and subject.params is not None and name not in subject.params:
            yield error("unknown_param", path, f"There is no parameter '{shortened(name)}'.")


def _written(
    subject: Subject, node: Node, found: Found, path: str, writers: Writers
) -> Iterator[Issue]:
    for kind, name in found.names:
        if kind != "variables" or (kind, name) in found.tested:
            continue
        by, needed = writers.get(name, ()), (kind, name) in found.needed
        if not any(_seen(subject, writer.id, node, found, needed=needed) for writer in by):
            message = f"Nothing before this node can have set the variable '{shortened(name)}'."
            yield error("unknown_variable", path, message, "Set it before, or ask with has().")


def _left(subject: Subject, node: Node, found: Found, path: str) -> Iterator[Issue]:
    """Fields of nodes that such nodes leave, by a port that leads here."""
    for name, field in found.fields:
        source = subject.by_id.get(name)
        if source is None:
            continue
        ports, here = _ports(source), _ports_to(subject, source, node, found)
        fields, all_fields = source.fields(here), source.fields(ports)
        if fields is None or all_fields is None or field in fields:
            continue
        message = f"'{shortened(name)}' leaves no '{shortened(field)}'."
        if field in all_fields:
            by = next(one for one in ports if field in (source.fields([one]) or ()))
            message = f"What '{shortened(name)}' leaves by '{shortened(by)}' is not known here."
        yield error("unknown_field", path, message, f"It leaves {', '.join(fields)}.")


def _ports_to(subject: Subject, source: Node, node: Node, found: Found) -> Sequence[str]:
    """The ports by which `source` may have left last where this expression is reckoned.

    Whatever reaches the node on another way waits for `source`, whose port then is any one.
    """
    flow, ports = subject.flow, _ports(source)
    own = [source.kind.round_port] if source.kind and source.kind.has_body else []
    if source is node and own and found.steps[0] == _OF_AN_ITEM:
        return own
    led = [one for one in ports if flow.leads(source.id, one, node.id)]
    if flow.leads_past(source.id, node.id):
        led += [one for one in ports if one not in own]
    return led or ports


def _ports(source: Node) -> Sequence[str]:
    """Its ports; where its configuration cannot be read, those of its type."""
    return source.ports or (() if source.kind is None else (*source.kind.ports, ERROR))


def _read(subject: Subject, node: Node, writers: Writers) -> Iterator[Issue]:
    """A variable node that reads what nobody wrote fails, unless it has a default."""
    name = node.setting("name")
    if node.key != "variable" or node.setting("operation") != "get" or not isinstance(name, str):
        return
    if not any(_seen(subject, writer.id, node) for writer in writers.get(name, ())):
        message = f"Nothing before this node can have set the variable '{shortened(name)}'."
        if "default" not in node.spec.config:
            yield error("unknown_variable", node.path("config", "name"), message, "Set a default.")
        else:
            yield warning("variable_never_set", node.path("config", "name"), message)


def _seen(
    subject: Subject, name: str, node: Node, found: Found | None = None, *, needed: bool = False
) -> bool:
    """Whether a node, in this expression, may see what the node `name` has left.

    What is `needed` it has to see at its first visit, too.
    """
    flow = subject.flow
    if name == node.id and _names_itself(node):
        return True
    if flow.comes_before(name, node.id):
        return not (needed and flow.begins(node.id, name))
    if node.id in flow.bodies and found is not None and found.steps[0] == _OF_AN_ITEM:
        return name == node.id or flow.body_of(name) == node.id
    if node.id in flow.behind:
        return name in flow.reached and not flow.body_of(name)
    return False


def _names_itself(node: Node) -> bool:
    return node.kind is not None and node.kind.names_itself


def _not_before(subject: Subject, name: str, node: Node, path: str) -> Issue:
    if head := subject.flow.body_of(name):
        message = f"'{shortened(name)}' runs once for each item of '{shortened(head)}'."
        hint = f"Name nodes.{head}.results, or what an item gives by the result of '{head}'."
        return error("reference_not_before", path, message, hint)
    if subject.flow.begins(node.id, name):
        message = f"'{shortened(name)}' does not run before the first round of '{node.id}'."
        return error(
            "reference_not_before", path, message, f"Ask with has(nodes.{shortened(name)})."
        )
    exists = name in subject.by_id
    tail = "does not run before this node." if exists else "is no node of this graph."
    return error("reference_not_before", path, f"'{shortened(name)}' {tail}")
