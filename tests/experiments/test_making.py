"""Who may put what to the test, how it is planned, begun and ended, and what the winner becomes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from audit.models import AuditEntry
from core import clock
from core.models import new_id
from experiments.forecast import SEEN_DAYS
from experiments.models import (
    MOVES,
    Experiment,
    ExperimentStatus,
    Variant,
)
from experiments.services.routing import forget_running
from tests.definitions.graphs import graph
from tests.experiments.conftest import BRIEF, EXPERIMENTS, MANY
from tests.factories.accounts import UserFactory
from workflows.models import (
    ExecutionKind,
    ExecutionStatus,
    WorkflowDefinition,
    WorkflowExecution,
    WorkflowTemplate,
)

pytestmark = pytest.mark.django_db
TWO = [{"name": "as it is", "control": True}, {"name": "brief", "parameters": BRIEF}]
BODY = {"name": "Short", "primary": "tokens", "template": "universal_chat", "variants": TWO}


def said(text: str) -> dict[str, Any]:
    return graph({"id": "say", "type": "prompt", "config": {"template": text}})


@pytest.fixture
def definition(api: Any, alice: Any, built_in: None) -> dict[str, Any]:
    """Alice's workflow with two versions, of which the first runs."""
    made = api(alice).post("/api/v1/definitions/", {"name": "Report", "graph": said("one")}).json()
    door = f"/api/v1/definitions/{made['id']}/"
    changed = api(alice).patch(door, {"graph": said("two")})
    assert changed.json()["latest"] == 2, changed.json()
    return dict(made)


@pytest.fixture
def act(api: Any, django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    def acted(by: Any, pk: str, verb: str, body: Any = None) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return api(by).post(f"{EXPERIMENTS}{pk}/{verb}/", body)

    return acted


DOORS = (
    ("get", ""), ("patch", ""), ("delete", ""), ("post", "start/"), ("post", "pause/"),
    ("post", "resume/"), ("post", "complete/"), ("post", "promote/"), ("get", "results/"),
    ("post", "plan/"), ("get", "events/"), ("post", "events/"), 
    ("post", "variants/{variant}/stop/"),
)  # fmt: skip
BODIES = {
    "promote/": {"variant": str(new_id())},
    "plan/": {"effect": 0.1},
    "events/": {"name": "a", "unit": str(new_id())},
    "": {"name": "Mine"},
}


@pytest.mark.parametrize(("method", "door"), DOORS)
def test_a_strangers_experiment_is_not_there(api, experiment, charlie, method, door):
    made = experiment()
    place = door.format(variant=made["variants"][1]["id"])
    answer = getattr(api(charlie), method)(
        f"{EXPERIMENTS}{made['id']}/{place}", BODIES.get(door, {})
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "experiment_not_found")
    assert api(charlie).get(EXPERIMENTS).json()["results"] == []
    assert Experiment.objects.get().name == "Short"


def test_its_page_is_there_for_its_owner_only(client, experiment, alice, charlie):
    made = experiment()
    page = f"/experiments/{made['id']}/"
    assert client.get(page).status_code == 302
    client.force_login(charlie)
    assert client.get(page).status_code == 404
    assert client.post(page, {"act": "complete"}).status_code == 404
    assert "Short" not in client.get("/experiments/").text
    client.force_login(alice)
    assert "Short" in client.get("/experiments/").text
    assert "Nothing can be said of" in client.get(page).text


def test_its_page_shows_parameters_of_any_name(client, experiment, definition, alice):
    variants = [TWO[0], {"name": "short", "parameters": {"items": ["first"], "style": "brief"}}]
    made = experiment(start=False, definition=definition["id"], variants=variants)
    client.force_login(alice)
    page = client.get(f"/experiments/{made['id']}/")
    assert page.status_code == 200
    assert "<code>items</code> [&#x27;first&#x27;]; <code>style</code> brief" in page.text


@pytest.mark.parametrize(
    "text",
    [
        "{{params.tone}}",
        "It's {{ params['tone'] }}",
        "{{string(params)}}",
        "polite",
    ],
)
def test_what_changes_nothing_in_the_workflow_is_not_put_to_the_test(
    text, experiment, api, client, alice, act, built_in
):
    """It would be compared with itself, and nobody would know."""
    body = {"name": "Tone", "graph": said(text)}
    definition = api(alice).post("/api/v1/definitions/", body).json()["id"]
    tones = [{"name": one, "parameters": {"tone": one}} for one in ("kind", "brief")]
    variants = [{**tones[0], "control": True}, tones[1]]
    made = experiment(start=False, definition=definition, variants=variants)
    told = act(alice, made["id"], "start")
    if text != "polite":
        assert told.json()["status"] == "running", told.json()
        return
    assert (told.status_code, told.json()["code"]) == (400, "parameters_unused")
    client.force_login(alice)
    page = client.post(f"/experiments/{made['id']}/", {"act": "start"}, follow=True)
    assert "What &#x27;kind&#x27; runs uses no parameter tone" in page.text
    assert Experiment.objects.get().status == ExperimentStatus.DRAFT


@pytest.mark.parametrize(
    "wrong",
    [
        {"variants": TWO[:1]},
        {"variants": [TWO[0], {**TWO[1], "control": True}]},
        {"variants": [{"name": "a"}, {"name": "b"}]},
        {"variants": [TWO[0], {"name": "as it is"}]},
        {"variants": [TWO[0], {"name": "b", "weight": 0}]},
        {"variants": [TWO[0], {"name": "b", "number": 1}]},
        {"primary": "happiness"},
        {"primary": "event:"},
        {"primary": "event:bought", "events": {"bought": "lower"}},
        {"events": {"bought": "upwards"}},
        {"events": {"": "lower"}},
        {"events": {f"event {n}": "lower" for n in range(21)}},
        {"unit": "user"},
        {"users": ["alice"]},
        {"traffic_percent": 0},
        {"traffic_percent": 101},
        {"window_min": 0},
        {"guards": [{"metric": "speed", "margin": 0.1}]},
        {"guards": [{"metric": "cost", "margin": 0.1}, {"metric": "cost", "margin": 0.2}]},
        {"guards": [{"metric": "cost", "margin": -0.1}]},
        {"guards": [{"metric": "errors", "margin": 5}]},
        {"guards": [{"metric": "rating", "margin": 1}]},
        {"definition": str(new_id())},
        {"template": ""},
        {"status": "running"},
        {"owner": str(new_id())},
    ],
)
def test_what_is_no_experiment_is_refused(api, built_in, alice, wrong):
    assert api(alice).post(EXPERIMENTS, {**BODY, **wrong}).status_code == 400
    assert not Experiment.objects.exists()


def test_the_event_that_decides_has_a_name_by_which_it_can_be_told(experiment, say, api, alice):
    long = "x" * 60
    made = experiment(primary=f"event:{long}")
    told = {"name": long, "unit": say(alice)["conversation"]["id"]}
    assert api(alice).post(f"{EXPERIMENTS}{made['id']}/events/", told).status_code == 201
    longer = {"primary": f"event:{long}x"}
    refused = api(alice).post(EXPERIMENTS, {**BODY, **longer})
    assert (refused.status_code, "at most 66" in refused.text) == (400, True)
    draft = experiment(start=False)
    assert api(alice).patch(f"{EXPERIMENTS}{draft['id']}/", longer).status_code == 400


@pytest.mark.parametrize("audience", ["everyone", "chosen"])
def test_only_staff_put_the_turns_of_others_to_the_test(api, built_in, alice, admin, audience):
    body = {**BODY, "audience": audience, **({"users": ["alice"]} if audience == "chosen" else {})}
    refused = api(alice).post(EXPERIMENTS, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "experiment_only_staff")
    assert api(admin).post(EXPERIMENTS, body).status_code == 201


def test_who_is_no_longer_staff_no_longer_reaches_others(experiment, say, admin, charlie):
    made = experiment(by=admin, audience="everyone")
    say(charlie)
    admin.is_staff = False
    admin.save()
    forget_running()
    say(charlie)
    assert Experiment.objects.get(pk=made["id"]).exposures.count() == 1


def test_who_is_no_longer_staff_can_still_rename_what_they_began(api, experiment, admin):
    made = experiment(by=admin, audience="everyone")
    admin.is_staff = False
    admin.save()
    renamed = api(admin).patch(f"{EXPERIMENTS}{made['id']}/", {"name": "Longer"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Longer")


def test_a_group_is_chosen_by_name(experiment, say, admin, alice, charlie):
    group = Group.objects.create(name="testers")
    charlie.groups.add(group)
    made = experiment(by=admin, audience="chosen", groups=["testers"])
    for user in (alice, charlie):
        say(user)
    row = Experiment.objects.get(pk=made["id"])
    assert list(row.exposures.values_list("execution__user__username", flat=True)) == ["charlie"]


def test_others_are_not_answered_by_a_private_template(api, built_in, admin):
    template = api(admin).post("/api/v1/templates/", {"name": "Mine", "graph": said("x")}).json()
    other = {"name": "mine", "template": template["id"]}
    body = {**BODY, "variants": [TWO[0], other]}
    refused = api(admin).post(EXPERIMENTS, {**body, "audience": "everyone"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_experiment")
    draft = api(admin).post(EXPERIMENTS, body)
    assert draft.status_code == 201
    widened = api(admin).patch(f"{EXPERIMENTS}{draft.json()['id']}/", {"audience": "everyone"})
    assert (widened.status_code, widened.json()["code"]) == (400, "invalid_experiment")
    assert Experiment.objects.get().audience == "own"


def test_somebody_elses_workflow_and_template_are_not_there(api, built_in, definition, charlie):
    variants = [{"name": "a", "control": True}, {"name": "b", "number": 2}]
    body = {"name": "x", "primary": "cost", "definition": definition["id"], "variants": variants}
    assert api(charlie).post(EXPERIMENTS, body).status_code == 404
    assert api(charlie).post(EXPERIMENTS, {**BODY, "template": "nobodys"}).status_code == 404


def test_a_draft_changes_and_what_has_begun_changes_only_its_words(api, experiment, alice, act):
    made = experiment(start=False)
    door = f"{EXPERIMENTS}{made['id']}/"
    weights = [{**TWO[0], "weight": 3}, TWO[1]]
    changed = api(alice).patch(door, {"variants": weights, "traffic_percent": 50}).json()
    assert [one["weight"] for one in changed["variants"]] == [3, 1]
    assert act(alice, made["id"], "start").status_code == 200
    for change in ({"variants": TWO}, {"traffic_percent": 60}, {"unit": "conversation"},
                   {"primary": "cost"}, {"guards": []}, {"events": {"bought": "lower"}},
                   {"planned_units": 200}):  # fmt: skip
        refused = api(alice).patch(door, change)
        assert (refused.status_code, refused.json()["code"]) == (409, "experiment_begun")
    assert api(alice).patch(door, {"name": "Shorter"}).json()["name"] == "Shorter"
    assert api(alice).delete(door).json()["code"] == "experiment_begun"


@pytest.mark.parametrize(
    ("change", "better"),
    [
        ({}, "higher"),
        ({"better": "lower"}, "lower"),
        ({"events": {"bought": "lower"}}, "lower"),
        ({"events": {"refund": "lower"}}, "higher"),
    ],
)
@pytest.mark.parametrize("before", [{"primary": "cost"}, {"primary": "event:a", "better": "lower"}])
def test_an_event_that_decides_later_is_better_the_way_that_is_said_of_it(
    experiment, api, alice, before, change, better
):
    made = experiment(start=False, **before)
    door = f"{EXPERIMENTS}{made['id']}/"
    assert made["better"] == "lower"
    assert api(alice).patch(door, {"primary": "event:bought", **change}).json()["better"] == better
    assert api(alice).patch(door, {"name": "Later"}).json()["better"] == better


def test_a_draft_is_deleted(api, experiment, alice):
    made = experiment(start=False)
    assert api(alice).delete(f"{EXPERIMENTS}{made['id']}/").status_code == 204
    assert not Experiment.objects.exists()


VERBS = {"start": "running", "pause": "paused", "resume": "running", "complete": "completed"}


@pytest.mark.parametrize("status", ExperimentStatus.values)
@pytest.mark.parametrize("verb", VERBS)
def test_only_listed_moves_are_made(experiment, alice, act, status, verb):
    made = experiment(start=False)
    Experiment.objects.filter(pk=made["id"]).update(status=status)
    to = VERBS[verb]
    listed = to in MOVES[ExperimentStatus(status)]
    begins = status == "draft"
    answer = act(alice, made["id"], verb)
    if listed and begins == (verb == "start"):
        assert (answer.status_code, answer.json()["status"]) == (200, to)
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "experiment_cannot_move")


def test_a_variant_is_stopped_while_it_answers_and_not_before_or_after(experiment, alice, act):
    made = experiment(start=False)
    stop = f"variants/{made['variants'][1]['id'].upper()}/stop"
    for verb, status in (("start", "draft"), ("complete", "running"), ("", "completed")):
        answer = act(alice, made["id"], stop)
        if status == "running":
            assert answer.json()["variants"][1]["stopped_because"] == "by hand"
        else:
            assert answer.json()["code"] == "experiment_not_under_way"
            assert answer.json()["detail"] == {"status": status}
        if verb:
            act(alice, made["id"], verb)


def test_what_an_experiment_is_about_must_be_there_when_it_starts(experiment, alice, act):
    """Another, whose own is gone as well, is about something else for all that is known."""
    for status in (ExperimentStatus.RUNNING, ExperimentStatus.DRAFT):
        made = experiment(start=False)
        Experiment.objects.filter(pk=made["id"]).update(template=None, status=status)
    assert act(alice, made["id"], "start").json()["code"] == "target_gone"


def test_two_about_the_same_do_not_run_at_once(experiment, alice, act):
    experiment()
    second = experiment(start=False, name="Another")
    refused = act(alice, second["id"], "start")
    assert (refused.status_code, refused.json()["code"]) == (409, "experiment_in_the_way")


def test_a_user_has_only_so_many_under_way(experiment, alice, act, settings):
    settings.EXPERIMENTS_PER_USER = 1
    first = experiment()
    assert act(alice, first["id"], "pause").status_code == 200
    french = {"name": "French", "parameters": {"language": "French"}}
    about = {"template": "meeting_summarizer", "variants": [TWO[0], french]}
    second = experiment(start=False, **about)
    refused = act(alice, second["id"], "start")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_experiments")
    assert act(alice, first["id"], "resume").status_code == 200
    assert act(alice, first["id"], "complete").status_code == 200
    assert act(alice, second["id"], "start").status_code == 200


def test_two_of_staff_are_in_each_others_way_where_both_reach_others(experiment, act):
    ann, ben, eve, zoe = (UserFactory(is_staff=True) for _ in range(4))
    for by, audience in ((ann, "own"), (ben, "own"), (eve, "everyone")):
        experiment(by=by, audience=audience)
    chosen = experiment(by=zoe, start=False, audience="chosen", users=[ann.username])
    refused = act(zoe, chosen["id"], "start")
    assert (refused.status_code, refused.json()["code"]) == (409, "experiment_in_the_way")


def test_what_could_not_run_does_not_begin(experiment, alice, act):
    nowhere = {"name": "b", "parameters": {"model": "no:where"}}
    made = experiment(start=False, variants=[TWO[0], nowhere])
    assert act(alice, made["id"], "start").json()["code"] == "unknown_model"
    odd = experiment(start=False, variants=[TWO[0], {"name": "b", "parameters": {"sytsem": ""}}])
    assert act(alice, odd["id"], "start").json()["code"] == "invalid_parameters"
    assert set(Experiment.objects.values_list("status", flat=True)) == {"draft"}


def test_versions_of_a_workflow_answer_and_the_winner_is_published(
    experiment, say, api, alice, act, definition
):
    variants = [{"name": "one", "control": True}, {"name": "two", "number": 2}]
    made = experiment(definition=definition["id"], variants=variants)
    for _ in range(MANY):
        say(alice, definition=definition["id"])
        seen = set(
            Experiment.objects.get().exposures.values_list(
                "variant__name", "execution__version_id", "execution__output__text"
            )
        )
        if len(seen) > 1:
            break
    history = {one.number: one.version_id for one in
               WorkflowDefinition.objects.get().history.all()}  # fmt: skip
    assert seen == {("one", history[1], "one"), ("two", history[2], "two")}
    two = made["variants"][1]["id"]
    became = act(alice, made["id"], "promote", {"variant": two})
    assert became.json() == {
        "definition": definition["id"], "number": 2, "template": None, "copied": False,
    }  # fmt: skip
    now = WorkflowDefinition.objects.get()
    assert (now.published, now.version_id) == (2, history[2])
    ended = api(alice).get(f"{EXPERIMENTS}{made['id']}/").json()
    assert (ended["status"], ended["winner"]) == ("completed", two)
    again = act(alice, made["id"], "promote", {"variant": two})
    assert (again.status_code, again.json()["code"]) == (409, "already_promoted")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {
        "experiments.experiment.completed",
        "experiments.experiment.promoted",
        "workflows.definition.published",
    } <= actions


def test_what_is_published_meanwhile_does_not_change_what_the_control_answers(
    experiment, say, api, alice, definition
):
    variants = [{"name": "one", "control": True}, {"name": "same", "number": 1}]
    experiment(definition=definition["id"], variants=variants)
    door = f"/api/v1/definitions/{definition['id']}/versions/2/publish/"
    assert api(alice).post(door).status_code == 200
    begun = say(alice, definition=definition["id"])
    assert WorkflowExecution.objects.get(pk=begun["execution"]["id"]).output["text"] == "one"


def test_defaults_that_change_meanwhile_are_not_those_of_what_variants_run(
    experiment, say, api, alice, act, built_in, drain
):
    door = api(alice)
    declared = {"type": "object", "properties": {"word": {"default": "hello"}}}
    body = {"name": "Greets", "graph": said("{{params.word}}"), "parameters": declared}
    mine = door.post("/api/v1/templates/", body).json()["id"]
    variants = [{"name": "a", "control": True}, {"name": "b", "parameters": {"word": "hi"}}]
    made = experiment(template=mine, variants=variants)
    others = {"type": "object", "properties": {"what": {"default": "hi"}}}
    change = {"graph": said("{{params.what}}"), "parameters": others}
    assert door.patch(f"/api/v1/templates/{mine}/", change).status_code == 200
    texts = {}
    for _ in range(MANY):
        ran = WorkflowExecution.objects.get(pk=say(alice, template=mine)["execution"]["id"])
        texts[ran.exposure.variant.name] = ran.output["text"]
        if len(texts) > 1:
            break
    assert texts == {"a": "hello", "b": "hi"}
    retry = f"/api/v1/executions/{ran.pk}/retry/"
    again = door.post(retry, {"mode": "background"}).json()["execution"]["id"]
    drain()
    assert WorkflowExecution.objects.get(pk=again).output == ran.output
    became = act(alice, made["id"], "promote", {"variant": made["variants"][0]["id"]})
    assert became.status_code == 200, became.json()
    now = WorkflowTemplate.objects.get(pk=mine)
    assert now.parameters["properties"] == {"word": {"default": "hello"}}


def test_the_winner_of_a_built_in_template_becomes_a_template_of_ones_own(experiment, alice, act):
    made = experiment()
    became = act(alice, made["id"], "promote", {"variant": made["variants"][1]["id"]}).json()
    assert became["copied"] is True
    copy = WorkflowTemplate.objects.get(pk=became["template"])
    assert (copy.owner, copy.parameters["properties"]["system"]["default"]) == (alice, "Be brief.")
    source = WorkflowTemplate.objects.get(slug="universal_chat")
    assert source.parameters["properties"]["system"]["default"] == "You are a helpful assistant."
    assert copy.version == source.version


def test_a_second_winner_of_the_same_name_becomes_a_template_too(experiment, alice, act):
    for _ in range(2):
        made = experiment()
        became = act(alice, made["id"], "promote", {"variant": made["variants"][1]["id"]})
        assert became.status_code == 200, became.json()
    assert set(WorkflowTemplate.objects.filter(owner=alice).values_list("slug", flat=True)) == {
        "universal-chat-brief", "universal-chat-brief-2",
    }  # fmt: skip


def test_the_winner_of_ones_own_template_becomes_its_default(api, experiment, alice, act):
    source = WorkflowTemplate.objects.get(slug="universal_chat")
    mine = api(alice).post(
        "/api/v1/templates/",
        {"name": "Mine", "graph": source.version.graph, "parameters": source.parameters},
    ).json()  # fmt: skip
    made = experiment(template=mine["id"])
    became = act(alice, made["id"], "promote", {"variant": made["variants"][1]["id"]}).json()
    assert (became["template"], became["copied"]) == (mine["id"], False)
    now = WorkflowTemplate.objects.get(pk=mine["id"])
    assert now.parameters["properties"]["system"]["default"] == "Be brief."


def test_parameters_of_a_winner_are_put_in_their_places_in_a_new_version(
    experiment, say, api, alice, act, built_in
):
    made = api(alice).post(
        "/api/v1/definitions/", {"name": "Greeting", "graph": said("{{params.word}} to you")}
    ).json()  # fmt: skip
    words = [{"name": word, "parameters": {"word": word}} for word in ("hello", "good day")]
    running = experiment(definition=made["id"], variants=[{**words[0], "control": True}, words[1]])
    texts = set()
    for _ in range(MANY):
        begun = say(alice, definition=made["id"])
        texts.add(WorkflowExecution.objects.get(pk=begun["execution"]["id"]).output["text"])
        if len(texts) > 1:
            break
    assert texts == {"hello to you", "good day to you"}
    polite = running["variants"][1]["id"]
    became = act(alice, running["id"], "promote", {"variant": polite}).json()
    assert became["number"] == 2
    begun = say(alice, definition=made["id"])
    execution = WorkflowExecution.objects.get(pk=begun["execution"]["id"])
    assert execution.output["text"] == "good day to you"
    assert not hasattr(execution, "exposure")


def test_with_a_user_goes_what_was_shown_to_them_and_the_experiment_of_staff_stays(
    experiment, say, api, admin, charlie, alice
):
    made = experiment(by=admin, audience="everyone", unit="user")
    for user in (alice, charlie):
        say(user)
    charlie.delete()
    row = Experiment.objects.get(pk=made["id"])
    assert list(row.units.values_list("user__username", flat=True)) == ["alice"]
    assert row.exposures.count() == 1
    assert api(admin).get(f"{EXPERIMENTS}{made['id']}/results/").status_code == 200


def test_what_an_experiment_was_about_may_go_and_its_results_stay(
    experiment, say, api, client, alice
):
    template = api(alice).post("/api/v1/templates/", {"name": "Mine", "graph": said("x")}).json()
    variants = [{"name": "a", "control": True}, {"name": "b"}]
    made = experiment(template=template["id"], variants=variants)
    say(alice, template=template["slug"])
    assert api(alice).delete(f"/api/v1/templates/{template['id']}/").status_code == 204
    forget_running()
    say(alice)
    told = api(alice).get(f"{EXPERIMENTS}{made['id']}/results/").json()
    assert sum(told["split"]["units"].values()) == 1
    client.force_login(alice)
    assert "deleted" in client.get(f"/experiments/{made['id']}/").text


def test_a_draft_has_no_winner(experiment, alice, act):
    made = experiment(start=False)
    refused = act(alice, made["id"], "promote", {"variant": made["variants"][1]["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "experiment_not_begun")
    refused = act(alice, made["id"], "promote", {"variant": str(new_id())})
    assert (refused.status_code, refused.json()["code"]) == (404, "variant_not_found")


def test_units_and_days_are_told_before_the_start_from_the_traffic_seen(
    experiment, long_there, api, client, alice, charlie, monkeypatch
):
    made = experiment(start=False, traffic_percent=50)
    door = f"{EXPERIMENTS}{made['id']}/plan/"
    refused = api(alice).post(door, {"effect": 0.1})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_little_seen")
    assert api(alice).post(door, {"effect": 0}).status_code == 400
    template = WorkflowTemplate.objects.get(slug="universal_chat")
    now = clock.now()
    WorkflowExecution.objects.bulk_create(
        WorkflowExecution(
            created_at=now - timedelta(days=1), user=user, kind=ExecutionKind.CHAT,
            status=ExecutionStatus.COMPLETED, version=template.version, template=template,
            request_id="past", serial_key=f"conversation:{new_id()}", serial_number=1,
            input_tokens=100 + 20 * (-1) ** n, started_at=now, finished_at=now, duration_ms=5,
        )
        for user in (alice, charlie) for n in range(56)
    )  # fmt: skip
    told = api(alice).post(door, {"effect": 0.1}).json()
    assert (told["seen_units"], told["mean"], told["effect"]) == (56, 100, 10)
    assert told["units_a_day"] == 56 / SEEN_DAYS / 2
    assert told["deviation"] == pytest.approx(20.18, abs=0.01)
    # by the book: 2 * ((1.96 + 0.8416) * 20.18 / 10)^2 units in each arm
    assert told["units_once"] == pytest.approx(4 * (2.8016 * 2.018) ** 2, abs=1)
    assert told["units_anytime"] > 1.5 * told["units_once"]
    # and for an hour the last of them is watched, before which it does not count
    assert told["days_once"] == told["units_once"] / told["units_a_day"] + 1 / 24
    client.force_login(alice)
    page = client.get(f"/experiments/{made['id']}/").text
    assert f">{told['units_anytime']}</td>" in page
    monkeypatch.setattr("experiments.forecast._MOST_TURNS", 50)
    read = api(alice).post(door, {"effect": 0.1}).json()
    assert read["units_a_day"] == pytest.approx(50 / (SEEN_DAYS - 1) / 2, rel=1e-3)
    given = api(alice).post(door, {"effect": 0.1, "mean": 1, "deviation": 0.5}).json()
    assert given["units_once"] == pytest.approx(4 * (2.8016 * 5) ** 2, abs=1)


@pytest.mark.parametrize(
    "given", [{"mean": 0}, {"mean": 1e-300}, {"mean": 1e-7}, {"effect": 1e-320, "mean": 1}]
)
def test_an_effect_too_small_to_be_seen_is_refused(experiment, alice, act, given):
    made = experiment(start=False)
    refused = act(alice, made["id"], "plan", {"effect": 0.1, "deviation": 1, **given})
    assert (refused.status_code, refused.json()["code"]) == (400, "effect_too_small")


def test_acts_are_audited(experiment, alice, act):
    made = experiment()
    for verb in ("pause", "resume", "complete"):
        assert act(alice, made["id"], verb).status_code == 200
    entries = AuditEntry.objects.filter(target=f"experiments.experiment:{made['id']}")
    assert [one.action.rpartition(".")[2] for one in entries.order_by("id")] == [
        "created", "started", "paused", "resumed", "completed",
    ]  # fmt: skip
    assert {one.actor_id for one in entries} == {alice.pk}


def test_a_change_tells_before_and_after(api, experiment, alice):
    made = experiment(start=False)
    door = f"{EXPERIMENTS}{made['id']}/"
    before = made["traffic_percent"]
    assert api(alice).patch(door, {"name": "Shorter", "traffic_percent": 50}).status_code == 200
    entry = AuditEntry.objects.get(action="experiments.experiment.changed")
    assert entry.detail["changed"] == ["name", "traffic_percent"]
    shares = [entry.detail[side]["traffic_percent"] for side in ("from", "to")]
    assert shares == [before, 50]
    names = [entry.personal_content[side]["name"] for side in ("from", "to")]
    assert names == [made["name"], "Shorter"]


def test_the_page_acts_and_says_why_not(client, experiment, alice, say):
    made = experiment()
    say(alice)
    client.force_login(alice)
    page = f"/experiments/{made['id']}/"
    brief = made["variants"][1]["id"]
    for body in ({"act": "pause"}, {"act": "resume"}, {"act": "stop", "variant": brief}):
        assert client.post(page, body).status_code == 302
    shown = client.get(page).text
    assert "was stopped: by hand. The control answers its units." in shown
    assert "style=" not in shown
    wrong = client.post(page, {"act": "start"})
    assert (wrong.status_code, "experiment_cannot_move" in wrong.text) == (409, True)
    assert client.post(page, {"act": "dance"}).status_code == 400
    assert client.post(page, {"act": "promote", "variant": brief}).status_code == 302
    assert Experiment.objects.get().winner.name == "brief"
    over = client.get(page).text
    assert "was stopped: by hand." in over
    assert "The control answers" not in over


def test_the_back_office_looks_on(client, experiment, say, alice, admin):
    made = experiment()
    say(alice)
    client.force_login(admin)
    for kind in ("experiment", "unit", "exposure", "unitevent"):
        assert client.get(f"/admin/experiments/{kind}/").status_code == 200
        assert client.get(f"/admin/experiments/{kind}/add/").status_code == 403
    one = client.get(f"/admin/experiments/experiment/{made['id']}/change/")
    assert "as it is" in one.text
    assert Variant.objects.count() == 2
