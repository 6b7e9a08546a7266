"""All that is kept of a person, in their hands."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from audit.models import AuditEntry
from audit.record import record
from conversations.models import Conversation, Message
from privacy.export import exported
from privacy.table import pages
from tests.definitions.graphs import asks, graph
from tests.privacy.conftest import EMAIL, NAME, WORD, Life

pytestmark = pytest.mark.django_db


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]


def test_one_gets_every_row_of_ones_own_and_no_secret(life: Life) -> None:
    answer = life.client.get("/api/v1/privacy/export/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer)))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["rows"]["conversations.Message.jsonl"] == Message.objects.count()
    said = [row["text"] for row in rows(archive, "conversations.Message")]
    assert f"Hello {WORD} {NAME}" in said
    [me] = rows(archive, "accounts.User")
    assert (me["email"], "password" in me) == (EMAIL, False)
    [secret] = rows(archive, "accounts.Secret")
    assert (secret["name"], "value" in secret) == (WORD, False)
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert f"key-{WORD}".encode() not in whole
    for token in ApiToken.objects.all():
        assert token.digest.encode() not in whole
    own = [row for row in rows(archive, "audit.AuditEntry") if row["action"].endswith("opened")]
    assert own[0]["personal"]["username"] == NAME
    entry = AuditEntry.objects.get(action="privacy.user.exported")
    assert (entry.actor_id, entry.target) == (life.user.pk, f"accounts.user:{life.user.pk}")


def test_the_graphs_that_one_drew_up_are_in_it_and_not_those_of_others(
    admin: User, alice: User, charlie: User, api: Callable[[User], APIClient], built_in: None
) -> None:
    def drawn(user: User, says: str) -> None:
        """Saved twice, made a template of, and sent to be run once."""
        home = "/api/v1/definitions/"
        made = api(user).post(home, {"name": "Mine", "graph": graph(asks(f"old {says}"))}).json()
        saved = {"graph": graph(asks(f"new {says}"))}
        api(user).patch(f"{home}{made['id']}/", saved, headers={"If-Match": "*"})
        sent = {"graph": graph(asks(f"sent {says}")), "mode": "background"}
        assert api(user).post("/api/v1/workflows/execute/", sent).status_code == 202

    drawn(alice, "by Alice")
    drawn(charlie, "by Charlie")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(exported(charlie))))
    graphs = rows(archive, "workflows.WorkflowVersion")
    systems = [node["config"]["system"] for one in graphs for node in one["graph"]["nodes"][1:2]]
    assert sorted(systems) == ["new by Charlie", "old by Charlie", "sent by Charlie"]
    named = {row["version_id"] for row in rows(archive, "workflows.DefinitionVersion")}
    assert named < {one["id"] for one in graphs}


def test_nothing_of_others_is_in_it(admin: User, alice: User, charlie: User) -> None:
    Message.objects.create(
        conversation=Conversation.objects.create(owner=alice), turn=1, role="user", text="private"
    )
    with transaction.atomic():
        record("accounts.user.changed", actor=admin, target=charlie, personal={"address": "::7"})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(exported(charlie))))
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert b"private" not in whole
    assert b"::7" not in whole
    assert str(alice.pk).encode() not in whole


def test_staff_export_for_others_and_nobody_else_does(
    api: Callable[[User], APIClient], admin: User, alice: User, charlie: User
) -> None:
    path = f"/api/v1/privacy/users/{charlie.pk}/export/"
    assert APIClient().get(path).status_code == 401
    assert api(alice).get(path).status_code == 403
    archive = zipfile.ZipFile(io.BytesIO(b"".join(api(admin).get(path))))
    assert rows(archive, "accounts.User")[0]["username"] == "charlie"
    entry = AuditEntry.objects.get(action="privacy.user.exported")
    assert (entry.actor_id, entry.target) == (admin.pk, f"accounts.user:{charlie.pk}")


def test_a_command_writes_the_same_and_overwrites_nothing(alice: User, tmp_path: Path) -> None:
    path = tmp_path / "alice.zip"
    call_command("export_user", "alice", str(path))
    assert rows(zipfile.ZipFile(path), "accounts.User")[0]["id"] == str(alice.pk)
    assert path.stat().st_mode & 0o077 == 0
    for place, why in ((path, "File exists"), (tmp_path / "no" / "where", "No such file")):
        with pytest.raises(CommandError, match=why):
            call_command("export_user", "alice", str(place))


def test_an_export_is_made_in_pieces(alice: User) -> None:
    talk = Conversation.objects.create(owner=alice)
    Message.objects.bulk_create(
        Message(conversation=talk, turn=turn, role="user", text=f"{turn}" * 500)
        for turn in range(1, 1_300)
    )
    pieces = list(exported(alice))
    assert (
        len(rows(zipfile.ZipFile(io.BytesIO(b"".join(pieces))), "conversations.Message")) == 1_299
    )
    assert max(map(len, pieces)) < 200_000


def test_what_belongs_to_somebody_is_looked_for_once_for_many_pages(
    alice: User, django_assert_num_queries: Any
) -> None:
    made = [ApiToken.objects.create(user=alice, digest=str(number)).pk for number in range(5)]
    with django_assert_num_queries(2):  # the second finds no more
        told = list(pages(ApiToken.objects.filter(user=alice), 2))
    assert told == [made[:2], made[2:4], made[4:]]
