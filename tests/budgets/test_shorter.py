"""Where there is no room for the longest answer, a shorter one is asked for."""

import pytest

from budgets.models import BudgetCharge
from core.aggregates import all_differences
from llms.models import ModelCall, ModelPrice, ModelProfile
from llms.services.profiles import forget_profiles
from tests.budgets.runs import ASKED, finished, numbers_of, one_call
from tests.definitions.graphs import asks, graph
from tests.drills.mortal import take_up
from tests.factories.budgets import a_budget
from tests.factories.llms import ProfileFactory, ProviderFactory
from tests.limits.runs import price_of_the_demo
from tests.wire import WireServer
from workflows.models import WorkflowExecution

LONGEST, LEAST = 5_000, 256
QUESTION = len("say 900 words") + 32  # at most


@pytest.fixture
def long_answers(begin):
    answers(max_output_tokens=LONGEST)


def answers(**fields):
    ModelProfile.objects.update(**fields)
    forget_profiles()


def a_model(wire, kind, **profile):
    """Asked for as "wire:long"."""
    address = wire.url + ("/v1" if kind == "openai" else "")
    provider = ProviderFactory(name="wire", kind=kind, base_url=address)
    ProfileFactory(provider=provider, model="long", **profile)
    forget_profiles()


def only_call():
    return ModelCall.objects.get()


@pytest.mark.usefixtures("long_answers")
def test_a_call_is_made_with_as_long_an_answer_as_there_is_room_for(begin):
    budget = a_budget(cap=QUESTION + 300)
    a_budget(cap=QUESTION + 400)
    assert finished(begin(one_call(900))).status == "completed"
    call = only_call()
    assert (call.parameters["max_tokens"], call.finish_reason) == (300, "length")
    assert (call.output_tokens, call.exactness) == (300, "metered")
    assert {one.reserved for one in BudgetCharge.objects.all()} == {QUESTION + 300}
    assert numbers_of(budget) == (ASKED + 300, 0)


@pytest.mark.usefixtures("long_answers")
def test_a_short_answer_is_whole_all_the_same(begin):
    budget = a_budget(cap=QUESTION + 300)
    execution = finished(begin(one_call(20)))
    assert (execution.status, only_call().finish_reason) == ("completed", "stop")
    assert numbers_of(budget) == (ASKED + 20, 0)


@pytest.mark.usefixtures("long_answers")
def test_an_answer_too_short_to_be_of_use_is_not_asked_for(begin):
    budget = a_budget(cap=QUESTION + LEAST - 1)
    execution = finished(begin(one_call(900)))
    assert execution.error["code"] == "budget_exceeded"
    assert f"{QUESTION + LONGEST:,} tokens" in execution.error["message"]
    assert (numbers_of(budget), only_call().total_tokens) == ((0, 0), 0)


@pytest.mark.usefixtures("long_answers")
def test_the_price_of_an_answer_says_how_long_it_may_be(begin):
    price_of_the_demo(2)
    budget = a_budget(unit="nano_usd", cap=(QUESTION + 300) * 2_000 + 1_999)
    finished(begin(one_call(900)))
    assert only_call().parameters["max_tokens"] == 300
    assert numbers_of(budget) == ((ASKED + 300) * 2_000, 0)


@pytest.mark.usefixtures("long_answers")
def test_the_ceiling_says_so_of_a_model_without_a_price(begin):
    ceiling = {"unpriced": "ceiling", "ceiling_nano_usd_per_mtok": 3 * 10**9}
    budget = a_budget(unit="nano_usd", cap=(QUESTION + 300) * 3_000, **ceiling)
    execution = begin(one_call(900))
    ModelPrice.objects.all().delete()
    forget_profiles()
    assert finished(execution).status == "completed"
    assert only_call().parameters["max_tokens"] == 300
    assert numbers_of(budget) == ((ASKED + 300) * 3_000, 0)


def test_the_longest_answer_is_one_whose_price_the_ledger_holds(begin, client):
    answers(max_output_tokens=None)
    price_of_the_demo(1_000_000)
    execution = begin(graph(asks(max_tokens=10**9)), "say 20 words")
    assert finished(execution).status == "completed"
    longer = {"name": "x", "graph": graph(asks(max_tokens=10**9 + 1))}
    wrong = client.post("/api/v1/definitions/", longer).json()["detail"]["errors"]
    told = [(one["code"], one["path"]) for one in wrong if one["severity"] == "error"]
    assert told == [("less_than_equal", "nodes[1].config.max_tokens")]


@pytest.mark.usefixtures("long_answers")
def test_calls_at_once_share_the_room_and_none_passes_the_cap(begin):
    answers(parameters={"delay_ms_per_word": 5})
    for _ in range(30):
        begin(one_call(20))
    budget = a_budget(cap=LONGEST + 2 * QUESTION + LEAST + 10)
    take_up()
    ended = list(WorkflowExecution.objects.values_list("status", "error__code"))
    assert set(ended) <= {("completed", None), ("failed", "budget_exceeded")}
    cut = ModelCall.objects.filter(status="succeeded", parameters__max_tokens__isnull=False)
    assert cut.exists()
    spent, reserved = numbers_of(budget)
    done = sum(status == "completed" for status, _ in ended)
    assert (spent, reserved) == (done * (ASKED + 20), 0)
    assert spent <= budget.cap
    assert list(all_differences()) == []


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "fields",
    [
        {"max_output_tokens": LONGEST},
        {"max_output_tokens": LONGEST, "parameters": {"max_tokens": 4_000}},
        {"max_output_tokens": None, "context_window": 6_000},
        {"max_output_tokens": LONGEST, "context_window": 6_000},
    ],
    ids=["by the profile", "by its parameters", "by the context", "by both"],
)
def test_the_provider_is_told(client, drain, kind, fields):
    with WireServer() as wire:
        a_model(wire, kind, **fields)
        budget = a_budget(cap=1_000)
        body = {"message": "[[words=990]]", "mode": "background", "model": "wire:long"}
        assert client.post("/api/v1/chat/", body).status_code == 202
        drain()
        call = ModelCall.objects.get()
        (billed,) = wire.meter.settled()
    limits = {billed.options.get(name) for name in ("max_tokens", "max_completion_tokens")}
    assert limits - {None} == {call.parameters["max_tokens"]}
    assert (call.status, call.output_tokens) == ("succeeded", call.parameters["max_tokens"])
    assert LEAST <= call.output_tokens < 1_000
    assert numbers_of(budget) == (call.total_tokens, 0)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("openai", "max_completion_tokens"),
        ("openai", "max_output_tokens"),
        ("anthropic", "max_completion_tokens"),
    ],
)
def test_what_a_node_says_holds_by_whatever_name_the_model_is_told_another(begin, kind, name):
    with WireServer() as wire:
        a_model(wire, kind, parameters={name: 4_000})
        budget = a_budget(cap=1_000)
        node = asks(model="wire:long", max_tokens=300)
        assert finished(begin(graph(node), "[[words=990]]")).status == "completed"
    call = only_call()
    assert (call.status, call.output_tokens) == ("succeeded", 300)
    assert numbers_of(budget) == (call.total_tokens, 0)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_no_longer_an_answer_than_the_models_longest_is_asked_for(begin, kind):
    """Its longest is what is reserved: a provider that gives more would pass the cap."""
    with WireServer() as wire:
        a_model(wire, kind, max_output_tokens=400)
        budget = a_budget(cap=1_000)
        node = asks(model="wire:long", max_tokens=4_000)
        assert finished(begin(graph(node), "[[words=2000]]")).status == "completed"
    call = only_call()
    assert (call.parameters["max_tokens"], call.output_tokens) == (400, 400)
    assert numbers_of(budget) == (call.total_tokens, 0)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_no_model_says_how_long_within_what_is_sent_beside(begin, kind):
    """The SDKs take `extra_body` as an argument, and it goes over what we asked for."""
    with WireServer() as wire:
        beside = {"model_kwargs": {"extra_body": {"max_tokens": 5_000}}}
        a_model(wire, kind, max_output_tokens=400, parameters=beside)
        budget = a_budget(cap=1_000)
        execution = finished(begin(graph(asks(model="wire:long")), "[[words=2000]]"))
        assert not wire.meter.settled()
    assert execution.error["code"] == "invalid_parameters"
    assert "model_kwargs.extra_body.max_tokens" in execution.error["message"]
    assert numbers_of(budget) == (0, 0)


def test_an_answer_of_unknown_length_counts_as_no_more_than_was_asked_for(begin, wire: WireServer):
    """Its words are long, so it looks like more tokens than it has."""
    a_model(wire, "openai", max_output_tokens=LONGEST)
    question = f"[[words={LONGEST}]] [[fault=no_usage]]"
    cap = len(question) + 32 + 300
    budget = a_budget(cap=cap)
    finished(begin(graph(asks(model="wire:long")), question))
    call = only_call()
    assert (call.finish_reason, call.output_tokens) == ("length", 300)
    assert numbers_of(budget)[0] == call.total_tokens <= cap
