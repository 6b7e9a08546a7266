"""A file of any format known here becomes a workflow, or a reason why not."""

import re
from typing import Any

import yaml

from core.json_values import storable
from workflows.interchange.dify import is_dify, read_dify
from workflows.interchange.foreign import Known
from workflows.interchange.langflow import is_langflow, read_langflow
from workflows.interchange.loose import Loose
from workflows.interchange.package import is_package, read_package
from workflows.interchange.report import Imported, Unreadable

_DEEPEST = 60  # what can be kept nests no deeper; the C library follows lists until it falls over
_MOST_YAML = 500_000
_MOST_VALUES = 50_000  # 10 to 20 us each
_TAG = re.compile("(?:^|[\r\n\x85\u2028\u2029])%TAG")  # the parser compares each with all before


class _PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as far as JSON goes: dates and times stay texts."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _number(loader: Any, node: Any) -> Any:
    """Times are numbers of base 60 in YAML; a long one takes minutes to work out."""
    if ":" in node.value:
        return node.value
    kind = node.tag.rpartition(":")[2]
    return getattr(yaml.SafeLoader, f"construct_yaml_{kind}")(loader, node)


for _kind in ("int", "float"):
    _PlainLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", _number)


def from_yaml(text: str) -> Any:
    """The value of a YAML text. Raises Unreadable."""
    if len(text) > _MOST_YAML:
        raise Unreadable(f"YAML of more than {_MOST_YAML:,} characters is not taken; send JSON.")
    try:
        _check_events(text)
        return yaml.load(text, _PlainLoader)  # noqa: S506 - a safe loader, with less
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"This YAML cannot be read: {str(error).splitlines()[0]}") from error


def _check_events(text: str) -> None:
    """Raises ValueError for what JSON has not: aliases (a few of them make gigabytes) and tags."""
    if _TAG.search(text):
        raise ValueError("Tags are not taken.")
    depth = 0
    for count, event in enumerate(yaml.parse(text, _PlainLoader)):
        if count > _MOST_VALUES:
            raise ValueError(f"It holds more than {_MOST_VALUES:,} values; send JSON.")
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("Aliases are not taken.")
        if getattr(event, "tag", None) is not None:
            raise ValueError("Tags are not taken.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"It nests more than {_DEEPEST} levels deep.")


def kept(value: Any) -> Any:
    """The file's value as `storable`; a graph of our own format as it came, to be told of as one.

    Raises ValueError.
    """
    if not is_package(Loose(value)):
        return storable(value)
    others = storable({name: part for name, part in value.items() if name != "graph"})
    return others | {name: part for name, part in value.items() if name == "graph"}


def read(value: Any, known: Known) -> Imported:
    """The workflow that a file's value holds. Raises Unreadable."""
    document = Loose(value)
    if is_package(document):
        return read_package(document, known)
    if is_dify(document):
        return read_dify(document, known)
    if is_langflow(document):
        return read_langflow(document, known)
    raise Unreadable("This is no export of Chatter, Dify or Langflow.")
