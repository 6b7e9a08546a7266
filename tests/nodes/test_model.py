"""The model node: other models when one fails, and answers that fit a schema."""

import pytest

from llms.errors import ProviderError
from llms.messages import ChatMessage
from tests.fakes import FakeServices, run_graph
from workflows.engine.context import History
from workflows.engine.errors import RunFailed
from workflows.validation import errors_in, validate

EDGES = ["start>model", "model>end"]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["city"],
}


def ask(answer, **config):
    nodes = {"start": {}, "model": {"config": config}, "end": {}}
    return run_graph(nodes, EDGES, "Where?", FakeServices(answers={"model": answer}))


def in_turn(*answers):
    left = list(answers)
    return lambda question: left.pop(0)


def models_asked(ran):
    return [question.model for question in ran.services.asked]


def test_a_model_that_fails_is_followed_by_the_next_one():
    failing = {"a": ProviderError("provider_failed"), "b": ProviderError("provider_timeout")}
    ran = ask(lambda question: failing.get(question.model, "Oslo"), model="a", fallbacks=["b", "c"])
    assert (ran.result.text, models_asked(ran)) == ("Oslo", ["a", "b", "c"])
    assert [question.call for question in ran.services.asked] == [1, 2, 3]


def test_a_model_that_answers_is_followed_by_none():
    assert models_asked(ask("Oslo", model="a", fallbacks=["b"])) == ["a"]


def test_when_all_fail_the_last_one_says_why():
    answers = in_turn(ProviderError("provider_failed"), ProviderError("provider_timeout"))
    with pytest.raises(RunFailed) as failed:
        ask(answers, model="a", fallbacks=["b"])
    assert (failed.value.node, failed.value.code) == ("model", "provider_timeout")


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Oslo"}',
        '```json\n{"city": "Oslo"}\n```',
        ' {"city":\n"Oslo"} ',
        "\n" * 9_000 + '```\n\n{"city": "Oslo"}' + "\n" * 9_000 + "``` \n",
    ],
    ids=["bare", "fenced", "spaced", "lines"],
)
def test_an_answer_by_a_schema_is_data_for_what_follows(text):
    nodes = {
        "start": {}, "model": {"config": {"output_schema": SCHEMA, "system": "Be brief."}},
        "end": {"config": {"output": "To {{nodes.model.data.city}}!"}},
    }  # fmt: skip
    ran = run_graph(nodes, EDGES, "Where?", FakeServices(answers={"model": text}))
    assert ran.result.text == "To Oslo!"
    instructions = ran.services.asked[0].messages[0].text
    assert instructions.startswith("Be brief.")
    assert '"required": ["city"]' in instructions


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("In Oslo.", "not JSON"),
        ('{"people": 3}', "city"),
        ('{"city": "O", "people": 1.5}', "people"),
        ('{"city": "\\ud800"}', "surrogate"),
        ('{"city": "O", "people": 1000000000000000000000}', "of this size"),
        ('{"city": "O", "more": NaN}', "NaN"),
        ("[" * 100_000, "deep"),
    ],
)
def test_an_answer_that_does_not_fit_is_mended_once(first, said):
    ran = ask(in_turn(first, '{"city": "Oslo"}'), output_schema=SCHEMA)
    assert ran.result.text == '{"city": "Oslo"}'
    *_, before, problem = ran.services.asked[1].messages
    assert (before.role, before.text) == ("assistant", first)
    assert (problem.role, said in problem.text) == ("user", True)


def test_no_pattern_is_tried_for_one_could_stop_the_pump():
    schema = {"type": "object", "properties": {"city": {"pattern": "^(a+)+$"}}}
    assert ask('{"city": "aaaaaaaaaaaaaaaaaaaa!"}', output_schema=schema).services.asked[1:] == []


def test_an_answer_that_never_fits_is_an_error():
    with pytest.raises(RunFailed) as failed:
        ask(in_turn("no", "still no"), output_schema=SCHEMA)
    assert failed.value.code == "answer_does_not_fit"


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "http://elsewhere/schema"}])
def test_what_is_no_schema_is_told_before_it_runs(schema):
    graph = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "model", "type": "model", "config": {"output_schema": schema}},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "model"}, {"source": "model", "target": "end"}],
    }
    [issue] = errors_in(validate(graph))
    assert issue.path == "nodes[1].config.output_schema"


def test_attempts_and_cache_are_as_the_node_says():
    ran = ask("Oslo", retry={"attempts": 5, "wait_s": 2, "backoff": 3}, cache={"ttl_s": 60})
    [question] = ran.services.asked
    assert (question.attempts, question.first_wait_s, question.backoff) == (5, 2, 3)
    assert question.cache_ttl_s == 60
    [question] = ask("Oslo").services.asked
    assert (question.attempts, question.first_wait_s, question.backoff) == (3, 0.5, 2)
    assert question.cache_ttl_s is None


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"cache": {"ttl_s": 0}}, "cache.ttl_s"),
        ({"cache": {}}, "cache.ttl_s"),
        ({"cache": True}, "cache"),
        ({"retry": {"attempts": 0}}, "retry.attempts"),
        ({"retry": {"wait": 1}}, "retry.wait"),
    ],
)
def test_settings_of_cache_and_retry_are_checked(config, path):
    graph = {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "model", "type": "model", "config": config},
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": "start", "target": "model"}, {"source": "model", "target": "end"}],
    }
    [issue] = errors_in(validate(graph))
    assert issue.path == f"nodes[1].config.{path}"


def test_of_what_is_remembered_the_messages_may_be_left_out_and_nothing_else():
    said = History(
        [ChatMessage("user", "My name is Ann."), ChatMessage("assistant", "Hello Ann.")], [1, 1],
        "They met.", 1,
    )  # fmt: skip
    nodes = {"start": {}, "memory": {}, "model": {"config": {"system": "Be kind."}}, "end": {}}
    edges = ["start>memory", "memory>model", "model>end"]
    [question] = run_graph(nodes, edges, "Who?", FakeServices(said=said)).services.asked
    assert [question.messages[at].text for at in question.optional] == [
        "My name is Ann.",
        "Hello Ann.",
    ]
    assert len(question.messages) == 5
