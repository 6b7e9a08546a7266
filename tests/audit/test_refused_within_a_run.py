"""What a run is refused is told with who began it, by which request and from where."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEntry
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import take_up
from tests.factories.budgets import a_budget
from tools.models import ToolSetting
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
INSIDE = 'use the tool http_get {"url": "http://169.254.169.254/latest"}'


def switched_off() -> None:
    ToolSetting.objects.update_or_create(tool="http_get", defaults={"enabled": False})


@pytest.mark.parametrize(
    ("action", "limits", "change"),
    [
        ("tools.egress.refused", {}, lambda: None),
        ("tools.call.refused", {}, switched_off),
        ("workflows.limit.reached", {"steps": 2}, lambda: None),
        ("budgets.call.refused", {}, lambda: a_budget(cap=1)),
    ],
)
def test_what_a_run_is_refused_is_told_with_where_it_was_begun(
    api: Any, alice: User, built_in: None, action: str, limits: Any, change: Callable[[], Any]
) -> None:
    nodes = (asks(tools=["http_get"]), {"id": "tools", "type": "tools"})
    edges = ["start>model", "model.tool_calls>tools", "tools>model", "model>end"]
    made = create_definition(
        owner=alice, name="With", graph=graph(*nodes, edges=edges), limits=limits
    )
    body = {"message": INSIDE, "definition": str(made.pk), "mode": "background"}
    origin = {"X-Request-ID": "from-the-desk"}
    answer = api(alice).post("/api/v1/chat/", body, headers=origin, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 202, answer.content
    change()
    take_up()
    entry = AuditEntry.objects.get(action=action)
    told = (entry.actor_id, entry.request_id, entry.personal_content)
    assert told == (alice.pk, "from-the-desk", {"address": "203.0.113.9"})
