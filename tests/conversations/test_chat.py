"""The question this began with: are the token stats saved?"""

import pytest

from analytics.models import TemplateAnalytics
from audit.models import AuditEntry
from conversations.services.conversations import (
    change_conversation,
    create_conversation,
    delete_conversation,
)
from core.aggregates import all_differences
from core.errors import NotFound
from llms.models import ModelCall
from tests.definitions.graphs import graph
from tests.plans import plans
from workflows.models import ExecutionEvent, WorkflowExecution, WorkflowTemplate


@pytest.fixture
def chatting(built_in, alice, api):
    client = api(alice)

    def say(text, **body):
        return client.post("/api/v1/chat/", {"message": text, "mode": "background", **body})

    return say


def test_three_chats_leave_every_number_where_it_belongs(chatting, drain, alice, api):
    first = chatting("Hello").json()
    drain()
    conversation = first["conversation"]["id"]
    for text in ("Tell me about Chatter", "Thank you"):
        assert chatting(text, conversation=conversation).status_code == 202
        drain()

    messages = api(alice).get(f"/api/v1/conversations/{conversation}/messages/").json()["results"]
    talk = api(alice).get(f"/api/v1/conversations/{conversation}/").json()
    replies = [message for message in messages if message["role"] == "assistant"]
    assert len(messages) == talk["message_count"] == 6
    for reply in replies:
        assert reply["prompt_tokens"] > 0
        assert reply["completion_tokens"] > 0
        assert reply["cost"] == "0"
        assert (reply["provider"], reply["model"]) == ("demo", "chatter-demo")
        assert reply["response_time_ms"] is not None
    assert talk["total_tokens"] == sum(reply["total_tokens"] for reply in replies)

    template = WorkflowTemplate.objects.get(slug="universal_chat")
    kept = TemplateAnalytics.objects.get(template=template)
    assert (kept.execution_count, kept.completed_count) == (3, 3)
    assert ModelCall.objects.filter(user=alice, status="succeeded").count() == 3
    ended = AuditEntry.objects.filter(action="workflows.execution.completed")
    assert ended.count() == 3
    assert list(all_differences()) == []


def test_one_id_runs_through_everything_a_message_causes(chatting, drain):
    response = chatting("Hello")
    request_id = response.headers["X-Request-ID"]
    drain()

    execution = response.json()["execution"]
    assert execution["request_id"] == request_id
    assert ModelCall.objects.get(origin=f"execution:{execution['id']}").request_id == request_id
    entries = AuditEntry.objects.filter(request_id=request_id).order_by("id")
    assert [entry.action for entry in entries] == [
        "workflows.execution.started",
        "workflows.execution.completed",
    ]
    assert ExecutionEvent.objects.filter(execution=execution["id"]).exists()


def deep(levels):
    return {"a": deep(levels - 1)} if levels else {}


@pytest.mark.parametrize("levels", [100, 300])
def test_parameters_nest_no_deeper_than_those_of_any_run(chatting, api, alice, levels):
    wanted = {"graph": graph({"id": "model", "type": "model"}), "name": "x"}
    definition = api(alice).post("/api/v1/definitions/", wanted).json()["id"]
    for about in ({}, {"definition": definition}):
        answer = chatting("Hello", parameters=deep(levels), **about)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert chatting("Hello", definition=definition, parameters=deep(50)).status_code == 202


def test_a_title_is_kept_without_what_no_database_keeps(alice, api):
    made = api(alice).post("/api/v1/conversations/", {"title": "My\0 talk"})
    assert (made.status_code, made.json()["title"]) == (201, "My talk")


def test_a_title_of_blanks_is_none(alice, api):
    talk = "/api/v1/conversations/"
    assert api(alice).post(talk, {"title": " \n "}).json()["title"] == ""
    made = api(alice).post(talk, {"title": " Two words\n"}).json()
    assert made["title"] == "Two words"
    told = api(alice).patch(f"{talk}{made['id']}/", {"title": "\t"})
    assert (told.status_code, told.json()["title"]) == (200, "")


def test_a_conversation_that_was_deleted_meanwhile_cannot_be_changed(alice):
    seen = create_conversation(owner=alice, title="Old")
    delete_conversation(seen, by=alice)
    with pytest.raises(NotFound):
        change_conversation(seen, by=alice, title="New")


@pytest.mark.parametrize(
    "written", [str.upper, lambda pk: pk.replace("-", "")], ids=["in capitals", "without dashes"]
)
def test_a_conversation_is_the_same_however_its_id_is_written(chatting, alice, api, written):
    known = chatting("Hello").json()["conversation"]["id"]
    said = {"message": "Again", "mode": "background", "conversation": known}
    answer = api(alice).post(f"/api/v1/conversations/{written(known)}/messages/", said)
    assert (answer.status_code, answer.json()["conversation"]["id"]) == (202, known)


def test_a_message_belongs_to_one_conversation(chatting, alice, api):
    known, other = (chatting("Hello").json()["conversation"]["id"] for _ in range(2))
    said = {"message": "Again", "mode": "background", "conversation": other}
    for address, refusal in ((known, "other_conversation"), ("none", "conversation_not_found")):
        answer = api(alice).post(f"/api/v1/conversations/{address}/messages/", said)
        assert answer.json()["code"] == refusal


def test_a_message_of_a_nul_says_nothing(chatting):
    assert chatting("\0").status_code == chatting(" \0").status_code == 400


def test_a_deleted_reply_leaves_the_totals_of_its_conversation_and_stays_in_the_ledger(
    chatting, drain, alice, api
):
    conversation = chatting("Hello").json()["conversation"]["id"]
    drain()
    chatting("Thank you", conversation=conversation)
    drain()
    door, talk = api(alice), f"/api/v1/conversations/{conversation}/"
    said = door.get(f"{talk}messages/").json()["results"]
    first, last = (message for message in said if message["role"] == "assistant")
    used = door.get("/api/v1/analytics/models/").json()["totals"]["totals"]
    assert used["total_tokens"] == first["total_tokens"] + last["total_tokens"]
    assert door.delete(f"{talk}messages/{last['id']}/").status_code == 204
    told = door.get(talk).json()
    assert (told["message_count"], told["total_tokens"]) == (3, first["total_tokens"])
    assert door.get("/api/v1/analytics/models/").json()["totals"]["totals"] == used
    assert ModelCall.objects.filter(user=alice).count() == 2
    assert list(all_differences()) == []


@pytest.mark.parametrize(("title", "then"), [(None, ""), ("Lamps", "Lamps")])
def test_a_title_made_of_a_message_goes_with_it(chatting, drain, alice, api, title, then):
    conversation = chatting("My key is 1234\nWhat now?").json()["conversation"]["id"]
    drain()
    door, talk = api(alice), f"/api/v1/conversations/{conversation}/"
    assert door.get(talk).json()["title"] == "My key is 1234"
    door.patch(talk, {"title": title})
    question, answer = door.get(f"{talk}messages/").json()["results"]
    assert door.delete(f"{talk}messages/{answer['id']}/").status_code == 204
    assert door.get(talk).json()["title"] == (title or "My key is 1234")
    assert door.delete(f"{talk}messages/{question['id']}/").status_code == 204
    assert door.get(talk).json()["title"] == then


def test_what_becomes_of_a_conversation_hangs_on_no_run_of_another(chatting, drain, alice, api):
    """Its runs are found by their index: SQLite had looked at all there ever were."""
    client, said = api(alice), [chatting("Hello").json()]
    drain()
    talk = said[0]["conversation"]["id"]
    said.append(chatting("Again", conversation=talk).json())
    drain()
    budget = {"name": "Few", "scope": "conversation", "of": talk, "unit": "usd", "cap": "1"}
    with plans(WorkflowExecution) as steps:
        made = client.post("/api/v1/budgets/", {**budget, "period": "total"})
        replay = client.post(f"/api/v1/executions/{said[1]['execution']['id']}/replay/", {})
        drain()
        message = said[0]["user_message"]["id"]
        deleted = client.delete(f"/api/v1/conversations/{talk}/messages/{message}/")
    assert [one.status_code for one in (made, replay, deleted)] == [201, 202, 204]
    assert [step for step in steps if step.startswith("SCAN") or "by_their_end" in step] == []
    assert [step for step in steps if "executions_in_a_series" in step] != []
