"""What people decided holds in every rerun; nobody is asked the same again."""

from tests.approvals.desk import Desk, approval, says
from tests.definitions.graphs import asks, graph
from tests.drills.models import GPT
from tests.drills.mortal import take_up


def approved(client, execution):
    Desk(client).approve()
    take_up()
    execution.refresh_from_db()
    return execution


def test_a_decision_holds_in_a_rerun_of_a_rerun(ran, again, client, wire):
    document = graph(
        approval(),
        asks(model=GPT),
        edges=["start>ask", "ask.approved>model", "ask.rejected>end", "model>end"],
    )
    wire.script("fault=400", next=1)
    source = approved(client, ran(document))
    assert source.status == "failed"
    retry = again(source, "retry")
    replay = again(retry, "replay")
    assert (replay.status, replay.output) == ("completed", retry.output)
    fork = again(retry, "fork", node="model", text="other")
    assert fork.status == "completed"


def test_who_decided_is_called_as_then(ran, again, client, alice, built_in):
    edges = ["start>ask", "ask.approved>p", "ask.rejected>end", "p>end"]
    source = ran(graph(approval(), says("p", "by {{nodes.ask.by}}"), edges=edges))
    approved(client, source)
    assert source.output["text"] == "by alice"
    alice.username = "alicia"
    alice.save()
    assert again(source, "replay").output == source.output
    fork = again(source, "fork", node="p")
    assert fork.output == source.output
