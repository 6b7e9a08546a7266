"""Can the models that are asked do it, do they exist, and what may a run take and cost?"""

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest

from llms.catalogue import SINCE_EVER
from llms.pricing import Rates
from llms.profiles import ProfileSpec
from tests.validation.drawing import check, drawn, line, told


def profile(model: str = "good", price: int | None = None, **fields) -> ProfileSpec:
    """A model of provider p; `price` in dollars for a million tokens, in and out."""
    nano = (price or 0) * 1_000_000_000
    rates = Rates(UUID(int=1), SINCE_EVER, 0, nano, None, None, nano, None)
    return ProfileSpec(
        id=UUID(int=0),
        provider="p",
        provider_kind="openai",
        model=model,
        prices=() if price is None else (rates,),
        **fields,
    )


def asker(**config):
    return line(ask=("asker", {"model": "p:good", **config}))


ABLE = profile(capabilities=("text", "tools", "structured_output"), price=0)


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (asker(tools=["clock"]), "model_without_tools", "nodes[1].config.model"),
        (
            asker(output_schema={"type": "object"}),
            "model_without_structured_output",
            "nodes[1].config.model",
        ),
        (
            asker(output_schema={}),  # any JSON
            "model_without_structured_output",
            "nodes[1].config.model",
        ),
        (asker(max_tokens=8_000), "max_tokens_over_window", "nodes[1].config.max_tokens"),
        (asker(max_tokens=5_000), "max_tokens_over_output", "nodes[1].config.max_tokens"),
        (asker(model="p:gone"), "unknown_model", "nodes[1].config.model"),
        (asker(fallbacks=["p:good", "p:gone"]), "unknown_model", "nodes[1].config.fallbacks[1]"),
        (line(ask=("model", {"model": "p:gone"})), "unknown_model", "nodes[1].config.model"),
        (line(ask=("memory", {"model": "p:gone"})), "unknown_model", "nodes[1].config.model"),
        (asker(tools=["clock", "gone"]), "unknown_tool", "nodes[1].config.tools[1]"),
        (line(ask="model"), "unknown_model", "nodes[1].config.model"),
    ],
)
def test_what_a_model_cannot_do_is_told_before_it_is_asked(document, code, path):
    good = profile(context_window=8_000, max_output_tokens=4_000, price=0)
    assert (code, path) in told(check(document, good))


@pytest.mark.parametrize(
    ("words", "config", "fits"),
    [
        (3_900, {}, True),
        (3_900, {"max_tokens": 90}, True),
        (3_900, {"max_tokens": 97}, False),
        (4_000, {}, False),
    ],
)
def test_instructions_have_to_fit_into_the_context_with_the_answer(words, config, fits):
    good = profile(context_window=4_000, price=0)
    system = "word" * words + "{{ text }}"
    found = check(line(ask=("model", {"model": "p:good", "system": system, **config})), good)
    assert told(found) == ([] if fits else [("context_too_small", "nodes[1].config.system")])


def test_how_much_too_long_instructions_are_is_told():
    good = profile(context_window=4_000, price=0)
    config = {"model": "p:good", "system": "word" * 3_996, "max_tokens": 500}
    [issue] = check(line(ask=("model", config)), good)
    assert "4,000 tokens" in issue.message
    assert "the answer is to have 500" in issue.message
    assert issue.hint.startswith("Both together are 500 too many")


def test_a_fallback_must_be_able_to_do_it_too():
    document = asker(tools=["clock"], fallbacks=["p:poor"])
    found = check(document, ABLE, profile("poor", price=0))
    assert told(found) == [("model_without_tools", "nodes[1].config.fallbacks[0]")]


SET = {"top_p": 0.0, "stop": ["END"], "seed": 0, "presence_penalty": 1, "frequency_penalty": 0}


def test_a_setting_that_a_provider_does_not_know_is_told():
    claude = replace(ABLE, provider_kind="anthropic", model="claude")
    document = line(ask=("model", {"model": "p:claude", **SET}))
    found = check(document, claude)
    assert [(issue.code, issue.path, issue.severity) for issue in found] == [
        ("parameter_not_taken", f"nodes[1].config.{name}", "warning")
        for name in ("frequency_penalty", "presence_penalty", "seed")
    ]
    assert check(line(ask=("model", {"model": "p:good", **SET})), ABLE) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_p", 1.1),
        ("top_p", "much"),
        ("stop", ["a"] * 5),
        ("stop", [""]),
        ("stop", "END"),
        ("seed", -1),
        ("seed", 2**31),
        ("presence_penalty", 2.1),
        ("frequency_penalty", -2.1),
    ],
)
def test_a_setting_out_of_bounds_is_refused(name, value):
    found = check(line(ask=("model", {"model": "p:good", name: value})), ABLE)
    assert {issue.path.split("[")[1] for issue in found} == {f"1].config.{name}"}
    assert {issue.severity for issue in found} == {"error"}


def test_an_able_model_is_not_complained_of():
    document = asker(tools=["clock"], output_schema={"type": "object"}, max_tokens=100)
    assert check(document, ABLE) == []


def test_a_model_that_a_parameter_names_is_looked_up_when_it_is_known():
    assert check(line(ask=("model", {"model": "{{params.model}}"})), ABLE) == []


def test_without_someone_who_asks_nothing_is_looked_up():
    assert check(asker(model="p:gone", tools=["clock"])) == []


def test_the_dearest_way_is_reckoned_with_the_price_in_force():
    """2 calls of 1,000 tokens in and 50,000 out at $100 a million are $10.20."""
    nodes = {
        "start": "start",
        "a": ("asker", {"model": "p:good", "max_tokens": 50_000, "timeout_s": 1}),
        "b": ("asker", {"model": "p:good", "max_tokens": 50_000, "timeout_s": 1}),
        "end": "end",
    }
    document = drawn(nodes, "start>a", "start>b", "a>end", "b>end")
    [issue] = check(document, profile(price=100))
    assert (issue.code, issue.severity) == ("estimated_cost", "warning")
    assert "$10.2" in issue.message


def test_of_two_branches_only_the_dearer_is_paid():
    nodes = {
        "start": "start",
        "if": ("conditional", {"condition": "true"}),
        "a": ("asker", {"model": "p:good", "max_tokens": 30_000, "timeout_s": 1}),
        "b": ("asker", {"model": "p:good", "max_tokens": 29_000, "timeout_s": 1}),
        "end": "end",
    }
    document = drawn(nodes, "start>if", "if.true>a", "if.false>b", "a>end", "b>end")
    assert check(document, profile(price=100)) == []


def test_a_loop_is_paid_as_often_as_it_may_go_round():
    nodes = {
        "start": "start",
        "loop": ("loop", {"max_iterations": 300}),
        "ask": ("asker", {"timeout_s": 1}),
        "end": "end",
    }
    document = drawn(nodes, "start>loop", "loop.continue>ask", "ask>loop", "loop.done>end")
    [issue] = check(document)
    assert issue.code == "estimated_cost"
    assert "$6" in issue.message  # 300 calls at the default of 2 cents


def test_the_longest_way_is_what_a_run_may_take():
    nodes = {
        "start": "start",
        "a": ("delay", {"seconds": 400}),
        "b": ("delay", {"seconds": 300}),
        "c": ("delay", {"seconds": 300}),
        "end": "end",
    }
    side_by_side = drawn(nodes, "start>a", "start>b", "a>end", "b>end", "start>c", "c>end")
    assert check(side_by_side) == []
    [issue] = check(line(**{name: nodes[name] for name in "abc"}))
    assert (issue.code, issue.severity) == ("estimated_time", "warning")
    assert "1,000 s" in issue.message


def test_loops_in_loops_without_end_are_still_a_number():
    count = 40
    names = [f"n{at}" for at in range(count)]
    nodes = {name: ("loop", {"max_iterations": 1000}) for name in names}
    nodes = {"start": "start", **nodes, "ask": ("delay", {"seconds": 1}), "end": "end"}
    inwards = [f"{a}.continue>{b}" for a, b in pairwise([*names, "ask"])]
    outwards = [f"{b}.done>{a}" for a, b in pairwise(names)]
    document = drawn(nodes, "start>n0", *inwards, f"ask>{names[-1]}", *outwards, "n0.done>end")
    assert [issue.code for issue in check(document)] == ["estimated_time"]
