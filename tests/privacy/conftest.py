"""Somebody who has left words wherever words can be left."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from experiments.services.routing import forget_running
from tests.approvals.desk import ONCE, Desk, letter
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tools import GrantFactory
from tools.models import ToolSetting
from workflows.models import WorkflowTemplate

WORD = "xylophonic"  # planted wherever a text may stand
NAME = "wilhelmina"
EMAIL = "wilhelmina.quux@example.com"
TOOL = f'use the tool calculator {{"expression": "1 + 1", "{WORD}": "{WORD}"}}'


def asks_people(approver: str) -> Any:
    asked = {"question": "Well?", "approvers": [approver]}
    return graph(
        {"id": "ask", "type": "approval", "config": asked},
        edges=["start>ask", "ask.approved>end", "ask.rejected>end"],
    )


class Life:
    """Wilhelmina, through the doors that users have."""

    def __init__(self, user: User, client: APIClient, drain: Callable[[], None]) -> None:
        self.user, self.client, self.drain = user, client, drain

    def post(self, path: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/{path}", body, **more)
        assert answer.status_code in {200, 201, 202}, answer.content
        return answer.json()

    def put(self, path: str, body: dict[str, Any]) -> None:
        answer = self.client.put(f"/api/v1/{path}", body)
        assert answer.status_code in {200, 201}, answer.content

    def say(self, text: str, **more: Any) -> dict[str, Any]:
        told = self.post("chat/", {"message": text, "mode": "background", **more})
        self.drain()
        return told


def lives(life: Life, colleague: Desk) -> None:
    """What one does in a month."""
    browser = Client()
    browser.post("/login/", {"username": NAME, "password": f"wrong {WORD}"})
    browser.post("/login/", {"username": NAME, "password": PASSWORD})
    life.post("auth/token/", {"username": NAME, "password": PASSWORD, "name": WORD})
    life.post("secrets/", {"name": WORD, "value": f"key-{WORD}", "hosts": [f"{WORD}.example"]})

    says = f"You are {WORD}{{{{ has(params.{WORD}) ? '!' : '.' }}}}"
    definition = life.post(
        "definitions/",
        {
            "name": f"My {WORD}",
            "description": WORD,
            "graph": graph(
                asks(says, tools=["calculator"]) | {"label": WORD},
                {"id": "tools", "type": "tools"},
                edges=["start>model", "model.tool_calls>tools", "tools>model", "model>end"],
            ),
        },
    )["id"]
    life.post(f"definitions/{definition}/template/", {"name": f"T {WORD}", "slug": WORD})
    for kind in ("endpoints", "incoming"):
        target = {"url": f"https://{WORD}.example/"} if kind == "endpoints" else {}
        body = {"name": WORD, "definition": definition, **target}
        if kind == "incoming":
            body["mapping"] = {"message": f"payload.{WORD}"}
        life.post(f"webhooks/{kind}/", body)
    given = {"message": WORD}
    life.post(
        "schedules/",
        {
            "name": WORD,
            "definition": definition,
            "input": given,
            "kind": "cron",
            "cron": "0 9 * * *",
        },
    )
    then = life.post("definitions/", {"name": f"Then {WORD}", "graph": graph(asks(WORD))})["id"]
    life.post("chains/", {"name": WORD, "after_definition": definition, "definition": then})

    measures(life, definition)
    talk = life.say(f"Hello {WORD} {NAME}")["conversation"]["id"]
    life.client.patch(f"/api/v1/conversations/{talk}/", {"title": f"About {WORD}"})
    life.say(f"please fail {WORD}", conversation=talk)
    life.say(TOOL, definition=definition)
    execution = life.post(
        f"definitions/{definition}/execute/",
        {"input": given, "mode": "background", "debug": True},
        headers={"Idempotency-Key": f"{WORD}-1", "X-Request-ID": "a-request"},
    )["execution"]["id"]
    life.drain()
    life.post(f"executions/{execution}/replay/", {"mode": "background"})
    life.drain()
    replies = life.client.get(f"/api/v1/conversations/{talk}/messages/").json()["results"]
    reply = next(one["id"] for one in replies if one["role"] == "assistant")
    rating = {"helpful": True, "comment": WORD}
    life.put(f"conversations/{talk}/messages/{reply}/rating/", rating)
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    life.put(f"templates/{template.pk}/rating/", {"stars": 4, "comment": WORD})

    own = Desk(life.client)
    own.begin(letter(question=f"Send {WORD}?"), WORD)
    life.drain()
    own.approve(comment=WORD)
    life.drain()
    debugged = {"graph": asks_people("group:people"), "mode": "background", "debug": True}
    asked = colleague.client.post(ONCE, debugged).json()["execution"]["id"]
    life.drain()
    own.approve(comment=WORD)
    life.drain()
    for _ in range(2):
        replay = f"/api/v1/executions/{asked}/replay/"
        asked = colleague.client.post(replay, {"mode": "background"}).json()["execution"]["id"]
        life.drain()


def measures(life: Life, definition: str) -> None:
    """What it may cost, and what is better."""
    budget = {"name": WORD, "scope": "user", "of": str(life.user.pk), "warn_at": [1]}
    rules = {"unit": "tokens", "period": "total", "cap": "1000000"}
    made = life.post("budgets/", budget | rules)["id"]
    life.say("hello")
    life.client.patch(f"/api/v1/budgets/{made}/", {"name": f"{WORD} anew", "cap": "100"})
    life.client.patch(f"/api/v1/budgets/{made}/", {"cap": "1000000"})
    variants = [{"name": f"as {WORD}", "control": True}, {"name": WORD, "parameters": {WORD: 1}}]
    body = {"name": WORD, "hypothesis": WORD, "definition": definition, "primary": "event:likes"}
    place = "experiments/" + life.post("experiments/", body | {"variants": variants})["id"]
    life.client.patch(f"/api/v1/{place}/", {"name": f"{WORD} anew"})
    begun = life.post(f"{place}/start/", {})
    forget_running()
    unit = life.say("hello", definition=definition)["conversation"]["id"]
    life.post(f"{place}/events/", {"name": WORD, "unit": unit, "key": WORD})
    life.post(f"{place}/variants/{begun['variants'][1]['id']}/stop/", {})
    life.post(f"{place}/promote/", {"variant": begun["variants"][0]["id"]})


@pytest.fixture
def life(
    api: Callable[[User], APIClient], built_in: None, drain: Callable[[], None], admin: User
) -> Life:
    user = UserFactory(username=NAME, email=EMAIL, first_name="Wilhelmina", last_name=WORD)
    GrantFactory(user=user)
    ToolSetting.objects.get_or_create(tool="calculator")
    user.groups.add(Group.objects.create(name="people"))
    made = Life(user, api(user), drain)
    lives(made, Desk(api(UserFactory(username="colleague"))))
    change = f"/admin/accounts/user/{user.pk}/change/"
    back_office = api(admin)
    page = back_office.get(change)
    form = page.context["adminform"].form
    values = {name: form.initial.get(name) for name in form.fields}
    answer = back_office.post(
        change,
        {
            "username": NAME,
            "email": EMAIL,
            "first_name": "Mina",
            "last_name": WORD,
            "is_active": "on",
            "limits": "{}",
            "seen": values["seen"],
            "date_joined_0": "2026-01-01",
            "date_joined_1": "10:00:00",
        },
        format="multipart",
    )
    assert answer.status_code == 302, (answer.context["errors"], values)
    return made
