"""Random histories of people talking, changing their minds, and things going wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from json import dumps
from typing import Any

from django.core.management import call_command
from django.db import transaction
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from conversations.models import Conversation, Message
from core import clock
from core.retention import retentions
from llms.services.profiles import forget_profiles
from tests.approvals.desk import letter
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import leases_run_out, live_and_die, stopped_at, take_up
from tests.factories.accounts import UserFactory
from tests.factories.llms import PriceFactory
from workflows.models import Approval, WorkflowDefinition, WorkflowExecution
from workflows.services.executions import request_cancel

MESSAGES = ("hello", "please fail", "please break", "say 9 words", "think about it", "echo: [[x]]")
HANGS = "please hang"
numbers = st.integers(0, 99)
steps = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(MESSAGES), numbers),
    st.tuples(st.just("say"), st.sampled_from(MESSAGES), numbers),
    st.tuples(st.just("work"), numbers),
    st.tuples(st.just("consult"), numbers),
    st.tuples(st.just("reckon"), numbers),
    st.tuples(st.just("request"), numbers),
    st.tuples(st.just("decide"), numbers, st.booleans()),
    st.tuples(st.just("rate"), numbers, st.booleans()),
    st.tuples(st.just("run")),
    st.tuples(st.just("die"), st.integers(0, 3)),
    st.tuples(st.just("cancel"), numbers),
    st.tuples(st.just("stop"), numbers, st.booleans()),
    st.tuples(st.just("retry"), numbers),
    st.tuples(st.just("forget_message"), numbers),
    st.tuples(st.just("forget_conversation"), numbers),
    st.tuples(st.just("forget_definition"), numbers),
    st.tuples(st.just("forget_user"), numbers),
    st.tuples(st.just("erase"), numbers),
    st.tuples(st.just("price"), st.integers(0, 5)),
    st.tuples(st.just("prune")),
)
histories = st.lists(steps, min_size=3, max_size=9)


class _Undone(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Roll back all that happens inside."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


def prune_all() -> None:
    """All that may ever go, goes at once."""
    kinds = [one.kind for one in retentions()]
    call_command("prune", *kinds, older_than=0, stdout=StringIO())


class Town:
    """Two people, and what may happen to them."""

    def __init__(self) -> None:
        self.people = [UserFactory(), UserFactory()]

    def act(self, step: tuple[Any, ...]) -> None:
        act: Callable[..., None] = getattr(self, step[0])
        act(*step[1:])

    def _client(self, at: int) -> APIClient:
        client = APIClient()
        client.force_login(self.people[at % len(self.people)])
        return client

    def say(self, message: str, at: int) -> None:
        client = self._client(at)
        body = {"message": message, "mode": "background"}
        talks = client.get("/api/v1/conversations/").json()["results"]
        if talks and at % 3:
            body["conversation"] = talks[at % len(talks)]["id"]
        assert client.post("/api/v1/chat/", body).status_code == 202

    def work(self, at: int) -> None:
        """Run a workflow of one's own."""
        client = self._client(at)
        body = {"mode": "background", "input": {"message": "hello"}}
        asked = client.post(f"/api/v1/definitions/{self._own(client)}/execute/", body, "json")
        assert asked.status_code == 202, asked.json()

    def consult(self, at: int) -> None:
        """Talk with a workflow of one's own."""
        client = self._client(at)
        body = {"message": "hello", "mode": "background", "definition": self._own(client)}
        assert client.post("/api/v1/chat/", body).status_code == 202

    def reckon(self, at: int) -> None:
        """A model that calls a tool, which may fail."""
        sums = {"expression": "1 / 0" if at % 2 else "2 * 3"}
        self._execute(at, _TOOLS, f"use the tool calculator {dumps(sums)}")

    def request(self, at: int) -> None:
        """A run that waits for somebody."""
        self._execute(at, letter(), "hello")
        self.run()

    def decide(self, at: int, approved: bool) -> None:
        if approval := self._one(Approval.objects.filter(status="pending"), at):
            client = APIClient()
            client.force_login(approval.execution.user)
            body = {"decision": "approve" if approved else "reject"}
            told = client.post(f"/api/v1/approvals/{approval.pk}/decide/", body)
            assert told.status_code == 200, told.json()

    def _execute(self, at: int, document: Any, message: str) -> None:
        body = {"graph": document, "input": {"message": message}, "mode": "background"}
        told = self._client(at).post("/api/v1/workflows/execute/", body, "json")
        assert told.status_code == 202, told.json()

    def rate(self, at: int, helpful: bool) -> None:
        """Whoever owns the conversation; perhaps for the second time."""
        if reply := self._one(Message.objects.filter(role="assistant"), at):
            client = APIClient()
            client.force_login(reply.conversation.owner)
            address = f"/api/v1/conversations/{reply.conversation_id}/messages/{reply.pk}/rating/"
            assert client.put(address, {"helpful": helpful}).status_code in (200, 201)

    @staticmethod
    def _own(client: APIClient) -> str:
        own = client.get("/api/v1/definitions/").json()["results"]
        if not own:
            body = {"name": "mine", "graph": graph(asks())}
            made = client.post("/api/v1/definitions/", body, "json")
            assert made.status_code == 201, made.json()
            own = [made.json()]
        return str(own[0]["id"])

    def run(self) -> None:
        take_up()

    def die(self, commits: int) -> None:
        live_and_die(after_commits=commits)
        leases_run_out()

    def cancel(self, at: int) -> None:
        """Of what nobody runs; what a process died with is stopped by the one that takes it up."""
        rows = WorkflowExecution.objects
        if execution := self._one(rows.filter(status="running"), at):
            request_cancel(execution.pk, by=execution.user)
        elif execution := self._one(rows.filter(status="pending"), at):
            client = APIClient()
            client.force_login(execution.user)
            told = client.post(f"/api/v1/executions/{execution.pk}/cancel/")
            assert told.status_code == 200, told.json()

    def stop(self, at: int, heard_of: bool) -> None:
        """What a living process runs: while an answer is given, or before anything of it came."""
        self.say("say 60 words slowly" if heard_of else HANGS, at)
        execution = WorkflowExecution.objects.order_by("created_at", "pk").last()
        assert execution is not None
        stopped_at("text.delta" if heard_of else "model.started", execution)

    def retry(self, at: int) -> None:
        """But for what hangs, which nobody would stop."""
        if execution := self._one(WorkflowExecution.objects.exclude(input__message=HANGS), at):
            client = APIClient()
            client.force_login(execution.user)
            told = client.post(f"/api/v1/executions/{execution.pk}/retry/")
            assert told.status_code in (202, 404, 409), told.json()

    def forget_message(self, at: int) -> None:
        if message := self._one(Message.objects.all(), at):
            client = APIClient()
            client.force_login(message.conversation.owner)
            address = f"/api/v1/conversations/{message.conversation_id}/messages/{message.pk}/"
            assert client.delete(address).status_code in (204, 409)

    def forget_conversation(self, at: int) -> None:
        """From a shell: nobody asks whether it is being answered."""
        if conversation := self._one(Conversation.objects.all(), at):
            conversation.delete()

    def forget_definition(self, at: int) -> None:
        if definition := self._one(WorkflowDefinition.objects.all(), at):
            definition.delete()

    def forget_user(self, at: int) -> None:
        gone = self.people[at % len(self.people)]
        self.people[at % len(self.people)] = UserFactory()
        User.objects.get(pk=gone.pk).delete()

    def erase(self, at: int) -> None:
        if execution := self._one(WorkflowExecution.objects.filter(finished_at__gt=_LONG_AGO), at):
            execution.delete()

    def price(self, dollars: int) -> None:
        PriceFactory(
            provider_kind="demo",
            model="chatter-demo",
            effective_from=clock.now() - timedelta(microseconds=1),
            input_nano_usd_per_mtok=dollars * 10**9,
            output_nano_usd_per_mtok=dollars * 10**9,
        )
        forget_profiles()

    def prune(self) -> None:
        prune_all()

    @staticmethod
    def _one(rows: Any, at: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[at % len(found)] if found else None


_TOOLS = graph(
    asks(tools=["calculator"]),
    {"id": "tools", "type": "tools"},
    edges=["start>model", "model.tool_calls>tools", "tools>model", "model>end"],
)
_LONG_AGO = clock.now() - timedelta(days=1)
