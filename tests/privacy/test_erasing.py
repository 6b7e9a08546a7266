"""After an erasure nothing is found of a person, and everything adds up."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.known_users import known_users
from accounts.models import Secret, User
from accounts.services.tokens import create_token
from audit.models import AuditEntry
from audit.sealing import seal_entries
from audit.verification import verify
from budgets.models import Budget
from core.aggregates import all_differences
from llms.models import ModelCall
from privacy.services.erasing import RunsUnderWay, erase_user
from tests.approvals.desk import Desk, letter
from tests.definitions.graphs import asks, graph
from tests.factories.accounts import AdministratorFactory, UserFactory
from tests.factories.budgets import a_budget
from tests.office import Office
from tests.privacy.conftest import EMAIL, NAME, WORD, Life
from workflows.models import Approval, WorkflowExecution

pytestmark = pytest.mark.django_db


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the database with where it stands, as the database holds it."""
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy:
            continue
        with connection.cursor() as cursor:
            for field in meta.local_concrete_fields:
                column = connection.ops.quote_name(field.column)
                sql = f"SELECT CAST({column} AS TEXT) FROM {meta.db_table}"  # noqa: S608
                cursor.execute(sql)
                for (text,) in cursor.fetchall():
                    yield f"{meta.label}.{field.name}", text or ""


def found(*words: str) -> dict[str, str]:
    return {
        place: text[:300]
        for place, text in texts()
        if any(word.casefold() in text.casefold() for word in words)
    }


def numbers() -> dict[str, Any]:
    """What the ledger and the totals say, without a word."""
    kinds = (models.IntegerField, models.BigIntegerField, models.DateTimeField, models.UUIDField)
    tables = (
        ModelCall,
        WorkflowExecution,
        *map(
            apps.get_model,
            (
                "tools.ToolCall",
                "conversations.Message",
                "conversations.Conversation",
                "analytics.TemplateAnalytics",
                "analytics.Rating",
            ),
        ),
    )
    return {
        table._meta.label: list(
            table._base_manager.order_by("pk").values(
                *(one.attname for one in table._meta.concrete_fields if isinstance(one, kinds))
            )
        )
        for table in tables
    }


def test_nothing_is_found_of_who_was_erased_and_everything_adds_up(life: Life) -> None:
    seal_entries()
    planted = found(WORD, NAME, EMAIL)
    assert len(planted) > 25, planted  # what is looked for below is there to be found
    before = numbers()
    assert all(before.values()), before.keys()

    erase_user(life.user, confirm=NAME, settle_s=0)

    assert found(WORD, NAME, "mina quux", EMAIL) == {}
    after = numbers()
    for name, rows in before.items():
        assert after[name] == rows, name
    seal_entries()
    verdict = verify()
    assert verdict.ok, verdict.message
    assert verdict.erased > 0
    assert verdict.untold == 0
    assert list(all_differences()) == []


def test_a_name_or_address_typed_otherwise_goes_too_and_those_of_others_stay() -> None:
    zoe = UserFactory(username="Özge.Quux", email="Zoe@Quux.example")
    UserFactory(username="ÖZGE.QUUX")  # somebody else
    nowhere = UserFactory(username="nowhere", email="")
    for typed in ("özge.quux", "zoe@quux.EXAMPLE", "ÖZGE.QUUX", "özge-quux"):
        Client().post("/login/", {"username": typed, "password": "wrong"})
    erase_user(nowhere, confirm="nowhere", settle_s=0)
    refused = AuditEntry.objects.filter(action="accounts.session.refused", personal__isnull=False)
    assert refused.count() == 4
    erase_user(zoe, confirm="Özge.Quux", settle_s=0)
    assert {one.personal_content["username"] for one in refused.all()} == {"ÖZGE.QUUX", "özge-quux"}


def test_a_name_that_one_had_before_goes_too(
    api: Callable[[User], APIClient],
    built_in: None,
    drain: Callable[[], None],
    admin: User,
    alice: User,
) -> None:
    zoe = UserFactory(username="zoe.quux", email="")
    Desk(api(alice)).begin(letter(approvers=["zoe.quux", "alice"]))
    drain()
    change = reverse("admin:accounts_user_change", args=[zoe.pk])
    about = {"username": "zoe.marlow", "email": "", "is_active": "on", "limits": "{}"}
    since = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    office = Office()
    office.force_login(admin)
    assert office.post(change, about | since).status_code == 302
    Client().post("/login/", {"username": "Zoe.Quux", "password": "from habit"})
    zoe.refresh_from_db()
    erase_user(zoe, confirm="zoe.marlow", settle_s=0)
    assert found("zoe.marlow") == {}
    graphs = {"workflows.WorkflowVersion.graph"}  # what Alice wrote
    assert set(found("zoe.quux")) == graphs
    assert Approval.objects.get().approvers == ["alice"]


def test_what_others_deleted_is_forgotten_with_who_owned_it(
    api: Callable[[User], APIClient], built_in: None, admin: User, alice: User
) -> None:
    hers, staffs = api(alice), api(admin)
    drawn = graph(asks())
    runs = hers.post("/api/v1/definitions/", {"name": "Plain", "graph": drawn}).json()["id"]
    often = {"definition": runs, "input": {"message": "x"}, "kind": "cron", "cron": "0 9 * * *"}
    budget = {"scope": "user", "of": str(alice.pk), "unit": "tokens", "period": "total"}
    bodies = {
        "definitions": {"graph": drawn},
        "templates": {"graph": drawn},
        "schedules": often,
        "budgets": {**budget, "cap": "1000"},
    }
    for kind, body in bodies.items():
        made = hers.post(f"/api/v1/{kind}/", {"name": WORD, **body}).json()["id"]
        path = f"/api/v1/{kind}/{made}/"
        assert staffs.patch(path, {"name": f"{WORD} anew"}).status_code == 200, kind
        assert staffs.delete(path).status_code == 204, kind
    body = {"name": WORD, "value": "sesame", "hosts": [f"{WORD}.example"]}
    secret = hers.post("/api/v1/secrets/", body).json()["id"]
    token, _ = create_token(user=alice, name=WORD, by=alice)
    for kind, pk in (("secret", secret), ("apitoken", token.pk)):
        gone = reverse(f"admin:accounts_{kind}_delete", args=[pk])
        assert staffs.post(gone, {"post": "yes"}, format="multipart").status_code == 302, kind
    assert {"audit.AuditEntry.personal", "admin.LogEntry.object_repr"} <= set(found(WORD))
    erase_user(alice, confirm="alice", settle_s=0)
    assert found(WORD) == {}


def test_what_staff_made_for_somebody_and_deleted_is_forgotten_with_them(
    api: Callable[[User], APIClient], admin: User, alice: User
) -> None:
    staffs = api(admin)
    made = staffs.post(
        reverse("admin:accounts_secret_add"),
        {
            **{"name": WORD, "owner": str(alice.pk)},
            **{"value": "sesame", "hosts": f"{WORD}.example"},
        },
        format="multipart",
    )
    assert made.status_code == 302, made.context["errors"]
    secret = Secret.objects.get()
    gone = reverse("admin:accounts_secret_delete", args=[secret.pk])
    assert staffs.post(gone, {"post": "yes"}, format="multipart").status_code == 302
    erase_user(alice, confirm="alice", settle_s=0)
    assert found(WORD) == {}


def test_who_was_erased_cannot_come_in_and_the_work_of_others_stays(
    life: Life, admin: User
) -> None:
    token = life.post("auth/token/", {"username": NAME, "password": "correct horse battery"})
    door = APIClient(headers={"Authorization": f"Token {token['token']}"})
    assert door.get("/api/v1/auth/me/").status_code == 200
    erase_user(life.user, confirm=NAME, by=admin, settle_s=0)
    assert door.get("/api/v1/auth/me/").status_code == 401
    assert life.client.get("/api/v1/auth/me/").status_code == 401
    for model in (
        "accounts.ApiToken",
        "accounts.Secret",
        "triggers.Schedule",
        "triggers.Chain",
        "webhooks.WebhookEndpoint",
        "webhooks.IncomingWebhook",
        "tools.ToolGrant",
    ):
        assert not apps.get_model(model).objects.exists(), model
    row = User.objects.get(pk=life.user.pk)
    assert (row.is_active, row.has_usable_password()) == (False, False)
    entry = AuditEntry.objects.get(action="privacy.user.erased")
    assert (entry.actor_id, entry.target) == (admin.pk, f"accounts.user:{life.user.pk}")
    assert entry.detail["rows"]["conversations.Message"] > 2
    theirs = WorkflowExecution.objects.filter(user__username="colleague").earliest("id")
    assert theirs.status == "completed"
    assert [node["id"] for node in theirs.version.graph["nodes"]] == ["start", "ask", "end"]


def test_a_budget_on_others_holds_when_who_made_it_is_erased(admin: User, alice: User) -> None:
    leaver = UserFactory(username="leaver", is_staff=True)
    made = [
        a_budget(by=leaver, name=f"What {leaver} set"),
        a_budget("user", alice.pk, by=leaver, name=f"What {leaver} set"),
    ]
    a_budget("user", leaver.pk, by=admin)
    erase_user(leaver, confirm="leaver", settle_s=0)
    assert {(one.pk, one.name) for one in Budget.objects.all()} == {
        (one.pk, "Erased") for one in made
    }
    assert found("leaver") == {}


def test_nobody_is_erased_while_runs_are_under_way(
    alice: User, api: Callable[[User], APIClient], built_in: None, drain: Callable[[], None]
) -> None:
    api(alice).post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    with pytest.raises(RunsUnderWay):
        erase_user(alice, confirm="alice", settle_s=0)
    assert User.objects.get(pk=alice.pk).is_active
    drain()
    erase_user(alice, confirm="alice", settle_s=0)


def test_a_run_begun_while_the_account_is_closed_is_told_and_nothing_else_is_lost(
    api: Callable[[User], APIClient],
    built_in: None,
    drain: Callable[[], None],
    admin: User,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token, plain = create_token(user=alice, name="laptop", by=alice)
    door = APIClient(headers={"Authorization": f"Token {plain}"})
    path, confirmed = f"/api/v1/privacy/users/{alice.pk}/erase/", {"confirm": "alice"}

    def elsewhere(_: float) -> None:
        """In a process that knows the token still."""
        known_users.keep(token.digest, alice, known_users.generation)
        begun = door.post("/api/v1/chat/", {"message": "hello", "mode": "background"})
        assert begun.status_code == 202

    with monkeypatch.context() as settling:
        settling.setattr(time, "sleep", elsewhere)
        refused = api(admin).post(path, confirmed)
    assert (refused.status_code, refused.json()["code"]) == (409, "runs_under_way")
    assert "The account is closed" in refused.json()["message"]
    alice.refresh_from_db()
    assert (alice.is_active, alice.api_tokens.get()) == (False, token)
    entry = AuditEntry.objects.get(action="privacy.user.closed")
    assert (entry.actor_id, entry.target) == (admin.pk, f"accounts.user:{alice.pk}")
    drain()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert api(admin).post(path, confirmed).status_code == 200
    assert found("alice") == {}


def test_a_session_opened_while_the_account_is_closed_does_not_outlive_the_erasure(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: Client().force_login(alice))
    erase_user(alice, confirm="alice")
    assert not Session.objects.exists()


def test_staff_erase_over_the_api_by_giving_the_name(
    api: Callable[[User], APIClient], admin: User, alice: User, charlie: User
) -> None:
    path = f"/api/v1/privacy/users/{charlie.pk}/erase/"
    assert api(alice).post(path, {"confirm": "charlie"}).status_code == 403
    assert APIClient().post(path, {"confirm": "charlie"}).status_code == 401
    wrong = api(admin).post(path, {"confirm": "charles"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "erasure_not_confirmed")
    assert api(admin).post(path, {"confirm": "charlie"}).json()["rows"]["accounts.User"] == 1
    assert not User.objects.filter(username="charlie").exists()


def test_only_administrators_erase_staff(
    api: Callable[[User], APIClient], admin: User, alice: User
) -> None:
    may = Permission.objects.filter(codename__in=["view_user", "delete_user"])
    staff, other = UserFactory.create_batch(2, is_staff=True)
    staff.user_permissions.set(may)
    AdministratorFactory()  # so that ada is not the only one
    for one in (admin, other, staff):
        asked = f"/api/v1/privacy/users/{one.pk}/erase/", {"confirm": one.username}
        refused = api(staff).post(*asked)
        assert (refused.status_code, refused.json()["code"]) == (403, "erasure_of_staff")
        one.refresh_from_db()
        assert one.is_active
    path = f"/api/v1/privacy/users/{alice.pk}/erase/"
    assert api(staff).post(path, {"confirm": "alice"}).status_code == 200
    assert api(admin).post(*asked).status_code == 200


def test_the_only_administrator_stays(admin: User) -> None:
    with pytest.raises(CommandError, match="only administrator"):
        call_command("erase_user", "ada", confirm="ada")
