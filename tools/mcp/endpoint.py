"""Where an MCP server is and how it is spoken to; commands come from the settings only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from django.conf import settings

from core.errors import Invalid

STREAMABLE_HTTP, SSE, STDIO = "streamable_http", "sse", "stdio"
_SHORTEST_SECRET = 12  # no version, date or word is taken for one


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

    @property
    def secrets(self) -> Collection[str]:
        """What it is told that may be secret: the values of headers, and of the address's query.

        Of `Bearer X` also the X alone.
        """
        query = httpx.URL(self.url).params.values()
        words = [word for value in self.headers.values() for word in (value, *value.split())]
        return {text for text in (*query, *words) if len(text) >= _SHORTEST_SECRET}


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
