"""The map node: every item once, results in their order, errors kept or fatal."""

import asyncio

import pytest
from langgraph.errors import GraphInterrupt

from tests.fakes import FakeServices, run_graph
from tests.nodes.test_subworkflow import line, sets
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.items import for_each

ASK = line(ask={"type": "model"})


def each(items="input.items", **config):
    return {"type": "map", "config": {"definition": "w", "items": items, **config}}


def over(items, services=None, workflow=ASK, end=None, **config):
    """Set a variable to the items and map over it."""
    services = services or FakeServices()
    services.workflows = {"w": workflow}
    nodes = {
        "start": {},
        "list": sets("items", items),
        "each": each("variables.items", **config),
        "end": {"config": {"output": end}} if end else {},
    }
    return run_graph(nodes, ["start>list", "list>each", "each>end"], services=services)


class Slow(FakeServices):
    """Answers the later the earlier it was asked, and counts how many wait at a time."""

    def __init__(self, **more):
        super().__init__(**more)
        self.waiting = self.most = self.begun = 0

    async def ask(self, question):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        self.begun += 1
        for _ in range(60 - 10 * min(self.begun, 5)):
            await asyncio.sleep(0)
        self.waiting -= 1
        return await super().ask(question)


def test_results_stand_in_the_order_of_the_items_whatever_order_they_came_in():
    services = Slow()
    run = over(["a", "b", "c", "d"], services, parallel=4, end="{{ nodes.each.results }}")
    expected = '["answer to a", "answer to b", "answer to c", "answer to d"]'
    assert run.result.text == expected
    assert services.most == 4
    assert [q.node for q in services.asked] == [f"each[{at}]/ask" for at in (3, 2, 1, 0)]


def test_no_more_items_are_worked_on_at_a_time_than_wanted():
    services = Slow()
    over(list("abcdefg"), services, parallel=2)
    assert services.most == 2
    assert len(services.asked) == 7


def test_an_item_knows_itself_and_its_number():
    end = {"config": {"output": "{{ input.index }}:{{ input.item.n }}:{{ input.unit }}"}}
    run = over([{"n": 5}, {"n": 6}], workflow=line(end=end), input={"unit": "kg"})
    assert run.result.text == "0:5:kg\n\n1:6:kg"


def test_the_message_can_be_another_than_the_item():
    run = over(["a", "b"], workflow=line(), input={"message": "the same"})
    assert run.result.text == "the same\n\nthe same"


def test_a_result_can_be_a_variable_of_any_kind():
    double = sets("n", expression="input.item * 2")
    run = over([1, 2, 3], workflow=line(d=double), result="n", end="{{ nodes.each.results }}")
    assert run.result.text == "[2, 4, 6]"


def test_a_list_of_nothing_runs_nothing():
    run = over([], end="{{ nodes.each.results }} {{ nodes.each.count }}")
    assert (run.result.text, run.services.asked) == ("[] 0", [])


@pytest.mark.parametrize(
    ("items", "config", "code"),
    [("abc", {}, "not_a_list"), ([1, 2, 3], {"max_items": 2}, "too_many_items")],
)
def test_what_is_no_list_or_too_long_a_one_is_an_error(items, config, code):
    with pytest.raises(RunFailed) as failed:
        over(items, **config)
    assert (failed.value.node, failed.value.code) == ("each", code)


def hot(*items):
    """Services that fail for these items."""
    return Slow(answers={f"each[{at}]/ask": NodeError("too_hot", f"{at}!") for at in items})


def test_errors_can_be_kept():
    told = "{{ nodes.each.results }} {{ nodes.each.errors }}"
    run = over(["a", "b", "c"], hot(1), on_error="keep", end=told)
    error = '[{"code": "too_hot", "index": 1, "message": "1!", "node": "each[1]/ask"}]'
    assert run.result.text == f'["answer to a", null, "answer to c"] {error}'


def test_the_first_item_that_fails_is_told_whichever_failed_first():
    services = hot(1, 2)  # the third fails before the second does
    with pytest.raises(RunFailed) as failed:
        over(list("abcdef"), services, parallel=3)
    assert (failed.value.node, failed.value.message) == ("each[1]/ask", "1!")
    assert len(services.asked) == 3  # nothing was begun after it


def test_a_map_in_a_map_runs_every_item_of_every_item():
    inner = line(each=each("input.item"))
    services = FakeServices(workflows={"w": ASK, "outer": inner})
    nodes = {
        "start": {},
        "list": sets("rows", [["a", "b"], ["c"]]),
        "rows": each("variables.rows", definition="outer"),
        "end": {},
    }
    run = run_graph(nodes, ["start>list", "list>rows", "rows>end"], services=services)
    assert run.result.text == "answer to a\n\nanswer to b\n\nanswer to c"
    assert {q.node for q in services.asked} == {
        "rows[0]/each[0]/ask",
        "rows[0]/each[1]/ask",
        "rows[1]/each[0]/ask",
    }


def test_when_an_item_waits_for_somebody_the_others_go_on_first():
    begun, ended = [], []

    async def run(item):
        begun.append(item)
        if item in (0, 2):
            raise GraphInterrupt
        await asyncio.sleep(0)
        ended.append(item)

    with pytest.raises(GraphInterrupt):
        asyncio.run(for_each(5, run, parallel=2, keep_errors=False))
    assert (sorted(begun), sorted(ended)) == ([0, 1, 2, 3, 4], [1, 3, 4])


def test_what_is_no_error_of_an_item_stops_them_all():
    ended = []

    async def run(item):
        if item == 1:
            raise PermissionError("the lease is lost")
        await asyncio.sleep(5)
        ended.append(item)

    with pytest.raises(PermissionError):
        asyncio.run(for_each(5, run, parallel=3, keep_errors=True))
    assert ended == []
