"""A file of any format known here becomes a workflow, or a reason why not."""

from typing import Any

import yaml

from workflows.interchange.dify import is_dify, read_dify
from workflows.interchange.foreign import Known
from workflows.interchange.langflow import is_langflow, read_langflow
from workflows.interchange.loose import Loose
from workflows.interchange.package import is_package, read_package
from workflows.interchange.report import Imported, Unreadable


class _PlainLoader(yaml.SafeLoader):
    """YAML as far as JSON goes: no aliases (a few of them make gigabytes), dates stay texts."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise Unreadable("YAML with aliases is not taken.")
        return super().compose_node(parent, index)


def from_yaml(text: str) -> Any:
    """The value of a YAML text. Raises Unreadable."""
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506 - a safe loader, with less
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unreadable(f"This is not YAML: {str(error).splitlines()[0]}") from error


def read(value: Any, known: Known) -> Imported:
    """The workflow that a file's value holds. Raises Unreadable."""
    document = Loose(value)
    if is_package(document):
        return read_package(document)
    if is_dify(document):
        return read_dify(document, known)
    if is_langflow(document):
        return read_langflow(document, known)
    raise Unreadable("This is no export of Chatter, Dify or Langflow.")
