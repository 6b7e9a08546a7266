"""What every tool keeps to."""

import re
from typing import Any

import pytest

from tools.base import Tool, ToolArgs
from tools.registry import tools

ALL = tools.all()


@pytest.mark.parametrize("tool", ALL, ids=lambda tool: tool.key)
def test_a_model_can_be_told_of_it(tool: Tool[Any]) -> None:
    spec = tool.spec()
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", spec["name"])
    assert spec["description"]
    schema = spec["parameters"]
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    for name, part in schema["properties"].items():
        assert part["description"], name
        assert "title" not in part
        assert "$ref" not in str(part)


@pytest.mark.parametrize("tool", ALL, ids=lambda tool: tool.key)
def test_its_arguments_forbid_what_they_do_not_know(tool: Tool[Any]) -> None:
    assert issubclass(tool.args, ToolArgs)
    assert tool.args.model_config["extra"] == "forbid"
    assert 0 < tool.timeout_s <= 60
    assert tool.label
