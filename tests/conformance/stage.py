"""Where a case is played: what it needs is set up, it is started, its steps are taken."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rest_framework.test import APIClient

from accounts.models import User
from llms.services.profiles import forget_profiles
from tests.conformance.case import Answer, Case, Flow, JsonObject, Request
from tests.conformance.scripted import BrokenNode, Lines, Scripted, Web, tell, web_server
from tests.drills.mortal import take_up
from tests.factories.accounts import UserFactory
from tests.factories.llms import PriceFactory, ProfileFactory, ProviderFactory
from tests.wire import WirePart, WireServer
from tools.registry import tools
from workflows import validation
from workflows.models import WorkflowExecution
from workflows.registry import NODE_TYPES

MODELS = ("gpt-test", "gpt-too")
_NAMED = re.compile(r"@(definition:\w+|web|alice(?::id)?)\b")
_REACHABLE = ("127.0.0.1",)
_NOTHING = Flow(edges=["start > end"]).document
_ANOTHER = Request(
    post="/api/v1/workflows/execute/", body={"graph": _NOTHING, "mode": "background"}
)
Wire = WireServer | WirePart


@dataclass
class Stage:
    """The people and things of one case. `names` are what `@name` stands for in its file.

    All that comes of it has the `request` id, if one is given. `run` runs what waits.
    """

    case: Case
    alice: User
    request: str = ""
    names: dict[str, str] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)
    web: Web | None = None

    def __post_init__(self) -> None:
        self.names |= {"alice": self.alice.username, "alice:id": str(self.alice.pk)}
        self.lines.answers = self.case.tools

    @cached_property
    def client(self) -> APIClient:
        made = _client(self.alice)
        if self.request:
            made.credentials(HTTP_X_REQUEST_ID=self.request)
        return made

    @cached_property
    def admin(self) -> APIClient:
        ada = User.objects.filter(username="ada").first()
        return _client(ada or UserFactory(username="ada", is_staff=True, is_superuser=True))

    def begin(self, run: Callable[[], None] = take_up, past: JsonObject | None = None) -> Any:
        """Start it; gives the API's answer. Without a past, that is run first."""
        conversation = self.past(run) if past is None else past
        if self.case.door == "chat":
            body = {**self._what, "message": self.case.message, **conversation}
            return self._post("/api/v1/chat/", {**body, "parameters": self.case.parameters})
        body = {
            "input": self.named(self.case.given),
            "parameters": self.case.parameters,
            "debug": self.case.debug,
        }
        if self.case.door == "definition":
            return self._post(f"/api/v1/definitions/{self._definition}/execute/", body)
        graph = self.named(self.case.document)
        return self._post("/api/v1/workflows/execute/", {**body, "graph": graph})

    def past(self, run: Callable[[], None] = take_up) -> JsonObject:
        """Have what was said before answered, turn by turn; gives the `conversation`, if any."""
        conversation: JsonObject = {}
        for said in self.case.earlier:
            told = self._post("/api/v1/chat/", {**self._what, "message": said, **conversation})
            assert told.status_code == 202, told.json()
            conversation = {"conversation": told.json()["conversation"]["id"]}
            run()
        return conversation

    def ask(self, request: Request) -> Any:
        """Do this over the API. It must succeed."""
        client = self.admin if request.by == "admin" else self.client
        (verb,) = [verb for verb in ("post", "put", "patch") if getattr(request, verb)]
        address = self.named(getattr(request, verb))
        told = getattr(client, verb)(address, self.named(request.body) or {})
        assert told.status_code < 300, (address, told.content)
        return told

    def named(self, value: Any) -> Any:
        """The value with what its names stand for."""
        if isinstance(value, str):
            return _NAMED.sub(lambda match: self.names[match[1]], value)
        if isinstance(value, Mapping):
            return {key: self.named(item) for key, item in value.items()}
        return [self.named(item) for item in value] if isinstance(value, list) else value

    def define(self, name: str, document: Any) -> str:
        body = {"name": name, "graph": self.named(document)}
        told = self.client.post("/api/v1/definitions/", body)
        assert told.status_code == 201, told.json()
        return str(told.json()["id"])

    def _post(self, address: str, body: Mapping[str, Any]) -> Any:
        return self.client.post(address, {**body, "mode": "background"})

    @cached_property
    def _definition(self) -> str:
        return self.define("Under test", self.case.document)

    @cached_property
    def _what(self) -> dict[str, Any]:
        return {"definition": self._definition}


@contextmanager
def stage(
    case: Case, wire: WireServer, settings: Any, *, for_ever: bool = False
) -> Iterator[Stage]:
    """All that the case needs; `for_ever`: its model's answers may be asked for again."""
    wire.clear()
    models(wire, [case])
    with ExitStack() as open_:
        here = Stage(case, UserFactory(username="alice"))
        if case.tools or any(one in str(case.document) for one in ("scripted", "broken")):
            open_.enter_context(plug_ins(settings))
            Scripted.lines = here.lines
        if case.setup.web:
            open_.enter_context(reachable(settings))
        for name, value in case.setup.settings.items():
            setattr(settings, name, value)
        open_.enter_context(furnished(here, wire, for_ever=for_ever))
        yield here


@contextmanager
def furnished(here: Stage, wire: Wire, *, for_ever: bool = False) -> Iterator[None]:
    """What is the case's own."""
    case = here.case
    here.alice.limits = case.setup.limits
    here.alice.save()
    with ExitStack() as open_:
        if case.setup.web:
            here.web = open_.enter_context(web_server(case.setup.web))
            here.names["web"] = here.web.url
        for name, flow in case.setup.definitions.items():
            here.names[f"definition:{name}"] = here.define(name, flow.document)
        for request in case.setup.requests:
            here.ask(request)
        for _ in range(case.setup.under_way):
            here.ask(_ANOTHER)
        answers = [Answer.model_validate(here.named(one.model_dump())) for one in case.model]
        tell(wire, answers, for_ever=for_ever)
        yield


def execution_of(told: Any) -> WorkflowExecution:
    """The execution that the API says it has begun."""
    return WorkflowExecution.objects.get(pk=told.json()["execution"]["id"])


@contextmanager
def reachable(settings: Any) -> Iterator[None]:
    """Requests may go to this machine."""
    settings.CHATTER_EGRESS_ALLOW = list(_REACHABLE)
    settings.CHATTER_GRAPH_LIMITS = {**settings.CHATTER_GRAPH_LIMITS, "reachable": _REACHABLE}
    validation._validator.cache_clear()
    try:
        yield
    finally:
        validation._validator.cache_clear()


@contextmanager
def plug_ins(settings: Any) -> Iterator[None]:
    """The tool `scripted` and the type of node `broken` beside the built-in ones."""
    path = f"{Scripted.__module__}.{Scripted.__name__}"
    settings.CHATTER_TOOLS = [*settings.CHATTER_TOOLS, path]
    tools.__dict__.pop("_by_key", None)
    NODE_TYPES._by_key[BrokenNode.key] = BrokenNode()
    try:
        yield
    finally:
        NODE_TYPES._by_key.pop(BrokenNode.key)
        tools.__dict__.pop("_by_key", None)


def models(wire: WireServer, of: Iterable[Case]) -> None:
    """Those that all cases have, and what differs in these."""
    differing = {name: dict(fields) for case in of for name, fields in case.setup.models.items()}
    on_the_wire = ProviderFactory(name="wire", kind="openai", base_url=wire.url + "/v1")
    for name in {**dict.fromkeys(MODELS), **differing}:
        fields = differing.get(name, {})
        kind = fields.pop("of", "")
        provider = ProviderFactory(name=kind, kind=kind, base_url=wire.url) if kind else on_the_wire
        profile = {
            "max_output_tokens": 2_000,
            "capabilities": ["text", "tools", "structured_output"],
            "is_default": name == MODELS[0],
        }
        ProfileFactory(provider=provider, model=name, **{**profile, **fields})
        PriceFactory(provider_kind=provider.kind, model=name)
    forget_profiles()


def _client(user: User) -> APIClient:
    made = APIClient()
    made.force_login(user)
    return made
