"""HTTP nodes: secrets come from where secrets are kept, and go where they may."""

from typing import Any

import pytest

from tests.validation.drawing import FakeWorld, drawn
from workflows.registry import NODE_TYPES
from workflows.validation.bounds import Limits
from workflows.validation.validator import WorkflowValidator


class World(FakeWorld):
    def may_call(self, tool: str) -> bool:
        return tool == "http_request"

    def hosts_of(self, secret: str) -> Any:
        return ["api.github.com"] if secret == "github" else None


def told(**config: Any) -> list[tuple[str, str]]:
    node = ("http_request", {"url": "https://api.github.com/user", **config})
    document = drawn({"start": "start", "ask": node, "end": "end"}, "start>ask", "ask>end")
    issues = WorkflowValidator(NODE_TYPES, Limits()).validate(document, world=World())
    return [(issue.code, issue.path.removeprefix("nodes[1].config")) for issue in issues]


@pytest.mark.parametrize(
    "config",
    [
        {"secret_headers": {"Authorization": "Bearer {secret:github}"}},
        {"secret_headers": {"X-Key": "{secret:github}"}, "url": "{{text}}"},
        {"secret_query": {"key": "{secret:github}"}},
        {"secret_fields": {"key": "{secret:github}"}, "method": "POST", "json": {"q": "{{text}}"}},
        {"secret_fields": {"key": "{secret:github}"}, "method": "POST", "body": "q={{text}}"},
        {"headers": {"Authorization": "Bearer {{params.token}}", "Accept": "application/json"}},
        {"headers": {"X-Token-Count": "12", "X-Title": "Reset password helper"}},
        {"url": "https://api.github.com/{{text}}", "json": {"q": "{{text}}"}, "method": "POST"},
    ],
)
def test_a_sound_request_has_nothing_to_say(config: dict[str, Any]) -> None:
    assert told(**config) == []


@pytest.mark.parametrize(
    ("config", "code", "path"),
    [
        ({"headers": {"X-One": "1", "x-one": "2"}}, "header_twice", "x-one"),
        (
            {"secret_headers": {"X-Key": "{secret:github}", "x-key": "a{secret:github}"}},
            *("header_twice", "x-key"),
        ),
        ({"headers": {"Authorization": "Bearer abc"}}, "secret_in_plain_text", "Authorization"),
        ({"headers": {"authorization": "hunter2"}}, "secret_in_plain_text", "authorization"),
        ({"headers": {"X-Api-Key": "abc"}}, "secret_in_plain_text", "X-Api-Key"),
        ({"headers": {"Cookie": "session=1"}}, "secret_in_plain_text", "Cookie"),
        ({"headers": {"PRIVATE-TOKEN": "abc"}}, "secret_in_plain_text", "PRIVATE-TOKEN"),
        ({"headers": {"A": "{secret:github}"}}, "secret_not_filled_in", "headers"),
        ({"body": "{secret:github}"}, "secret_not_filled_in", "body"),
        ({"json": {"a": ["{secret:github}"]}}, "secret_not_filled_in", "json"),
        ({"secret_headers": "{{params.all}}"}, "secret_headers_not_literal", "secret_headers"),
        ({"secret_headers": {"A": "{{text}}{secret:github}"}}, "value_error", "secret_headers"),
        ({"secret_headers": {"A": "no secret"}}, "value_error", "secret_headers"),
        ({"secret_headers": {"A": "{secret:gone}"}}, "unknown_secret", "A"),
        (
            {"secret_headers": {"A": "{secret:github}"}, "url": "https://evil.example/"},
            "secret_not_for_host",
            "A",
        ),
        (
            {"secret_headers": {"A": "{secret:github}"}, "url": "https://evil.example/{{text}}"},
            "secret_not_for_host",
            "A",
        ),
        ({"query": {"A": "{secret:github}"}}, "secret_not_filled_in", "query"),
        ({"secret_query": "{{params.all}}"}, "secret_query_not_literal", "secret_query"),
        ({"secret_fields": {"A": "{{text}}"}}, "secret_fields_not_literal", "secret_fields"),
        ({"secret_query": {"A": "{{text}}{secret:github}"}}, "value_error", "secret_query"),
        ({"secret_query": {"A": "no secret"}}, "value_error", "secret_query"),
        ({"secret_fields": {"A": "no secret"}}, "value_error", "secret_fields"),
        ({"secret_query": {"A": "{secret:gone}"}}, "unknown_secret", "secret_query.A"),
        ({"secret_fields": {"A": "{secret:gone}"}}, "unknown_secret", "secret_fields.A"),
        (
            {"secret_query": {"A": "{secret:github}"}, "url": "https://evil.example/"},
            "secret_not_for_host",
            "secret_query.A",
        ),
        (
            {"secret_fields": {"A": "{secret:github}"}, "url": "https://evil.example/"},
            "secret_not_for_host",
            "secret_fields.A",
        ),
        ({"secret_fields": {"A": "{secret:github}"}, "json": [1]}, "value_error", ""),
        (
            {"secret_fields": {"A": "{secret:github}"}, "headers": {"Content-Type": "text/plain"}},
            "value_error",
            "",
        ),
        ({"headers": {"Host": "evil.example"}}, "value_error", "headers"),
        ({"headers": {"Content-Length": "1"}}, "value_error", "headers"),
        ({"headers": {"A b": "c"}}, "value_error", "headers"),
        ({"body": "a", "json": {}}, "value_error", ""),
        ({"url": "http://10.0.0.1/"}, "private_address", "url"),
        ({"method": "TRACE"}, "literal_error", "method"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(config: dict[str, Any], code: str, path: str) -> None:
    found = told(**config)
    assert any(one == code and path in where for one, where in found), found
    assert len(found) == len(set(found))
