"""What answers the turns of conversations while an experiment runs."""

import time
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEntry
from conversations.models import Message
from experiments.models import Exposure, Unit, Variant
from llms.models import ModelProfile
from llms.services.profiles import forget_profiles
from tests.definitions.graphs import asks, graph
from tests.experiments.conftest import BRIEF, EXPERIMENTS, MANY
from workflows.models import WorkflowExecution, WorkflowTemplate

pytestmark = pytest.mark.django_db


def variant_of(begun: dict[str, Any]) -> Variant | None:
    try:
        return WorkflowExecution.objects.get(pk=begun["execution"]["id"]).exposure.variant
    except ObjectDoesNotExist:
        return None


def test_two_models_answer_live_turns_and_each_turn_knows_which(
    experiment, say, alice, other_model
):
    terse = {"name": "terse", "parameters": {"model": other_model}}
    experiment(variants=[{"name": "as it is", "control": True}, terse])
    seen = Counter()
    for _ in range(MANY):
        begun = say(alice)
        variant = variant_of(begun)
        answered = Message.objects.get(execution=begun["execution"]["id"], role="assistant")
        wanted = "chatter-demo-terse" if variant.name == "terse" else "chatter-demo"
        assert answered.model == wanted
        seen[variant.name] += 1
        if len(seen) > 1:
            break
    assert seen.keys() == {"as it is", "terse"}
    assert Exposure.objects.count() == Unit.objects.count() == seen.total()


def test_a_conversation_keeps_its_variant_and_is_one_unit(experiment, say, alice):
    experiment()
    first = say(alice)
    talk = first["conversation"]["id"]
    later = [say(alice, talk) for _ in range(4)]
    assert {variant_of(one).pk for one in [first, *later]} == {variant_of(first).pk}
    unit = Unit.objects.get()
    assert (unit.key, unit.user, unit.exposures.count()) == (f"conversation:{talk}", alice, 5)
    assert unit.created_at == Exposure.objects.earliest("id").created_at


def test_a_turn_is_answered_again_by_its_variant_and_counts_once(
    experiment, say, api, alice, drain
):
    door, says = api(alice), {"id": "says", "type": "prompt"}
    old, new = (graph({**says, "config": {"template": text}}) for text in ("old", "new"))
    made = door.post("/api/v1/definitions/", {"name": "Says", "graph": old}).json()["id"]
    assert door.patch(f"/api/v1/definitions/{made}/", {"graph": new}).status_code == 200
    experiment(
        definition=made,
        variants=[
            {"name": "as it is", "control": True, "weight": 1},
            {"name": "new", "number": 2, "weight": 1_000},
        ],
    )
    first = say(alice, definition=made)
    assert variant_of(first).name == "new"
    retry = f"/api/v1/executions/{first['execution']['id']}/retry/"
    again = door.post(retry, {"mode": "background"}).json()
    drain()
    talk = first["conversation"]["id"]
    said = door.get(f"/api/v1/conversations/{talk}/messages/").json()["results"]
    assert [one["text"] for one in said if one["role"] == "assistant"] == ["new", "new"]
    assert variant_of(again) is None


def test_a_user_keeps_the_variant_over_conversations(experiment, say, alice, admin):
    experiment(by=admin, unit="user", audience="everyone")
    seen = {variant_of(say(alice)).pk for _ in range(4)}
    assert len(seen) == 1
    assert Unit.objects.get().key == f"user:{alice.pk}"


def test_without_a_running_experiment_turns_are_as_asked(experiment, say, alice):
    experiment(start=False)
    assert variant_of(say(alice)) is None


@pytest.mark.parametrize(
    "body",
    [{"template": "general_chat"}, {"parameters": {"system": "My own."}}],
    ids=["another template", "a parameter that the experiment is about"],
)
def test_a_turn_that_chose_something_else_takes_no_part(experiment, say, alice, body):
    experiment()
    assert variant_of(say(alice, **body)) is None


def test_a_turn_that_names_what_it_is_about_by_its_id_takes_part(experiment, say, api, alice):
    """As the chat page does."""
    template = WorkflowTemplate.objects.get(slug="code_assistant")
    experiment(template="code_assistant")
    begun = say(alice, template=str(template.pk))
    assert variant_of(begun) is not None
    for written in (str(template.pk), str(template.pk).upper(), template.pk.hex):
        again = say(alice, begun["conversation"]["id"], template=written)
        assert variant_of(again) == variant_of(begun)
    one = api(alice).post("/api/v1/definitions/", {"name": "Report", "graph": graph(asks())})
    definition = one.json()["id"]
    both = [{"name": "a", "control": True}, {"name": "b", "number": 1}]
    experiment(definition=definition, variants=both)
    assert variant_of(say(alice, definition=definition)).name in {"a", "b"}


def test_other_parameters_of_a_turn_stand_beside_those_of_the_variant(experiment, say, alice):
    experiment(variants=[
        {"name": "a", "control": True, "parameters": BRIEF},
        {"name": "b", "parameters": BRIEF},
    ])  # fmt: skip
    begun = say(alice, parameters={"memory_window": 3})
    kept = WorkflowExecution.objects.get(pk=begun["execution"]["id"]).parameters
    assert (kept["memory_window"], kept["system"]) == (3, "Be brief.")


def test_only_the_audience_takes_part(experiment, say, alice, charlie, admin):
    experiment(by=alice)
    assert variant_of(say(alice)) is not None
    assert variant_of(say(charlie)) is None
    experiment(by=admin, audience="chosen", users=["charlie"])
    assert variant_of(say(charlie)) is not None
    assert variant_of(say(admin)) is None


def test_of_a_share_of_the_traffic_only_that_much_takes_part(experiment, say, alice):
    experiment(traffic_percent=30)
    took = sum(variant_of(say(alice)) is not None for _ in range(50))
    assert 1 <= took <= 40  # 1 in 50 million by chance: neither none nor all


def test_an_exposure_and_its_execution_are_committed_together(experiment, api, alice):
    experiment()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE experiments_exposure RENAME TO out_of_reach")
    client = api(alice)
    client.raise_request_exception = False
    answer = client.post("/api/v1/chat/", {"message": "Hello", "mode": "background"})
    assert answer.status_code >= 500
    assert not any(rows.objects.exists() for rows in (WorkflowExecution, Unit, Message))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE out_of_reach RENAME TO experiments_exposure")
    assert client.post("/api/v1/chat/", {"message": "Hello", "mode": "background"}).json()
    assert Exposure.objects.get().execution == WorkflowExecution.objects.get()


def test_a_stopped_arm_gets_no_traffic_and_its_units_go_to_the_control(
    experiment, say, api, alice, django_capture_on_commit_callbacks
):
    made = experiment(variants=[
        {"name": "as it is", "control": True}, {"name": "brief", "weight": 9, "parameters": BRIEF},
    ])  # fmt: skip
    begun = next(one for one in iter(lambda: say(alice), None) if variant_of(one).name == "brief")
    brief = made["variants"][1]["id"]
    with django_capture_on_commit_callbacks(execute=True):
        stopped = api(alice).post(f"{EXPERIMENTS}{made['id']}/variants/{brief}/stop/").json()
    assert stopped["variants"][1]["stopped_because"] == "by hand"
    again = say(alice, begun["conversation"]["id"])
    exposure = Exposure.objects.get(execution=again["execution"]["id"])
    assert (exposure.variant.name, exposure.diverted) == ("as it is", True)
    assert exposure.unit.variant.name == "brief"
    assert {variant_of(say(alice)).name for _ in range(5)} == {"as it is"}
    assert AuditEntry.objects.filter(action="experiments.variant.stopped").count() == 1
    control = made["variants"][0]["id"]
    refused = api(alice).post(f"{EXPERIMENTS}{made['id']}/variants/{control}/stop/")
    assert (refused.status_code, refused.json()["code"]) == (409, "control_stays")


def test_a_paused_experiment_leaves_turns_alone_until_it_goes_on(
    experiment, say, api, alice, django_capture_on_commit_callbacks
):
    made = experiment()
    first = say(alice)
    talk = first["conversation"]["id"]
    for verb, takes_part in (("pause", False), ("resume", True), ("complete", False)):
        with django_capture_on_commit_callbacks(execute=True):
            answer = api(alice).post(f"{EXPERIMENTS}{made['id']}/{verb}/")
        assert answer.status_code == 200, answer.json()
        found = variant_of(say(alice, talk))
        assert found == (variant_of(first) if takes_part else None)


def test_a_variant_that_cannot_start_lets_nobody_down(experiment, say, alice, other_model):
    experiment(variants=[
        {"name": "as it is", "control": True, "parameters": {"model": other_model}},
        {"name": "same", "parameters": {"model": other_model}},
    ])  # fmt: skip
    ModelProfile.objects.filter(model="chatter-demo-terse").update(enabled=False)
    forget_profiles()
    begun = say(alice)
    assert variant_of(begun) is None
    assert Message.objects.get(execution=begun["execution"]["id"], role="assistant").text


def test_the_same_request_sent_twice_is_one_exposure(experiment, api, alice, drain):
    experiment()
    for _ in range(2):
        body = {"message": "Hello", "mode": "background"}
        answer = api(alice).post("/api/v1/chat/", body, headers={"Idempotency-Key": "one"})
        assert answer.status_code == 202
    drain()
    assert Exposure.objects.count() == 1


def test_without_an_experiment_a_turn_costs_a_look_a_second_and_no_more(say, alice, built_in):
    began = time.monotonic()
    with CaptureQueriesContext(connection) as seen:
        for _ in range(4):
            say(alice)
    looks = [one for one in seen.captured_queries if "experiments_" in one["sql"]]
    assert 1 <= len(looks) <= 1 + (time.monotonic() - began), looks
