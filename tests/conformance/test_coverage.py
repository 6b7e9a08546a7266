"""The files together show all there is: whatever is added to the product needs a file."""

import ast
import gc
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from core import egress
from core.errors import ChatterError
from core.limits import RunLimits
from llms.errors import _MESSAGES as MODEL_ERRORS
from tests.conformance.case import Case, cases
from tools.base import ToolFailed
from tools.builtin import http_request
from tools.keeping import NotKept
from tools.permissions import _MESSAGES as TOOL_REFUSALS
from tools.request import BadArguments, ToolNotOffered, ToolTimedOut, UnknownTool
from workflows.definition.expressions import BadExpression
from workflows.definition.graph import ERROR, OUT
from workflows.definition.nesting import is_inner, outermost
from workflows.engine import events
from workflows.engine.events import TERMINAL_TYPES
from workflows.registry import NODE_TYPES
from workflows.services.places import QueueFull, TooManyExecutions

ROOT = Path(__file__).parents[2]
ENGINE = ("workflows/nodes", "workflows/engine", "workflows/pump", "workflows/tracking")
# Where the code stands: of errors, and of what ends a run by a limit.
RAISES = {"NodeError": 0, "RunFailed": 1, "RunStopped": 1, "__init__": 1, "fail": 0}
LIMITS = {"LimitReached": 0, "_end": 0}
_OF_TOOLS = (UnknownTool, ToolNotOffered, BadArguments, ToolFailed, ToolTimedOut, NotKept)
TOOL_ERRORS = {*(one.code for one in _OF_TOOLS), *TOOL_REFUSALS}
REQUEST_ERRORS = {
    one.code
    for module in (egress, http_request)
    for _, one in inspect.getmembers(module, inspect.isclass)
    if issubclass(one, ChatterError) and one.__module__ == module.__name__
}
# What the API of a start tells of limits, and what the permissions to use tools say.
REFUSED_STARTS = {TooManyExecutions.code, QueueFull.code}
# What no file can bring about, why, and the tests that do.
ELSEWHERE = {
    # Whether it is so depends on the hour of the day, which no file can choose for a worker.
    "tool_outside_hours": "tests/tools/test_permissions.py",
    # Whoever is not active any more cannot ask what came of the run, as every file does.
    "tool_user_unknown": "tests/tools/test_permissions.py",
}

_OF_LIMITS = {"output_characters": "limit_output", "concurrent": TooManyExecutions.code}
EVENTS = [one for one in vars(events).values() if getattr(one, "type", "")]
Visit = tuple[str, str, str]  # type of node, port, code


def test_there_are_enough_and_no_two_say_the_same() -> None:
    told = [case.about for case in cases().values()]
    assert len(told) >= 80
    assert len(set(told)) == len(told)


@pytest.mark.parametrize("kind", NODE_TYPES.keys())
def test_every_port_of_every_type_of_node_is_left_by(kind: str) -> None:
    found = NODE_TYPES.get(kind)
    ports = set(found.ports or [OUT]) | ({ERROR} if found.can_fail else set())
    left = {port for of, port, _ in _visits() if of == kind}
    assert ports - left == set(), f"No file has a {kind} leave by these ports."


@pytest.mark.parametrize("alias", [name for kind in NODE_TYPES.all() for name in kind.aliases])
def test_every_name_of_the_earlier_system_is_used(alias: str) -> None:
    used = {name for case in cases().values() for name in _types(case).values()}
    assert alias in used


def test_every_file_tells_the_events_of_its_run() -> None:
    """So those of every type of node, port, error and limit are told."""
    told = {name for name, case in cases().items() if case.expect.events}
    assert told == {name for name, case in cases().items() if not case.expect.refused}


@pytest.mark.parametrize("kind", [*(one.type for one in EVENTS), *TERMINAL_TYPES.values()])
def test_every_type_of_event_is_in_a_log(kind: str) -> None:
    lines = [line for case in cases().values() for line in (case.expect.events or {}).values()]
    assert kind in {told for line in lines for told in line.split(", ")}


@pytest.mark.parametrize("limit", RunLimits.model_fields)
def test_every_limit_is_reached_in_a_file(limit: str) -> None:
    code = _OF_LIMITS.get(limit, "limit_" + limit.removesuffix("_s"))
    found = [case for case in cases().values() if limit in case.setup.limits]
    assert any(code in {*case.expect.refused, *_codes(case)} for case in found)


def test_every_error_is_shown_by_a_file() -> None:
    shown = {code for _, _, code in _visits()}
    for case in cases().values():
        shown |= _codes(case)
        shown |= {line.split()[0] for line in case.expect.refused}
        shown |= {line.split()[-1] for line in (*case.expect.calls, *case.expect.tool_calls)}
    codes = {BadExpression.code, *MODEL_ERRORS, *TOOL_ERRORS, *REQUEST_ERRORS, *REFUSED_STARTS}
    codes |= {*_raised()}
    assert codes - shown - set(ELSEWHERE) == set(), "No file shows these errors."
    assert set(ELSEWHERE) & shown == set(), "These are shown by a file by now."


@pytest.mark.parametrize("code", ELSEWHERE)
def test_what_no_file_shows_another_test_does(code: str) -> None:
    assert f'"{code}"' in (ROOT / ELSEWHERE[code]).read_text()


def _codes(case: Case) -> set[str]:
    return {case.expect.error.code} if case.expect.error else set()


@cache
def _visits() -> list[Visit]:
    """Every end of a visit that a file tells of."""
    return [visit for case in cases().values() for visit in _visits_of(case)]


def _visits_of(case: Case) -> Iterator[Visit]:
    types = _types(case)
    taken = {(edge["source"], edge["source_port"]) for edge in _edges(case)}
    for line in _flat(case.expect.ran):
        yield from _begun_items(line, types)
        node, _, code = line.partition("!")
        node, _, port = node.partition(".")
        key = getattr(NODE_TYPES.get(types.get(node, "")), "key", "")
        if not code:
            yield key, port or OUT, ""
        else:
            yield key, ERROR if (node, ERROR) in taken else "", code


def _begun_items(line: str, types: dict[str, str]) -> Iterator[Visit]:
    """A node with a body leaves by its port for each item that has begun."""
    kind = NODE_TYPES.get(types.get(outermost(line), "")) if is_inner(line) else None
    if kind is not None and kind.has_body:
        yield kind.key, kind.round_port, ""


def _types(case: Case) -> dict[str, str]:
    document = case.document
    if not isinstance(document, dict) or not isinstance(document.get("nodes"), list):
        return {}
    return {node["id"]: node["type"] for node in document["nodes"]}


def _edges(case: Case) -> list[dict[str, Any]]:
    return list(case.document["edges"]) if case.expect.ran else []


def _flat(lines: list[str | list[str]]) -> Iterator[str]:
    for line in lines:
        for branch in [line] if isinstance(line, str) else line:
            yield from branch.split(" > ")


def _raised() -> Iterator[str]:
    """The codes that stand in the source of the engine where errors are raised."""
    gc.collect()  # Python 3.11 cannot parse while something collected meanwhile logs a traceback
    for path in (path for folder in ENGINE for path in (ROOT / folder).glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            at = {**RAISES, **LIMITS}.get(name, len(call.args))
            code = call.args[at] if at < len(call.args) else None
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and code.value:
                yield f"limit_{code.value}" if name in LIMITS else code.value
