"""What a run accessed and by what permission, for the audit entry of its end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from core.secret_texts import named_in
from tools.ledger import ToolCallRecord
from tools.mcp.naming import SEPARATOR
from tools.models import ToolAnsweredBy, ToolCallStatus
from tools.permissions import Permission
from tools.registry import tools
from tools.request import BadArguments, UnknownTool

_MOST = 50  # of a kind; how many more there were is told
_UNDECIDED = frozenset({UnknownTool.code, BadArguments.code})
_RECORDED, _EARLIER = "recorded", "earlier"
_OF_SECRETS = "secret_"  # the settings of a request that secrets stand in


class Access:
    """Gathers in memory while a run goes on: nothing is read or written for it.

    `earlier` are the tool calls of attempts before this one.
    """

    def __init__(self, earlier: Iterable[ToolCallRecord]) -> None:
        self.conversation = ""
        self.workflows: dict[str, str] = {}  # as nodes name them, to the hash of the version
        self._tools: set[str] = set()
        self._servers: set[str] = set()
        self._hosts: set[str] = set()
        self._secrets: set[str] = set()
        self._decisions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for call in earlier:
            self._remember(call)

    def asked(self, call: ToolCallRecord) -> None:
        self._tools.add(call.tool)

    def decided(self, call: ToolCallRecord, permission: Permission) -> None:
        self._decisions[call.tool][permission.by] += 1

    def repeated(self, call: ToolCallRecord) -> None:
        """Answered as in the run that this is a rerun of: it reached for nothing."""
        self._tools.add(call.tool)
        self._decisions[call.tool][_RECORDED] += 1

    def settled(self, call: ToolCallRecord) -> None:
        if call.status == ToolCallStatus.REFUSED or call.error_code in _UNDECIDED:
            return
        if SEPARATOR in call.tool and tools.get(call.tool) is None:
            self._servers.add(call.tool.partition(SEPARATOR)[0])
        given, found = _fields(call.arguments), _fields(call.data)
        self._hosts |= {host for told in (given, found) if (host := _host(told.get("url")))}
        for place in (texts for name, texts in given.items() if name.startswith(_OF_SECRETS)):
            for text in _fields(place).values():
                self._secrets |= {*named_in(str(text))}

    def detail(self) -> dict[str, Any]:
        """By ids and keys alone."""
        told: dict[str, Any] = {}
        if self._tools:
            told["tools"] = sorted(self._tools)[:_MOST]
        if self._decisions:
            of_tools = sorted(self._decisions.items())[:_MOST]
            told["decisions"] = {tool: dict(by.most_common(_MOST)) for tool, by in of_tools}
        accessed = {
            **({"conversation": self.conversation} if self.conversation else {}),
            **(
                {"workflows": dict(sorted(self.workflows.items())[:_MOST])}
                if self.workflows
                else {}
            ),
            **_cut("servers", self._servers),
        }
        return {**told, "accessed": accessed} if accessed else told

    def personal(self) -> dict[str, Any]:
        """What people, or models, wrote: it may tell of somebody."""
        return {**_cut("hosts", self._hosts), **_cut("secrets", self._secrets)}

    def _remember(self, call: ToolCallRecord) -> None:
        if call.answered_by == ToolAnsweredBy.RECORDING:
            self.repeated(call)
            return
        self.asked(call)
        self.settled(call)
        if call.status == ToolCallStatus.REFUSED:
            self._decisions[call.tool][call.error_code] += 1
        elif call.error_code not in _UNDECIDED:
            self._decisions[call.tool][_EARLIER] += 1


def _cut(kind: str, names: Iterable[str]) -> dict[str, Any]:
    every = sorted(names)
    more = {f"more_{kind}": len(every) - _MOST} if len(every) > _MOST else {}
    return {kind: every[:_MOST], **more} if every else {}


def _fields(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _host(url: Any) -> str:
    """Of an address that a tool was given, or was led to; empty where there is none."""
    if not isinstance(url, str):
        return ""
    try:
        return (urlsplit(url).hostname or "")[:253]
    except ValueError:
        return ""
