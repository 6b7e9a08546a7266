"""One data file, read: what is in it is checked, and short forms are written out."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FILES = Path(__file__).parent / "cases"
JsonObject = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Flow(_Part):
    """A graph in short form, or as it is."""

    nodes: dict[str, str | JsonObject] = {}
    edges: list[str] = []
    graph: Any = None

    @property
    def document(self) -> Any:
        if self.graph is not None:
            return self.graph
        nodes = {"start": "start", **self.nodes, "end": self.nodes.get("end", "end")}
        return {
            "nodes": [_node(node, config) for node, config in nodes.items()],
            "edges": [edge for chain in self.edges for edge in _edges(chain)],
        }


class Request(_Part):
    """Something that is done over the API."""

    post: str = ""
    put: str = ""
    patch: str = ""
    body: Any = None
    by: Literal["alice", "admin"] = "alice"


class Page(_Part):
    status: int = 200
    text: str = ""
    headers: dict[str, str] = {}
    needs: dict[str, str] = {}
    silent: int = 0


class Setup(_Part):
    settings: JsonObject = {}
    limits: JsonObject = {}
    models: dict[str, JsonObject] = {}
    definitions: dict[str, Flow] = {}
    web: dict[str, Page] = {}
    requests: list[Request] = []
    under_way: int = 0


class Answer(_Part):
    """What the provider does with a request."""

    say: str | None = None
    fault: str | int | None = None
    tools: list[JsonObject] = []
    rounds: int = 99
    thinks: int = 0
    asked: str = ""
    model: str | None = None
    times: int | Literal["always"] = 1


class ToolAnswer(_Part):
    """What the tool `scripted` does when it is called."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    say: str = ""
    data: Any = None
    fail: str = ""
    crash: bool = False
    hang: bool = False
    times: int | Literal["always"] = 1


class Error(_Part):
    code: str
    node: str = ""


class Expect(_Part):
    status: str = "completed"
    output: str | None = None
    variables: JsonObject = {}
    error: Error | None = None
    refused: list[str] = []
    ran: list[str | list[str]] = []
    calls: list[str] = []
    tool_calls: list[str] = []
    sent: list[str] = []
    shown: list[str] | None = None
    asked: list[list[str | JsonObject]] | None = None
    options: list[JsonObject] | None = None
    events: dict[str, str] | None = None
    usage: JsonObject = {}


class Case(Flow):
    """A file; its fields are told in the package's docstring."""

    about: str = Field(pattern=r"^[A-Z].*\.$")
    message: str = "hello"
    input: JsonObject | None = None
    parameters: JsonObject = {}
    door: Literal["graph", "definition", "chat"] = "graph"
    earlier: list[str] = []
    debug: bool = False
    setup: Setup = Setup()
    model: list[Answer] = []
    tools: list[ToolAnswer] = []
    then: list[str | JsonObject] = ["run"]
    kills: list[str] = []
    at_once: bool = False
    expect: Expect

    @model_validator(mode="before")
    @classmethod
    def _expects_something(cls, data: Any) -> Any:
        if not data.get("expect"):
            raise ValueError("A case without expectations shows nothing.")
        return data

    @property
    def in_a_worker(self) -> bool:
        """Whether a worker plays it, too."""
        return not (self.expect.refused or self.at_once)

    @property
    def given(self) -> JsonObject:
        return {"message": self.message} if self.input is None else self.input


def _node(node: str, config: str | JsonObject) -> JsonObject:
    if isinstance(config, str):
        config = {"type": config}
    rest = {key: value for key, value in config.items() if key != "type"}
    return {"id": node, "type": config.get("type", node), "config": rest}


def _edges(chain: str) -> Iterator[JsonObject]:
    """The edges of "a > b.port > c"."""
    steps = [step.strip() for step in chain.split(">")]
    for one, other in zip(steps, steps[1:], strict=False):
        source, _, port = one.partition(".")
        yield {"source": source, "source_port": port or "out", "target": other.partition(".")[0]}


@cache
def cases() -> Mapping[str, Case]:
    """Every file by its name."""
    found = {}
    for path in sorted(FILES.glob("*/*.yaml")):
        name = str(path.relative_to(FILES).with_suffix(""))
        try:
            found[name] = Case.model_validate(yaml.safe_load(path.read_text()))
        except (ValueError, yaml.YAMLError) as error:
            raise ValueError(f"{name}: {error}") from error
    return found
