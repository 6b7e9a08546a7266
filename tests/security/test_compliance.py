"""The compliance report finds what is wrong, and says what nobody looked at."""

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import AsyncClient
from rest_framework.test import APIClient

from accounts.models import Secret, User
from audit.checkpoints import note_checkpoint
from audit.guards import install_guards, lift_guards
from audit.models import AuditEntry, AuditHead, AuditSeal
from audit.record import record_many
from audit.sealing import seal_entries
from audit.signals import request_answered
from conversations.models import Message
from core import clock
from security.compliance import keeping, people, rights, routes
from security.compliance import settings as of_settings
from security.compliance.check import Check, Finding
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import ApiTokenFactory
from tests.factories.audit import EntryFactory, write_entries
from tests.factories.tools import GrantFactory, ToolCallFactory
from tests.isolation.home import furnish
from tests.isolation.policies import POLICIES, Own, Staff
from tools.models import ToolCall, ToolGrant
from workflows.models import WorkflowExecution
from workflows.services.definitions import create_definition

pytestmark = pytest.mark.django_db
REPORT = "/api/v1/security/compliance/"
Door = Callable[[User], APIClient]


def test_every_address_of_the_product_refuses_strangers() -> None:
    found = routes.look(False)
    assert (found.status, found.evidence["faults"]) == ("pass", [])
    assert found.evidence["requests"] > 300
    assert set(found.evidence["public"]) == set(routes.PUBLIC)


@pytest.mark.parametrize("host", [".chatter.example", "*", "[::1]"])
def test_the_addresses_are_asked_at_a_host_that_is_served(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = [host]
    assert routes.look(False).status == "pass"


def test_an_address_that_asks_nobody_is_named(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.security.open_urls"
    found = routes.look(False)
    assert found.status == "fail"
    assert found.evidence["faults"] == [
        "api/v1/careless/ lets in anybody",
        "GET api/v1/careless/ answered 200",
        "POST api/v1/forgetful/<uuid:pk>/ answered 200",
        "GET open/ answered 200",
        "POST open/ answered 200",
    ]


def test_what_the_report_asks_itself_is_no_request_in_log_metrics_or_trail(
    api: Door, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.refresh_from_db()
    caplog.set_level(logging.INFO, logger="audit.middleware")
    counted: list[str] = []

    def count(route: str, **_: Any) -> None:
        counted.append(route)

    request_answered.connect(count)
    try:
        assert api(alice).get(REPORT).json()["counts"]["pass"]
    finally:
        request_answered.disconnect(count)
    told = [one.msg["path"] for one in caplog.records if one.name == "audit.middleware"]  # type: ignore[index]
    assert (told, counted) == ([REPORT], [REPORT[1:]])


def rows() -> list[int]:
    return [model._base_manager.count() for model in apps.get_models()]


def test_users_without_rights_get_to_nothing_of_staff_and_of_others(
    alice: User, built_in: None, drain: Callable[[], None]
) -> None:
    furnish(alice, drain)
    before = rows()
    found = rights.look(False)
    assert (found.status, found.evidence["faults"]) == ("pass", [])
    assert found.evidence["asked"]["for staff"] > 50
    assert found.evidence["asked"]["of others"] > 25
    assert found.evidence["nothing_of_others"] == []
    assert rows() == before


def test_an_address_that_lets_in_any_user_is_named(
    settings: Any, alice: User, built_in: None
) -> None:
    settings.ROOT_URLCONF = "tests.security.open_urls"
    create_definition(owner=alice, name="Mine", graph=graph(asks()))
    found = rights.look(False)
    assert found.status == "fail"
    assert found.evidence["faults"] == [
        "GET admin/careless/ answered 200: for staff",
        "GET api/v1/audit/careless/ answered 200: for staff",
        "GET api/v1/definitions/<str:pk>/careless/ answered 200: of others",
    ]


def test_every_address_that_is_tried_as_for_staff_here_is_asked_there() -> None:
    known = {path: policy for path, policy in POLICIES.items() if isinstance(policy, Staff)}
    found = [one for one in routes.routes() if isinstance(one, routes.Route)]
    told = {one.route for one in found if rights.for_staff(one)}
    assert set(known) - told - {"admin/"} == set()
    owned = {path.partition("<")[0] for path, one in POLICIES.items() if isinstance(one, Own)}
    assert owned - set(rights.THINGS) == {"api/v1/auth/tokens/", "api/v1/secrets/"}  # no GET


@pytest.fixture
def talked(api: Door, alice: User, built_in: None, drain: Callable[[], None]) -> APIClient:
    client = api(alice)
    said = "use the tool calculator {}"
    assert client.post("/api/v1/chat/", {"message": said, "mode": "background"}).status_code == 202
    drain()
    return client


def test_what_never_happened_is_not_checked() -> None:
    for look in (people.tool_access, people.runs_are_recorded, people.data_of_others):
        assert look(False).status == "not_checked"
    assert keeping.secrets_at_rest(False).status == "not_checked"


def test_calls_and_decisions_that_disagree_are_named(admin: User, api: Door, alice: User) -> None:
    GrantFactory(user=alice, tool="http_get", allow=False)
    api(alice).post("/api/v1/tools/http_get/call/", {"arguments": {"url": "http://example.com/"}})
    found = people.tool_access(False)
    assert (found.status, found.evidence["refused"]) == ("pass", 1)
    unrecorded = ToolCallFactory(status="refused")
    made = ToolCall.objects.exclude(pk=unrecorded.pk).get()
    ToolCall.objects.filter(pk=made.pk).update(status="succeeded")
    found = people.tool_access(False)
    assert found.status == "fail"
    assert found.evidence["refused_without_entry"] == [f"tools.toolcall:{unrecorded.pk}"]
    assert found.evidence["made_though_refused"] == [f"tools.toolcall:{made.pk}"]


def test_calls_that_were_made_against_a_rule_are_named(alice: User, charlie: User) -> None:
    before, later = ToolCallFactory(user=alice), clock.now() + timedelta(hours=1)
    GrantFactory(user=alice, tool="calculator", allow=False)
    GrantFactory(tool="http_get", allow=False, expires_at=later)
    ToolCallFactory(user=alice, tool="clock", started_at=later)
    ToolCallFactory(user=alice, started_at=later, status="failed", error_code="invalid_arguments")
    ToolCallFactory(user=charlie, started_at=later)
    ToolCallFactory(user=charlie, tool="http_get", started_at=later)
    assert people.tool_access(False).status == "pass"
    made = [
        ToolCallFactory(user=alice, started_at=later),
        ToolCallFactory(user=charlie, tool="http_get", started_at=later - timedelta(minutes=9)),
    ]
    found = people.tool_access(False)
    assert found.status == "fail"
    assert {*found.evidence["made_against_a_rule"]} == {f"tools.toolcall:{one.pk}" for one in made}
    assert not found.evidence["made_though_refused"]
    ToolCall.objects.exclude(pk=before.pk).delete()
    assert people.tool_access(False).status == "pass"


def test_a_refusal_that_a_replay_repeats_needs_no_entry_of_its_own(
    api: Door, alice: User, built_in: None, drain: Callable[[], None]
) -> None:
    granted, client = GrantFactory(user=alice), api(alice)
    drawn = graph(
        *(asks(tools=["calculator"]), {"id": "tools", "type": "tools"}),
        edges=["start>model", "model.tool_calls>tools", "tools>model", "model>end"],
    )
    made = create_definition(owner=alice, name="Sums", graph=drawn)
    said = {"message": 'use the tool calculator {"expression": "1 + 1"}', "mode": "background"}
    client.post("/api/v1/chat/", {**said, "definition": str(made.pk)})
    ToolGrant.objects.filter(pk=granted.pk).update(allow=False)
    drain()
    run = WorkflowExecution.objects.get()
    client.post(f"/api/v1/executions/{run.pk}/replay/", {"mode": "background"})
    drain()
    assert [one.status for one in ToolCall.objects.all()] == ["refused", "refused"]
    found = people.tool_access(False)
    assert (found.status, found.evidence["refused"]) == ("pass", 1)


def test_a_run_without_its_entries_is_named(talked: APIClient) -> None:
    assert people.runs_are_recorded(False).status == "pass"
    run = WorkflowExecution.objects.get()
    AuditEntry.objects.filter(action="workflows.execution.completed").delete()
    found = people.runs_are_recorded(False)
    label = f"workflows.workflowexecution:{run.pk}"
    assert (found.status, found.evidence["missing"]) == ("fail", [f"{label} completed"])


def test_a_reply_of_anothers_run_is_named(talked: APIClient, charlie: User) -> None:
    assert people.data_of_others(False).status == "pass"
    WorkflowExecution.objects.update(user=charlie)
    found = people.data_of_others(False)
    assert found.status == "fail"
    replies = Message.objects.filter(execution__isnull=False)
    assert set(found.evidence["messages_of_others"]) == {str(one.pk) for one in replies}


@pytest.mark.parametrize("thorough", [False, True])
def test_a_hole_in_the_trail_is_named(thorough: bool) -> None:
    write_entries(5)
    whole = keeping.audit_trail(thorough)
    assert whole.evidence["entries"] == 5
    assert whole.status == "warn"  # the tests took guards away
    assert "audit_entry_kept" in whole.evidence["unguarded"]
    AuditEntry.objects.filter(seq=3).delete()
    found = keeping.audit_trail(thorough)
    assert found.status == "fail"
    assert "Row 3" in found.said


@pytest.mark.parametrize("thorough", [False, True])
def test_a_trail_of_which_nothing_is_sealed_is_not_said_to_be_whole(thorough: bool) -> None:
    install_guards(connection)
    with transaction.atomic():
        record_many(EntryFactory.build_batch(2))
    assert keeping.audit_trail(thorough).status == "not_checked"
    seal_entries()
    assert keeping.audit_trail(thorough).status == "pass"


@pytest.mark.parametrize("thorough", [False, True])
def test_a_tail_that_was_cut_off_is_named(thorough: bool) -> None:
    write_entries(5)
    AuditEntry.objects.filter(seq__gt=3).delete()
    found = keeping.audit_trail(thorough)
    assert found.status == "fail"
    assert " 4 " in found.said


@pytest.mark.parametrize("thorough", [False, True])
def test_a_tail_that_was_cut_off_with_the_head_set_back_is_named(thorough: bool) -> None:
    write_entries(5)
    note_checkpoint()
    seal = AuditEntry.objects.get(seq=3).seal
    for rows in (AuditEntry, AuditSeal):
        rows.objects.filter(seq__gt=3).delete()
    AuditHead.objects.update(seq=3, seal=seal)
    found = keeping.audit_trail(thorough)
    assert (found.status, " 4 " in found.said) == ("fail", True)


@pytest.mark.parametrize("thorough", [False, True])
def test_a_trail_that_cannot_be_read_or_has_no_head_is_a_fault(thorough: bool) -> None:
    write_entries(5)
    lift_guards(connection)
    on_postgresql = connection.vendor == "postgresql"
    wrong = "at = 'infinity'" if on_postgresql else "actor_id = 'no id'"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_auditentry SET {wrong}")  # noqa: S608 - our words
    check = Check("audit_trail", "The audit trail is whole", keeping.audit_trail)
    made = check.made(thorough=thorough)
    assert (made["status"], "cannot be read" in made["said"]) == ("fail", True)
    AuditEntry.objects.all().delete()
    AuditSeal.objects.all().delete()
    AuditHead.objects.all().delete()
    made = check.made(thorough=thorough)
    assert (made["status"], "head is gone" in made["said"]) == ("fail", True)


@pytest.mark.parametrize("thorough", [False, True])
def test_a_key_that_changed_before_an_entry_was_sealed_is_no_fault(
    thorough: bool, settings: Any
) -> None:
    with transaction.atomic():
        record_many(EntryFactory.build_batch(2))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-" + "y" * 50
    seal_entries()
    assert keeping.audit_trail(thorough).status == "warn"  # of the guards alone


def test_rows_that_should_be_gone_are_counted() -> None:
    assert keeping.retention(False).status == "pass"
    old = clock.now() - timedelta(days=3)
    Session.objects.create(session_key="old", session_data="", expire_date=old)
    found = keeping.retention(False)
    assert (found.status, found.evidence["older_than_allowed"]["sessions"]) == ("warn", 1)


def test_a_secret_that_is_plain_or_lost_is_named(alice: User, settings: Any) -> None:
    one = Secret.objects.create(owner=alice, name="one", value="sesame", hosts=["example.com"])
    found = keeping.secrets_at_rest(False)
    assert (found.status, found.evidence["secrets"]["accounts.Secret.value"]) == ("pass", 1)
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-" + "y" * 50
    assert "cannot be read" in keeping.secrets_at_rest(False).evidence["faults"][0]
    settings.SECRET_KEY = key
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_secret SET value = 'sesame'")
    found = keeping.secrets_at_rest(False)
    assert found.status == "fail"
    assert "is plain" in found.evidence["faults"][0]
    assert "sesame" not in json.dumps(found.evidence)
    assert one.pk


def test_transport_and_advice_follow_the_settings(settings: Any) -> None:
    assert "https" in of_settings.transport(False).evidence["faults"]
    before = {one["id"] for one in of_settings.deployment(False).evidence["messages"]}
    assert "security.W008" in before
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 1
    settings.REDIS_URL = "redis://:sesame@localhost:6379/0"
    assert of_settings.transport(False).status == "pass"
    after = {one["id"] for one in of_settings.deployment(False).evidence["messages"]}
    assert "security.W008" not in after
    settings.REDIS_URL = "redis://:sesame@redis.example.com:6379/0"
    found = of_settings.transport(False)
    assert (found.status, found.evidence["faults"]) == ("warn", ["redis_scheme"])
    assert "sesame" not in json.dumps(found.evidence)
    settings.REDIS_URL = "rediss://:sesame@redis.example.com:6379/0"
    assert of_settings.transport(False).status == "pass"


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Finding]:
    """What is found where pip-audit tells this, and complains of that."""

    def told(said: str, complained: str = "") -> Finding:
        package = tmp_path / "pip_audit"
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(
            f"import sys\nprint({said!r})\nprint({complained!r}, file=sys.stderr)"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return of_settings.dependencies(True)

    return told


def test_libraries_with_known_faults_are_named(audit: Any) -> None:
    sound = {"name": "sound", "version": "1", "vulns": []}
    unknown = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
    holed = {"name": "holed", "version": "1", "vulns": [{"id": "CVE-1"}]}
    found = audit(json.dumps({"dependencies": [sound, unknown]}))
    assert (found.status, found.evidence["not_looked_up"]) == ("pass", ["ours"])
    found = audit(json.dumps({"dependencies": [sound, holed]}))
    assert (found.status, found.evidence["flawed"]) == ("fail", {"holed": ["CVE-1"]})


def test_libraries_that_nobody_could_look_up_are_not_checked_and_it_is_said_why(audit: Any) -> None:
    found = audit("", "WARNING: one\nERROR: ConnectionError: pypi.org")
    assert (found.status, found.evidence["reason"]) == (
        "not_checked",
        "ERROR: ConnectionError: pypi.org",
    )
    skipped = {"name": "any", "skip_reason": "Dependency not found on PyPI"}
    found = audit(json.dumps({"dependencies": [skipped]}))
    assert (found.status, found.evidence["reason"]) == ("not_checked", skipped["skip_reason"])


def test_the_report_is_written_as_a_page_that_needs_no_server(tmp_path: Path, db: None) -> None:
    file = tmp_path / "report.html"
    call_command("compliance_report", "--quick", "--html", str(file), stdout=StringIO())
    written = file.read_text()
    assert "Every address asks who is there" in written
    assert "nothing_of_others" in written  # the evidence
    assert str(clock.now().year) in written
    assert "/static/" not in written
    with pytest.raises(CommandError, match="cannot be made"):
        call_command("compliance_report", "--quick", "--html", str(file), stdout=StringIO())


def test_staff_get_it_over_the_api_and_it_is_recorded(api: Door, admin: User, alice: User) -> None:
    assert APIClient().get(REPORT).status_code == 401
    assert api(alice).get(REPORT).status_code == 403
    token = ApiTokenFactory(user=admin)

    async def scenario() -> dict[str, Any]:
        headers = {"Authorization": f"Token {token.plain}"}
        return (await AsyncClient().get(REPORT, headers=headers)).json()

    report = async_to_sync(scenario)()
    statuses = {one["key"]: one["status"] for one in report["checks"]}
    assert (statuses["routes"], statuses["backups"]) == ("pass", "not_checked")
    assert statuses["kept_numbers"] == statuses["dependencies"] == "not_checked"
    assert sum(report["counts"].values()) == len(statuses)
    entry = AuditEntry.objects.get(action="security.compliance.reported")
    assert (entry.actor_id, entry.detail["checks"]) == (admin.pk, statuses)
    assert entry.request_id


def test_the_page_is_for_staff(api: Door, admin: User, alice: User) -> None:
    assert api(alice).get("/compliance/").status_code == 403
    page = api(admin).get("/compliance/").content.decode()
    assert "Every address asks who is there" in page
    assert "backups" in page
    assert re.search(r"UTC \(quick checks only\): .*\d+ not checked, \d+ passed\.", page)
    assert ">not checked</strong>" in page


def test_the_command_looks_at_all_and_fails_when_a_check_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # no test asks other machines
    write_entries(3)
    AuditEntry.objects.filter(seq=2).delete()
    told = StringIO()
    with pytest.raises(SystemExit):
        call_command("compliance_report", json=True, stdout=told)
    statuses = {one["key"]: one["status"] for one in json.loads(told.getvalue())["checks"]}
    assert (statuses["kept_numbers"], statuses["audit_trail"]) == ("pass", "fail")


def test_a_check_that_breaks_says_so(settings: Any) -> None:
    settings.CHATTER_RETENTIONS = ["no.such.THING"]
    made = Check("retention", "Nothing is kept too long", keeping.retention).made(thorough=False)
    assert (made["status"], made["evidence"]) == ("not_checked", {"error": "ModuleNotFoundError"})
