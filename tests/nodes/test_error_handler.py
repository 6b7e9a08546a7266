"""The error handler: the node that failed is tried again, then the run goes on or ends."""

import pytest

from llms.errors import ProviderError
from tests.fakes import FakeServices, run_graph
from workflows.engine.errors import RunFailed
from workflows.engine.events import NodeFailed, NodeFinished

EDGES = ["start>model", "model.error>handler", "handler>end", "model>end"]
BROKEN = ProviderError("provider_failed")


def handled(*answers, kind="error_handler", **config):
    """The last answer is given for ever."""
    left = list(answers)
    services = FakeServices(answers={"model": lambda _: left.pop(0) if len(left) > 1 else left[0]})
    nodes = {"start": {}, "model": {}, "handler": {"type": kind, "config": config}, "end": {}}
    return run_graph(nodes, EDGES, "hi", services)


def visits(ran, kind):
    events = [event for event in ran.events if isinstance(event, kind)]
    return [event.visit for event in events if event.node == "model"]


def test_what_does_not_fail_needs_no_handler():
    ran = handled("fine", retries=3)
    assert (ran.result.text, len(ran.services.asked)) == ("fine", 1)


def test_a_node_that_fails_is_really_tried_again():
    ran = handled(BROKEN, BROKEN, "fine", retries=3, wait_s=2, backoff=3)
    assert ran.result.text == "fine"
    assert visits(ran, NodeFailed) == [1, 2]
    assert visits(ran, NodeFinished) == [3]
    assert [question.visit for question in ran.services.asked] == [1, 2, 3]
    assert ran.services.slept == [2, 6]


def test_when_it_still_fails_the_run_goes_on_with_what_the_handler_says():
    ran = handled(BROKEN, retries=1, text="Sorry: {{nodes.model.code}}")
    assert ran.result.text == "Sorry: provider_failed"
    assert visits(ran, NodeFailed) == [1, 2]


def test_its_own_text_tells_the_error():
    text = "{{nodes.handler.code}} of {{nodes.handler.node}}: {{nodes.handler.message}}"
    assert handled(BROKEN, text=text).result.text == f"provider_failed of model: {BROKEN}"


def test_without_a_text_the_error_goes_on():
    assert handled(BROKEN).result.text == str(BROKEN)


def test_it_may_end_the_run_with_the_node_that_failed_named():
    with pytest.raises(RunFailed) as failed:
        handled(BROKEN, then="fail", retries=1, wait_s=0)
    assert (failed.value.node, failed.value.code) == ("model", "provider_failed")


def test_the_name_of_the_earlier_system_loads():
    assert handled(BROKEN, kind="errorHandler").result.text == str(BROKEN)


def test_a_handler_that_fails_itself_fails_the_run():
    with pytest.raises(RunFailed) as failed:
        handled(BROKEN, text="{{nodes.nobody.text}}")
    assert (failed.value.node, failed.value.code) == ("handler", "bad_expression")


def test_an_error_without_a_handler_fails_the_run_with_the_node_named():
    services = FakeServices(answers={"model": BROKEN})
    with pytest.raises(RunFailed) as failed:
        run_graph({"start": {}, "model": {}, "end": {}}, ["start>model", "model>end"], "", services)
    assert (failed.value.node, failed.value.code) == ("model", "provider_failed")
