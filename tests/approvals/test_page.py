"""The page and the back office decide by the same service; the page needs no script."""

import re
from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from audit.models import AuditEntry
from core.models import new_id
from tests.factories.accounts import PASSWORD, UserFactory
from workflows.answer_form import fields_of
from workflows.models import Approval
from workflows.services.approvals import NotAnApprover

PAGE, OFFICE = "/approvals/", "/admin/workflows/approval/"
FORM = {
    "type": "object",
    "properties": {
        "to": {"type": "string", "title": "Recipient", "minLength": 2},
        "copies": {"type": "integer", "default": 1},
        "weight": {"type": "number"},
        "urgent": {"type": "boolean"},
        "colour": {"enum": ["red", "blue", 7]},
        "more": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["to"],
}


@pytest.fixture
def asked(asked: Callable[..., str]) -> Callable[..., Approval]:
    """Start a letter and run it until it waits; gives what is asked."""

    def begun(**config: Any) -> Approval:
        return Approval.objects.get(execution=asked(**config))

    return begun


@pytest.fixture
def browser(alice: User) -> Client:
    return signed_in(alice)


def signed_in(user: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def send(browser: Client, approval: Approval, **fields: str) -> Any:
    """Fill in the form that the page shows, with its token."""
    page = browser.get(PAGE).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    sent = {"approval": str(approval.pk), "csrfmiddlewaretoken": token[1], **fields}
    return browser.post(PAGE, sent)


def test_the_page_shows_what_waits_and_a_form_decides_it(
    browser: Client, asked: Callable[..., Approval], drain: Callable[[], None]
) -> None:
    approval = asked(question="<b>Really?</b>", form=FORM)
    page = browser.get(PAGE).content.decode()
    assert "&lt;b&gt;Really?&lt;/b&gt;" in page
    assert 'class="count">1<' in browser.get("/executions/").content.decode()
    fields = {"answer.to": "bob", "answer.copies": "2", "answer.urgent": "false"}
    more = {"answer.weight": "1.5", "answer.colour": "7", "answer.more": '["a"]'}
    told = send(browser, approval, decision="approve", comment="yes", **fields, **more)
    assert (told.status_code, told.headers["Location"]) == (302, PAGE)
    approval.refresh_from_db()
    assert (approval.status, approval.comment) == ("approved", "yes")
    assert approval.answer == {
        "to": "bob",
        "copies": 2,
        "urgent": False,
        "weight": 1.5,
        "colour": 7,
        "more": ["a"],
    }
    drain()
    approval.execution.refresh_from_db()
    assert approval.execution.status == "completed"
    after = browser.get(PAGE).content.decode()
    assert "Nothing is waiting for you." in after
    the_run = f'<a href="/executions/{approval.execution_id}/">the run</a>'
    assert f"Approved: &lt;b&gt;Really?&lt;/b&gt; · {the_run}" in after
    assert "Approved:" not in browser.get(PAGE).content.decode()


@pytest.fixture
def fifty_two(asked: Callable[..., Approval]) -> list[Approval]:
    """One question to alice and fifty-one copies of it, oldest first."""
    first = asked()
    copies = [copy(first) for _ in range(51)]
    for visit, one in enumerate(copies, 2):
        one.pk, one.visit, one.question = new_id(), visit, f"Send letter {visit}?"
    Approval.objects.bulk_create(copies)
    for one in copies:
        one.users.set(first.users.all())
    return [first, *copies]


def test_of_many_that_wait_each_can_be_reached_and_decided(
    browser: Client, fifty_two: list[Approval]
) -> None:
    first = browser.get(PAGE)
    assert "Send letter 50?" in first.content.decode()
    assert "Send letter 51?" not in first.content.decode()
    further = browser.get(first.context["newer"]).content.decode()
    assert "Send letter 52?" in further
    assert "Send letter 50?" not in further
    assert browser.get(f"{PAGE}?cursor=nonsense").status_code == 404
    last = fifty_two[-1]
    run = browser.get(f"/executions/{last.execution_id}/").content.decode()
    address = f"{PAGE}?approval={last.pk}"
    assert f'href="{address}"' in run
    alone = browser.get(address).content.decode()
    assert "Send letter 52?" in alone
    assert "Send letter 50?" not in alone
    assert f'href="{PAGE}">All that waits' in alone
    assert send(browser, last, decision="reject").status_code == 302
    decided = browser.get(address).content.decode()
    assert "Nothing is left to decide here: it is rejected." in decided
    assert 'name="decision"' not in decided


def test_of_many_that_wait_for_others_each_can_be_seen(
    browser: Client, fifty_two: list[Approval], charlie: User
) -> None:
    for one in fifty_two:
        one.users.set([charlie])
    first = browser.get(PAGE)
    assert "Nothing is waiting for you." in first.content.decode()
    assert "Send letter 51?" not in first.content.decode()
    assert "Send letter 52?" in browser.get(first.context["newer_others"]).content.decode()


def test_an_address_of_what_is_others_to_decide_says_so(
    browser: Client, asked: Callable[..., Approval], charlie: User
) -> None:
    address = f"{PAGE}?approval={asked(approvers=['charlie']).pk}"
    mine = browser.get(address).content.decode()
    assert NotAnApprover.message in mine
    assert 'name="decision"' not in mine
    assert 'name="decision"' in signed_in(charlie).get(address).content.decode()
    assert signed_in(UserFactory()).get(address).status_code == 404
    assert browser.get(f"{PAGE}?approval=nonsense").status_code == 404


def test_what_is_filled_in_wrongly_is_told_and_stays(
    browser: Client, asked: Callable[..., Approval]
) -> None:
    approval = asked(form=FORM)
    unreadable = {"answer.to": "bob", "answer.copies": "many", "answer.more": "[", "comment": "hm"}
    told = send(browser, approval, decision="approve", **unreadable)
    page = told.content.decode()
    assert told.status_code == 400
    assert "This is not a whole number." in page
    assert "This is not JSON." in page
    assert 'value="bob"' in page
    assert ">hm</textarea>" in page
    told = send(browser, approval, decision="approve", **{"answer.to": "x"})
    assert (told.status_code, "too short" in told.content.decode()) == (400, True)
    deep = {"answer.to": "bob", "answer.more": "[" * 100_000}
    assert send(browser, approval, decision="approve", **deep).status_code == 400
    assert send(browser, approval, decision="perhaps").status_code == 400
    approval.refresh_from_db()
    assert approval.status == "pending"
    assert send(browser, approval, decision="reject").status_code == 302


def test_what_is_wrong_with_a_field_is_told_at_the_field(
    browser: Client, asked: Callable[..., Approval]
) -> None:
    floor = {"type": "integer", "maximum": 9, "description": "As on the plan."}
    properties = {"to": FORM["properties"]["to"], "floor": floor}
    approval = asked(form={"type": "object", "properties": properties, "required": ["to"]})

    def told_at(field: str, **sent: str) -> str:
        """What a screen reader says of it after the name, once `sent` was refused."""
        page = send(browser, approval, decision="approve", **sent).content.decode()
        (tag,) = re.findall(f'<input [^>]*name="{re.escape(field)}"[^>]*>', page)
        (ids,) = re.findall('aria-describedby="(.+?)"', tag)
        texts = dict(re.findall(' id="([^"]+)"[^>]*>(.*?)</(?:p|div)>', page))
        told = " ".join(re.sub("<.+?>", "", texts[one]) for one in ids.split())
        return f"invalid: {told}" if 'aria-invalid="true"' in tag else told

    assert told_at("answer.to") == "invalid: This is needed."
    assert told_at("answer.floor") == "As on the plan."
    wrong = told_at("answer.floor", **{"answer.to": "bob", "answer.floor": "12"})
    assert wrong == "invalid: As on the plan. 12 is greater than the maximum of 9"


def test_what_is_wrong_within_json_is_told_with_its_place(
    browser: Client, asked: Callable[..., Approval]
) -> None:
    floors = {"type": "array", "items": {"type": "integer", "maximum": 9}}
    approval = asked(form={"type": "object", "properties": {"floors": floors}})
    page = send(browser, approval, decision="approve", **{"answer.floors": "[3, 12, 4]"})
    told = re.findall('class="field-error" role="alert">(.+?)</p>', page.content.decode())
    assert told == ["<code>1</code> 12 is greater than the maximum of 9"]


@pytest.mark.parametrize(
    ("sent", "number"), [(".5", 0.5), ("-.5", -0.5), ("007", 7), ("2.50", 2.5), ("1e3", 1000)]
)
def test_a_number_is_read_as_it_may_be_typed(
    browser: Client, asked: Callable[..., Approval], sent: str, number: float
) -> None:
    approval = asked(form=FORM)
    fields = {"answer.to": "bob", "answer.weight": sent}
    assert send(browser, approval, decision="approve", **fields).status_code == 302
    approval.refresh_from_db()
    assert approval.answer == {"to": "bob", "weight": number}


@pytest.mark.parametrize(
    ("field", "value"),
    [("copies", "1" + "0" * 30), ("more", '["\\ud800"]'), ("more", "[1e400]"), ("weight", "NaN")],
)
def test_what_no_database_holds_is_no_answer(
    browser: Client, asked: Callable[..., Approval], field: str, value: str
) -> None:
    fields = {"answer.to": "bob", f"answer.{field}": value}
    told = send(browser, asked(form=FORM), decision="approve", **fields)
    assert (told.status_code, "This is not" in told.content.decode()) == (400, True)
    assert Approval.objects.get().status == "pending"


def test_what_is_asked_runs_as_its_own_first_letter_does(
    browser: Client, asked: Callable[..., Approval]
) -> None:
    approval = asked(question="נשלח?", shows="מכתב", form=FORM)
    page = browser.get(PAGE).content.decode()
    assert f'id="question-{approval.pk}" dir="auto">נשלח?<' in page
    assert re.search('<pre[^>]* dir="auto"[^>]*>מכתב<', page)
    assert re.search('<textarea[^>]* name="comment"[^>]* dir="auto"', page)
    run = browser.get(f"/executions/{approval.execution_id}/").content.decode()
    assert '<span dir="auto">נשלח?<' in run


def test_without_its_token_a_form_decides_nothing(
    browser: Client, asked: Callable[..., Approval]
) -> None:
    sent = {"approval": str(asked().pk), "decision": "approve"}
    assert browser.post(PAGE, sent).status_code == 403
    assert Client().get(PAGE).headers["Location"].startswith("/login/")
    assert Approval.objects.get().status == "pending"


def test_others_see_and_decide_only_what_is_put_to_them(
    browser: Client, asked: Callable[..., Approval], charlie: User, admin: User
) -> None:
    approval = asked(approvers=["charlie"], question="Is it so?")
    page = browser.get(PAGE).content.decode()
    assert "Your runs waiting for others" in page
    assert "Is it so?" in page
    assert 'class="count"' not in page
    assert "Is it so?" not in signed_in(admin).get(PAGE).content.decode()
    page = signed_in(charlie).get(PAGE).content.decode()
    assert "Is it so?" in page
    assert f"/executions/{approval.execution_id}/" not in page
    assert send(signed_in(charlie), approval, decision="approve").status_code == 302
    assert approval.execution.user.username == "alice"


def test_who_asked_others_is_told_that_the_decision_is_theirs(
    browser: Client, asked: Callable[..., Approval], charlie: User
) -> None:
    approval = asked(approvers=["charlie"])
    told = send(browser, approval, decision="approve")
    assert told.status_code == 403
    assert NotAnApprover.message in told.content.decode()
    assert Approval.objects.get(pk=approval.pk).status == "pending"


def test_a_stranger_posts_into_nothing(asked: Callable[..., Approval], charlie: User) -> None:
    client = Client()
    client.force_login(charlie)
    sent = {"approval": str(asked().pk), "decision": "approve"}
    assert client.post(PAGE, sent).status_code == 404
    assert client.post(PAGE, {**sent, "approval": "nonsense"}).status_code == 404


def test_the_back_office_lists_approvals_and_decides_them(
    asked: Callable[..., Approval], admin: User
) -> None:
    asked(form=FORM)
    asked()
    office = Client()
    office.login(username=admin.username, password=PASSWORD)
    assert "Send it?" in office.get(OFFICE).content.decode()
    chosen = [str(one) for one in Approval.objects.values_list("pk", flat=True)]
    told = office.post(OFFICE, {"action": "approve", "_selected_action": chosen}, follow=True)
    said = [str(message) for message in told.context["messages"]]
    assert said[-1] == "Decided 1 approvals."
    assert "does not fit the form" in said[0]
    office.post(OFFICE, {"action": "reject", "_selected_action": chosen[:1]})
    office.post(OFFICE, {"action": "reject", "_selected_action": chosen[1:]})
    assert sorted(Approval.objects.values_list("status", flat=True)) == ["approved", "rejected"]
    assert office.get(f"{OFFICE}{chosen[0]}/change/").status_code == 200


@pytest.fixture
def office(admin: User) -> Client:
    return signed_in_without_tokens(admin)


def signed_in_without_tokens(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_back_office_has_the_same_form_and_answers_with_it(
    office: Client,
    admin: User,
    charlie: User,
    asked: Callable[..., Approval],
    drain: Callable[[], None],
) -> None:
    approval = asked(question="<b>Really?</b>", form=FORM, approvers=["charlie"])
    page = office.get(f"{OFFICE}{approval.pk}/change/").content.decode()
    assert "&lt;b&gt;Really?&lt;/b&gt;" in page
    for field in fields_of(FORM):
        assert f'name="{field.name}"' in page
    assert f'action="{OFFICE}{approval.pk}/decide/"' in page
    sent = {"decision": "approve", "comment": "yes", "answer.to": "bob", "answer.urgent": "true"}
    told = office.post(f"{OFFICE}{approval.pk}/decide/", sent, follow=True)
    assert [str(one) for one in told.context["messages"]] == ["It is approved."]
    assert 'name="decision"' not in told.content.decode()
    approval.refresh_from_db()
    assert (approval.decided_by, approval.comment) == (admin, "yes")
    assert approval.answer == {"to": "bob", "urgent": True}
    entry = AuditEntry.objects.get(action="workflows.approval.decided")
    assert (entry.actor_id, entry.detail["decision"]) == (admin.pk, "approved")
    drain()
    approval.execution.refresh_from_db()
    assert approval.execution.status == "completed"
    again = office.post(f"{OFFICE}{approval.pk}/decide/", sent)
    assert (again.status_code, "Nothing is left to decide" in again.content.decode()) == (409, True)


def test_what_may_be_null_is_filled_in_as_it_is_or_left_empty(
    office: Client, asked: Callable[..., Approval]
) -> None:
    text = {"type": ["string", "null"]}
    properties = {
        "why": text,
        "who": text | {"default": None},
        "size": {"type": ["null", "number"]},
    }
    form = {"type": "object", "properties": properties, "required": ["why", "who"]}
    approval = asked(form=form)
    assert {field.value for field in fields_of(form)} == {""}
    sent = {
        "decision": "approve",
        "answer.why": 'it is "blue"',
        "answer.who": " ",
        "answer.size": "",
    }
    told = office.post(f"{OFFICE}{approval.pk}/decide/", sent, follow=True)
    assert [str(one) for one in told.context["messages"]] == ["It is approved."]
    approval.refresh_from_db()
    assert approval.answer == {"why": 'it is "blue"', "who": None}


def test_in_the_back_office_what_is_filled_in_wrongly_is_told_and_stays(
    office: Client, asked: Callable[..., Approval]
) -> None:
    approval = asked(form=FORM)
    wrong = {"decision": "approve", "comment": "hm", "answer.to": "x", "answer.copies": "2"}
    told = office.post(f"{OFFICE}{approval.pk}/decide/", wrong)
    page = told.content.decode()
    assert (told.status_code, "too short" in page) == (400, True)
    assert 'value="x"' in page
    assert ">hm</textarea>" in page
    unknown = office.post(f"{OFFICE}{approval.pk}/decide/", {"decision": "perhaps"})
    assert unknown.status_code == 400
    assert Approval.objects.get().status == "pending"
    reject = {"decision": "reject", "comment": "no"}
    assert office.post(f"{OFFICE}{approval.pk}/decide/", reject).status_code == 302
    assert (Approval.objects.get().status, Approval.objects.get().comment) == ("rejected", "no")
    assert office.get(f"{OFFICE}{approval.pk}/decide/").status_code == 302
    assert office.post(f"{OFFICE}nonsense/decide/", reject).status_code == 404


def test_staff_who_may_only_look_find_no_form_and_decide_nothing(
    asked: Callable[..., Approval],
) -> None:
    approval = asked(form=FORM)
    somebody = UserFactory(is_staff=True)
    somebody.user_permissions.add(Permission.objects.get(codename="view_approval"))
    office = signed_in_without_tokens(somebody)
    page = office.get(f"{OFFICE}{approval.pk}/change/")
    assert page.status_code == 200
    assert 'name="decision"' not in page.content.decode()
    told = office.post(f"{OFFICE}{approval.pk}/decide/", {"decision": "reject"})
    assert told.status_code == 403
    assert Approval.objects.get().status == "pending"


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        ({"type": "string"}, ["text"]),
        ({"enum": ["a", "b"]}, ["choice"]),
        ({"type": ["string", "null"]}, ["text"]),
        ({"type": ["string", "integer"]}, ["json"]),
        ({}, ["json"]),
        ({"type": "object"}, ["json"]),
        ({"properties": {"a": True, "b": {"type": "boolean"}}}, ["json", "boolean"]),
        ({"type": "object", "properties": {}}, []),
    ],
)
def test_any_schema_has_a_form(schema: dict[str, Any], kinds: list[str]) -> None:
    assert [field.kind for field in fields_of(schema)] == kinds
