"""Where an MCP server is and how it is spoken to; commands come from the settings only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from core.errors import Invalid

STREAMABLE_HTTP, SSE, STDIO = "streamable_http", "sse", "stdio"


class UnknownCommand(Invalid):
    code = "mcp_unknown_command"
    message = "There is no command '{command}' in CHATTER_MCP_COMMANDS."


class BadCommands(Invalid):
    code = "mcp_bad_commands"
    message = "CHATTER_MCP_COMMANDS gives no usable command '{command}'."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """All that a session needs. `command` names an entry of `CHATTER_MCP_COMMANDS`."""

    server: str
    transport: str
    url: str = ""
    command: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start, with an environment that holds nothing of this server's own."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def command_of(name: str) -> Command:
    """What an administrator registered: `[program, …]`, or `{"command": […], "env": {…}}`.

    Raises UnknownCommand, BadCommands.
    """
    given: Any = settings.CHATTER_MCP_COMMANDS.get(name)
    if given is None:
        raise UnknownCommand(command=name)
    line, environment = (
        (given.get("command"), given.get("env", {})) if isinstance(given, dict) else (given, {})
    )
    named = isinstance(environment, dict) and _is_texts(list(environment.values()))
    if not _is_texts(line) or not line or not named:
        raise BadCommands(command=name)
    return Command(line[0], tuple(line[1:]), dict(environment))


def _is_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
