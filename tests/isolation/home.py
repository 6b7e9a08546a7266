"""What somebody has who has used everything: one of each kind of thing, with their name on it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

from accounts.models import Secret, User
from accounts.services.secrets import create_secret
from accounts.services.tokens import create_token
from budgets.models import BudgetPeriod
from budgets.periods import span_at
from core import clock
from experiments.models import Exposure, Unit
from tests.approvals.desk import letter
from tests.definitions.graphs import asks, graph
from tests.factories.llms import CallFactory
from tests.factories.tools import ToolCallFactory
from workflows.models import Approval

SECRET = "the-value-of-a-secret"


@dataclass
class Home:
    """`things` has the id of one thing of each kind; "template.slug" is another name of one."""

    owner: User
    token: str
    things: dict[str, str] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """It is in the names and texts of all their things."""
        return f"{self.owner.username}-keeps-this"

    def client(self) -> APIClient:
        made = APIClient()
        made.force_login(self.owner)
        return made


def furnish(owner: User, drain: Callable[[], None]) -> Home:
    """Make one of each kind, through the doors that users have where there are any.

    A kind of thing with routes of its own is added here, and to `policies.py`.
    """
    key, token = create_token(user=owner, name=f"{owner.username}-keeps-this", by=owner)
    home = Home(owner, token, {"token": str(key.pk), "user": str(owner.pk)})
    for furniture in _FURNITURE:
        furniture(home)
    drain()
    _what_came_of_it(home)
    return home


def _made(home: Home, address: str, body: Any, key: str = "id") -> Any:
    answer = home.client().post(f"/api/v1/{address}", body)
    assert answer.status_code < 300, (address, answer.json())
    return answer.json()


def _talk(home: Home) -> None:
    said = _made(home, "chat/", {"message": f"say exactly: {home.mark}", "mode": "background"})
    home.things |= {
        "conversation": said["conversation"]["id"],
        "message": said["user_message"]["id"],
        "execution": said["execution"]["id"],
    }


def _workflows(home: Home) -> None:
    body = {"name": home.mark, "graph": graph(asks(home.mark))}
    definition = _made(home, "definitions/", body)
    address = f"/api/v1/definitions/{definition['id']}/"
    again = home.client().patch(address, {"graph": graph(asks(home.mark, node="other"))})
    assert again.status_code == 200, again.json()
    template = _made(home, "templates/", {**body, "slug": f"of-{home.owner.username}"})
    home.things |= {
        "definition": definition["id"],
        "template": template["id"],
        "template.slug": template["slug"],
        "version": again.json()["version"] or definition["version"] or template["version"],
    }


def _triggers(home: Home) -> None:
    runs = {"name": home.mark, "definition": home.things["definition"]}
    schedule = _made(home, "schedules/", {**runs, "kind": "interval", "every_s": 3600})
    chain = _made(home, "chains/", {**runs, "after_template": home.things["template"]})
    _made(home, f"schedules/{schedule['id']}/run-now/", {})
    home.things |= {"schedule": schedule["id"], "chain": chain["id"]}


def _webhooks(home: Home) -> None:
    url = {"name": home.mark, "url": f"https://{home.mark}.example.org/"}
    endpoint = _made(home, "webhooks/endpoints/", url)
    runs = {"name": home.mark, "definition": home.things["definition"]}
    incoming = _made(home, "webhooks/incoming/", runs)
    sent = _made(home, f"webhooks/endpoints/{endpoint['id']}/ping/", {})
    home.things |= {
        "endpoint": endpoint["id"],
        "incoming": incoming["id"],
        "webhook_message": sent["id"],
    }


def _budgets_and_experiments(home: Home) -> None:
    runs = {"scope": "definition", "of": home.things["definition"]}
    most = {"unit": "usd", "cap": "100", "period": "month"}
    budget = _made(home, "budgets/", {"name": home.mark, **runs, **most})
    begins_at, ends_at = span_at("month", "UTC", clock.now())
    reached = {"ends_at": ends_at, "warned": 50}
    BudgetPeriod.objects.update_or_create(reached, budget_id=budget["id"], begins_at=begins_at)
    ways = [
        {"name": home.mark, "control": True},
        {"name": "brief", "parameters": {"system": "Be brief."}},
    ]
    asked = {"name": home.mark, "primary": "tokens", "template": "universal_chat"}
    experiment = _made(home, "experiments/", {**asked, "variants": ways})
    told = {"experiment_id": experiment["id"], "variant_id": experiment["variants"][0]["id"]}
    talk = home.things["conversation"]
    unit = Unit.objects.create(**told, key=f"conversation:{talk}", user=home.owner)
    Exposure.objects.create(**told, unit=unit, execution_id=home.things["execution"])
    home.things |= {
        "unit": talk,
        "budget": budget["id"],
        "experiment": experiment["id"],
        "variant": experiment["variants"][1]["id"],
    }


def _ledger(home: Home) -> None:
    origin = f"execution:{home.things['execution']}"
    text = {"text": home.mark, "reasoning": "", "tool_calls": []}
    CallFactory(user=home.owner, origin=origin, node="earlier", answer=text)
    call = ToolCallFactory(user=home.owner, origin=origin, text=home.mark)
    create_secret(owner=home.owner, name=home.mark, value=SECRET, hosts=["api.example.org"])
    home.things |= {
        "tool_call": str(call.pk),
        "secret": str(Secret.objects.get(owner=home.owner).pk),
        "secret.name": home.mark,
    }


def _letter(home: Home) -> None:
    body = {"graph": letter(), "input": {"message": home.mark}, "mode": "background"}
    home.things["waiting"] = _made(home, "workflows/execute/", body)["execution"]["id"]


def _what_came_of_it(home: Home) -> None:
    approval = Approval.objects.get(execution=home.things["waiting"])
    talk = f"conversations/{home.things['conversation']}/messages/"
    said = home.client().get(f"/api/v1/{talk}").json()["results"]
    [reply] = [one["id"] for one in said if one["role"] == "assistant"]
    rated = home.client().put(f"/api/v1/{talk}{reply}/rating/", {"helpful": True})
    assert rated.status_code == 201, rated.json()
    stars = f"/api/v1/templates/{home.things['template']}/rating/"
    assert home.client().put(stars, {"stars": 5}).status_code == 201
    home.things |= {"approval": str(approval.pk), "reply": reply}


_FURNITURE = (
    _talk,
    _workflows,
    _triggers,
    _webhooks,
    _budgets_and_experiments,
    _ledger,
    _letter,
)
