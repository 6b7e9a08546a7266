"""What two people have to do with is told to each without what is the other's."""

import io
import json
import zipfile
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Unit
from experiments.services.routing import forget_running
from privacy.services.erasing import erase_user
from tests.approvals.desk import Desk, letter
from tests.factories.accounts import AdministratorFactory, UserFactory

pytestmark = pytest.mark.django_db
Door = Callable[[User], APIClient]


@pytest.fixture
def bob() -> User:
    return UserFactory(username="bob")


def own_export(client: APIClient) -> dict[str, str]:
    """The texts of the files of what one downloads of oneself."""
    with zipfile.ZipFile(io.BytesIO(b"".join(client.get("/api/v1/privacy/export/")))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_who_decides_for_another_is_told_the_decision_and_not_what_was_asked(
    api: Door, built_in: None, drain: Callable[[], None], alice: User, bob: User, charlie: User
) -> None:
    asked = {"question": "Does Alice's illness matter?", "approvers": ["bob", "charlie"]}
    form = {"type": "object", "properties": {"diagnosis": {"type": "string"}}}
    hers, his = Desk(api(alice)), Desk(api(bob))
    hers.begin(letter(**asked, shows="{{nodes.model.text}} of Alice", form=form), "hello")
    drain()
    his.approve(comment="So says Bob", answer={"diagnosis": "none that Bob knows"})
    drain()
    told = own_export(his.client)
    whole = "".join(told.values())
    assert "So says Bob" in whole
    assert "none that Bob knows" in whole
    for words in ("illness", "of Alice", "charlie", str(alice.pk)):
        assert [name for name, text in told.items() if words in text] == [], words
    left_out = json.loads(told["manifest.json"])["left_out"]
    assert {"question", "shown"} < set(left_out["workflows.Approval.2.jsonl"])
    assert "illness" in own_export(hers.client)["workflows.Approval.jsonl"]


def test_who_puts_others_to_the_test_is_not_told_who_they_are(
    api: Door, built_in: None, drain: Callable[[], None], admin: User, bob: User
) -> None:
    variants = [{"name": "as it is", "control": True}, {"name": "brief", "parameters": {}}]
    body = {"name": "Short", "primary": "event:likes", "audience": "everyone", "unit": "user"}
    lab, his = api(admin), api(bob)
    made = lab.post(
        "/api/v1/experiments/", {**body, "template": "universal_chat", "variants": variants}
    )
    assert made.status_code == 201, made.json()
    place = f"/api/v1/experiments/{made.json()['id']}/"
    assert lab.post(f"{place}start/").status_code == 200
    forget_running()
    his.post("/api/v1/chat/", {"message": "hello", "mode": "background"})
    drain()
    assert Unit.objects.get().user == bob
    event = {"name": "likes", "unit": str(bob.pk), "key": "of-bob"}
    assert lab.post(f"{place}events/", event).status_code in {200, 201, 202}
    told = own_export(lab)
    for words in (str(bob.pk), "of-bob"):
        assert [name for name, text in told.items() if words in text] == [], words
    assert str(bob.pk) in own_export(his)["experiments.Unit.jsonl"]
    AdministratorFactory()  # so that ada is not the only one
    counts = erase_user(admin, confirm=admin.username, settle_s=0)
    assert not Unit.objects.exists()
    assert (counts["experiments.Unit"], counts["experiments.UnitEvent"]) == (1, 1)


def test_who_was_locked_out_is_not_told_from_where_others_tried(api: Door, alice: User) -> None:
    guess = {"username": "alice", "password": "wrong"}
    for _ in range(6):
        Client().post("/login/", guess, REMOTE_ADDR="203.0.113.77")
    told = own_export(api(alice))
    assert json.loads(told["accounts.Lockout.jsonl"])["scope"] == "user"
    assert [name for name, text in told.items() if "203.0.113.77" in text] == []
