"""The map node: its part of the graph for every item, results in order, errors kept or fatal."""

import asyncio

import pytest

from llms.messages import ChatMessage
from tests.fakes import FakeServices, run_graph
from tests.nodes.test_subworkflow import line, sets
from workflows.engine.context import History
from workflows.engine.errors import NodeError, RunFailed
from workflows.engine.items import for_each
from workflows.engine.pausing import APPROVED, Decision, RunPaused

ASK = {"ask": {"type": "model"}}
THROUGH_ASK = ["each.each>ask", "ask>each"]


def each(items="variables.items", **config):
    return {"type": "map", "config": {"items": items, **config}}


def over(items, body=ASK, edges=THROUGH_ASK, services=None, end=None, **config):
    """Set a variable to the items and map over it."""
    nodes = {
        "start": {},
        "list": sets("items", items),
        "each": each(**config),
        **body,
        "end": {"config": {"output": end}} if end else {},
    }
    around = ["start>list", "list>each", "each.done>end"]
    return run_graph(nodes, [*around, *edges], services=services)


def says(template):
    return {"say": {"type": "prompt", "config": {"template": template}}}


THROUGH_SAY = ["each.each>say", "say>each"]


class Slow(FakeServices):
    """Answers the later the earlier it was asked, and counts how many wait at a time."""

    def __init__(self, **more):
        super().__init__(**more)
        self.waiting = self.most = self.begun = 0

    async def ask(self, question):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        self.begun += 1
        for _ in range(600 - 100 * min(self.begun, 5)):
            await asyncio.sleep(0)
        self.waiting -= 1
        return await super().ask(question)


def test_results_stand_in_the_order_of_the_items_whatever_order_they_came_in():
    services = Slow()
    run = over(["a", "b", "c", "d"], services=services, parallel=4, end="{{ nodes.each.results }}")
    expected = '["answer to a", "answer to b", "answer to c", "answer to d"]'
    assert run.result.text == expected
    assert services.most == 4
    assert [q.node for q in services.asked] == [f"each[{at}]/ask" for at in (3, 2, 1, 0)]


def test_no_more_items_are_worked_on_at_a_time_than_wanted():
    services = Slow()
    over(list("abcdefg"), services=services, parallel=2)
    assert services.most == 2
    assert len(services.asked) == 7


def test_what_goes_on_as_text_are_the_results():
    assert over(["a", "b"]).result.text == "answer to a\n\nanswer to b"


def test_an_item_knows_itself_its_number_and_all_that_was_there_before():
    told = "{{ nodes.each.index }}:{{ nodes.each.item.n }}:{{ nodes.start.text }}:{{ text }}"
    run = over([{"n": 5}, {"n": 6}], says(told), THROUGH_SAY)
    assert run.result.text == '0:5:hello:{"n": 5}\n\n1:6:hello:{"n": 6}'


def test_what_an_item_sets_stays_with_it():
    """The next item does not see it, nor does what follows, whatever was there before."""
    body = {
        "say": {"type": "prompt", "config": {"template": "{{ variables.items.size() }}"}},
        "set": sets("items", ["one"]),
    }
    edges = ["each.each>say", "say>set", "set>each"]
    end = "{{ nodes.each.results }} {{ variables.items }}"
    run = over(["a", "b"], body, edges, end=end)
    assert run.result.text == '["2", "2"] ["a", "b"]'
    assert run.result.variables == {"items": ["a", "b"]}


def test_a_result_can_be_of_any_kind_and_name_what_is_inside():
    body = {"double": sets("n", expression="nodes.each.item * 2")}
    edges = ["each.each>double", "double>each"]
    end = "{{ nodes.each.results }}"
    run = over([1, 2], body, edges, result="{{ variables.n }}", end=end)
    assert run.result.text == "[2, 4]"
    result = {"of": "{{ nodes.each.item }}", "is": ["{{ nodes.double.value }}"]}
    run = over([1], body, edges, result=result, end=end)
    assert run.result.text == '[{"is": [2], "of": 1}]'
    assert over([3], body, edges, result="<{{ text }}>").result.text == "<3>"


def test_a_result_that_cannot_be_told_is_an_error_of_its_item():
    body = {"pick": {"type": "conditional", "config": {"condition": "text == 'b'"}}, **ASK}
    edges = ["each.each>pick", "pick.true>ask", "ask>each", "pick.false>each"]
    end = "{{ nodes.each.results }} {{ nodes.each.errors[0].code }} {{ nodes.each.errors[0].node }}"
    run = over(["a", "b"], body, edges, result="{{ nodes.ask.text }}", on_error="keep", end=end)
    assert run.result.text == '[null, "answer to b"] bad_expression each'


def test_branches_of_an_item_meet_where_they_lead_back():
    body = {"a": says("a{{ text }}")["say"], "b": says("b{{ text }}")["say"]}
    edges = ["each.each>a", "each.each>b", "a>each", "b>each"]
    run = over(["1", "2"], body, edges, result="{{ text }}", end="{{ nodes.each.results }}")
    assert run.result.text == '["a1\\n\\nb1", "a2\\n\\nb2"]'
    after_one_another = ["each.each>a", "each.each>b", "a>b", "b>each"]
    run = over(["1"], body, after_one_another, end="{{ nodes.each.results }}")
    assert run.result.text == '["b1\\n\\na1"]'


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
    run = over(["a", "b", "c"], services=hot(1), on_error="keep", end=told)
    error = '[{"code": "too_hot", "index": 1, "message": "1!", "node": "each[1]/ask"}]'
    assert run.result.text == f'["answer to a", null, "answer to c"] {error}'


def test_the_first_item_that_fails_is_told_whichever_failed_first():
    services = hot(1, 2)  # the third fails before the second does
    with pytest.raises(RunFailed) as failed:
        over(list("abcdef"), services=services, parallel=3)
    assert (failed.value.node, failed.value.message) == ("each[1]/ask", "1!")
    assert len(services.asked) == 3  # nothing was begun after it


def test_an_error_may_be_taken_up_inside():
    body = {**ASK, "sorry": {"type": "error_handler", "config": {"text": "sorry"}}}
    edges = [*THROUGH_ASK, "ask.error>sorry", "sorry>each"]
    run = over(["a", "b"], body, edges, hot(0), end="{{ nodes.each.results }}")
    assert run.result.text == '["sorry", "answer to b"]'


def test_an_item_may_go_round_in_a_loop():
    body = {
        "loop": {"type": "loop", "config": {"max_iterations": 2}},
        "more": says("{{ text }}+")["say"],
    }
    edges = ["each.each>loop", "loop.continue>more", "more>loop", "loop.done>each"]
    run = over(["a", "b"], body, edges, end="{{ nodes.each.results }}")
    assert run.result.text == '["a++", "b++"]'


def test_a_map_in_a_map_runs_every_item_of_every_item():
    body = {"inner": each("nodes.each.item"), **ASK}
    edges = ["each.each>inner", "inner.each>ask", "ask>inner", "inner.done>each"]
    run = over([["a", "b"], ["c"]], body, edges, result="{{ nodes.inner.results }}")
    assert run.result.text == '["answer to a", "answer to b"]\n\n["answer to c"]'
    assert {q.node for q in run.services.asked} == {
        "each[0]/inner[0]/ask",
        "each[0]/inner[1]/ask",
        "each[1]/inner[0]/ask",
    }


def test_a_map_in_a_loop_runs_every_item_in_every_round():
    body = {
        "loop": {"type": "loop", "config": {"max_iterations": 2}},
        "each": each("[string(nodes.loop.iteration), text]"),
        **ASK,
    }
    edges = ["loop.continue>each", *THROUGH_ASK, "each.done>loop"]
    nodes = {"start": {}, **body, "end": {}}
    run = run_graph(nodes, ["start>loop", *edges, "loop.done>end"])
    first = "answer to 1\n\nanswer to hello"
    assert run.result.text == f"answer to 2\n\nanswer to {first}"
    assert [(q.node, q.visit) for q in run.services.asked] == [
        *(("each[0]/ask", 1), ("each[1]/ask", 1)),
        *(("each#2[0]/ask", 1), ("each#2[1]/ask", 1)),
    ]


def test_a_workflow_for_each_item_is_a_workflow_node_there():
    services = FakeServices(workflows={"w": line(ask={"type": "model"})})
    body = {"sub": {"type": "subworkflow", "config": {"definition": "w"}}}
    run = over(["a", "b"], body, ["each.each>sub", "sub>each"], services)
    assert run.result.text == "answer to a\n\nanswer to b"
    assert {q.node for q in services.asked} == {"each[0]/sub/ask", "each[1]/sub/ask"}


@pytest.mark.parametrize("inside", [True, False])
def test_models_inside_see_the_conversation_as_those_outside_do(inside):
    services = FakeServices(said=History([ChatMessage("user", "earlier")], [1]))
    body = {"memory": {}, "ask": {"type": "model"}}
    way = ["each.each>memory", "memory>ask"] if inside else ["each.each>ask"]
    before = ["list>each"] if inside else ["list>memory", "memory>each"]
    nodes = {"start": {}, "list": sets("items", ["a", "b"]), "each": each(), **body, "end": {}}
    run_graph(nodes, ["start>list", *before, *way, "ask>each", "each.done>end"], services=services)
    seen = [[message.text for message in question.messages] for question in services.asked]
    assert seen == [["earlier", "a"], ["earlier", "b"]]


def test_a_run_waits_for_the_decision_on_each_item():
    services = FakeServices()
    approval = {"type": "approval", "config": {"question": "Send {{ nodes.each.item }}?"}}
    body = {"may": approval, "no": says("not {{ text }}")["say"]}
    edges = ["each.each>may", "may.approved>each", "may.rejected>no", "no>each"]
    with pytest.raises(RunPaused):
        over(["a", "b"], body, edges, services)
    assert [question.question for question in services.wanted] == ["Send a?", "Send b?"]
    services.decided = {"each[0]/may": Decision(APPROVED), "each[1]/may": Decision("rejected")}
    assert over(["a", "b"], body, edges, services).result.text == "a\n\nnot b"


def test_when_an_item_waits_for_somebody_the_others_go_on_first():
    begun, ended = [], []

    async def run(item):
        begun.append(item)
        if item in (0, 2):
            raise RunPaused
        await asyncio.sleep(0)
        ended.append(item)

    with pytest.raises(RunPaused):
        asyncio.run(for_each(5, run, parallel=2, keep_errors=False))
    assert (sorted(begun), sorted(ended)) == ([0, 1, 2, 3, 4], [1, 3, 4])


def test_an_item_that_waits_may_yet_be_the_first_to_fail():
    async def run(item):
        raise RunPaused if item == 0 else NodeError("late", "It came second.")

    with pytest.raises(RunPaused):
        asyncio.run(for_each(2, run, parallel=2, keep_errors=False))


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
