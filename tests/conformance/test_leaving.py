"""What nodes leave in a run is what their types say that they leave."""

from collections import defaultdict
from typing import Any

import pytest

from tests.conformance.case import cases
from tests.conformance.stage import execution_of, stage
from tests.drills.mortal import events_of, take_up
from tests.wire import WireServer
from workflows.registry import NODE_TYPES

_EACH = 3  # files of each folder that are looked at


def _some() -> list[str]:
    found = defaultdict(list)
    for name, case in cases().items():
        if case.door == "graph" and case.then[0] == "run" and not case.expect.refused:
            found[name.partition("/")[0]].append(name)
    return [name for names in found.values() for name in names[:_EACH]]


@pytest.mark.django_db
@pytest.mark.parametrize("name", _some())
def test_a_node_leaves_what_its_type_says(name: str, wire: WireServer, settings: Any) -> None:
    case = cases()[name].model_copy(update={"debug": True})
    with stage(case, wire, settings) as here:
        execution = execution_of(here.begin())
        take_up()
        specs = {node["id"]: node for node in case.document["nodes"]}
        for event in events_of(execution):
            node = specs.get(event["data"].get("node", ""))
            if event["type"] != "node.output" or node is None:
                continue
            kind = NODE_TYPES.get(node["type"])
            left = event["data"]["data"]
            assert {*left["values"]} <= {*kind.left_by(node["config"], left["port"])}
