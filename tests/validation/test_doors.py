"""Whatever is in a graph, checking, saving, running and importing it say the same."""

from typing import Any

import pytest

from tests.validation.drawing import line

CHECK = "/api/v1/workflows/validate/"
SAVE = ("/api/v1/definitions/", '{"name": "Mine", "graph": %s}')
KEEP = ("/api/v1/templates/", '{"name": "Mine", "graph": %s}')
RUN = ("/api/v1/workflows/execute/", '{"mode": "background", "graph": %s}')
IMPORT = (
    "/api/v1/definitions/import/",
    '{"format": "chatter.workflow", "format_version": 1, "name": "Mine", "graph": %s}',
)
NUL, HALF = r'"\u0000"', r'"\ud800"'
UTF_16, WITH_A_MARK = "utf-16", "utf-8-sig"


def graph_with(value: str) -> str:
    sets = ("variable", {"name": "v", "value": "HERE"})
    return str(line(x=sets)).replace("'HERE'", value).replace("'", '"')


def sent(client: Any, address: str, body: str, encoding: str = "utf-8") -> Any:
    return client.post(address, body.encode(encoding), content_type="application/json")


def refused_by(answer: Any) -> Any:
    """The issues with which a door refuses, None where it does not."""
    if answer.status_code < 400:
        return None
    told = answer.json()
    assert answer.status_code == 400
    return told["detail"].get("errors") or [told["code"]]


@pytest.mark.parametrize("door", [SAVE, KEEP, RUN, IMPORT], ids=lambda door: door[0])
@pytest.mark.parametrize(
    "value",
    ["1", str(2**63 - 1), str(2**63), str(-(2**63)), str(2**64), "9" * 400, "1e299", "1e300",
     "1e400", "NaN", NUL, HALF, '{"\\u0000": 1}', "[" * 25 + "]" * 25, "[" * 70 + "]" * 70,
     "[" * 900 + "]" * 900, "[" * 2_000 + "]" * 2_000, '"' + "x" * 100_001 + '"'],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_every_door_tells_what_the_check_tells(api, alice, door, value):
    told = sent(api(alice), CHECK, graph_with(value)).json()
    address, body = door
    refused = refused_by(sent(api(alice), address, body % graph_with(value)))
    codes = [issue["code"] for issue in told["issues"]]
    assert refused in (None if told["valid"] else told["issues"], codes or None)


@pytest.mark.parametrize("encoding", [UTF_16, WITH_A_MARK])
def test_what_is_not_in_utf_8_is_refused_by_every_door(api, alice, encoding):
    told = sent(api(alice), CHECK, graph_with("1"), encoding).json()
    assert [issue["code"] for issue in told["issues"]] == ["malformed_body"]
    for address, body in (SAVE, KEEP, RUN, IMPORT):
        answer = sent(api(alice), address, body % graph_with("1"), encoding)
        assert refused_by(answer) == ["malformed_body"]


@pytest.mark.parametrize("value", ["1", str(2**63), NUL, "1e300", "[" * 70 + "]" * 70])
def test_the_back_office_refuses_the_same(client, admin, value):
    client.force_login(admin)
    told = sent(client, CHECK, graph_with(value)).json()
    form = {"name": "Mine", "graph": graph_with(value), "limits": "{}"}
    answer = client.post("/admin/workflows/workflowdefinition/add/", form)
    assert (answer.status_code == 302) is told["valid"]
    for issue in told["issues"]:
        assert issue["message"][:20] in answer.content.decode()
