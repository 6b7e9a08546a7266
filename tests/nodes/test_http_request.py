"""The HTTP node, run as people run it, against a real server of this machine."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Secret, User
from accounts.services.secrets import create_secret
from tests.core.web import Web, web_server
from tests.definitions.graphs import graph
from tests.drills.mortal import events_of, leases_run_out, live_and_die, take_up
from tests.tools.conftest import called, request_for
from tests.tools.recorder import Recorder
from tools.models import ToolCall, ToolSetting
from workflows import validation
from workflows.models import WorkflowExecution

pytestmark = pytest.mark.django_db
VALUE = "s3cret-Value-of-alice"
BEARER = {"Authorization": "Bearer {secret:here}"}
Run = Callable[..., WorkflowExecution]


@pytest.fixture
def web(settings: Any) -> Iterator[Web]:
    settings.CHATTER_EGRESS_ALLOW = ["127.0.0.1", "localhost"]
    reachable = {"reachable": ("127.0.0.1", "localhost")}
    settings.CHATTER_GRAPH_LIMITS = {**settings.CHATTER_GRAPH_LIMITS, **reachable}
    validation._validator.cache_clear()
    with web_server() as server:
        yield server
    validation._validator.cache_clear()


@pytest.fixture
def secret(alice: User) -> Secret:
    return create_secret(owner=alice, name="here", value=VALUE, hosts=["127.0.0.1"])


@pytest.fixture
def start(alice: User, api: Callable[[User], APIClient], built_in: None) -> Run:
    """Start a workflow that is one request and passes on what `output` says."""

    def started(output: str = "{{nodes.ask.text}}", message: str = "hi", **config: Any) -> Any:
        node = {"id": "ask", "type": "http_request", "config": config}
        whole = graph(node)
        whole["nodes"][-1]["config"] = {"output": output}
        body = {"graph": whole, "input": {"message": message}, "mode": "background"}
        answer = api(alice).post("/api/v1/workflows/execute/", body)
        assert answer.status_code == 202, answer.json()
        return WorkflowExecution.objects.get(pk=answer.json()["execution"]["id"])

    return started


@pytest.fixture
def run(start: Run) -> Run:
    def ran(*args: Any, **config: Any) -> WorkflowExecution:
        execution = start(*args, **config)
        take_up()
        execution.refresh_from_db()
        return execution

    return ran


def text_of(execution: WorkflowExecution) -> str:
    assert execution.status == "completed", execution.error
    return str(execution.output["text"])


def error_of(execution: WorkflowExecution) -> tuple[str, str]:
    assert execution.status == "failed"
    return execution.error["code"], execution.error["node"]


def everything_kept() -> str:
    """All rows of all tables, as text."""
    kept = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            kept.append(f"{table}: {cursor.fetchall()!r}")
    return "\n".join(kept)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_a_request_is_sent_as_it_is_written(run: Run, web: Web, method: str) -> None:
    execution = run(
        "{{nodes.ask.status}}",
        "a & b",
        method=method,
        url=web.url("/hello/{{input.message.size()}}"),
        query={"q": "{{input.message}}"},
        headers={"X-Said": "<{{text}}>"},
        body="" if method in ("GET", "HEAD") else "said: {{text}}",
    )
    assert text_of(execution) == "200"
    (asked,) = web.seen
    assert asked[:2] == (method, "/hello/5?q=a+%26+b")
    assert asked[2]["x-said"] == "<a & b>"
    assert asked[3] == (b"" if method in ("GET", "HEAD") else b"said: a & b")
    assert ("idempotency-key" in asked[2]) == (method not in ("GET", "HEAD"))


def test_json_is_sent_and_read_with_its_types(run: Run, web: Web) -> None:
    execution = run(
        "{{nodes.ask.data.items[1] + 1}} {{nodes.ask.headers['content-type']}}",
        method="POST",
        url=web.url("/json/"),
        json={"said": "{{text}}", "n": "{{input.message.size()}}", "deep": [{"x": None}]},
    )
    assert text_of(execution) == "3 application/json"
    (asked,) = web.seen
    assert asked[2]["content-type"] == "application/json"
    assert json.loads(asked[3]) == {"said": "hi", "n": 2, "deep": [{"x": None}]}


def test_json_may_be_as_long_in_every_script(run: Run, web: Web) -> None:
    execution = run("{{size(nodes.ask.data.said)}}", url=web.url("/cyrillic/120000"))
    assert text_of(execution) == "120000"


def test_text_is_what_the_server_said_in_its_character_set(run: Run, web: Web) -> None:
    assert text_of(run(url=web.url("/hello/"))) == "Grüße"


@pytest.mark.parametrize(
    ("path", "config", "code"),
    [
        ("/status/500", {}, "http_status"),
        ("/status/404", {}, "http_status"),
        ("/to/http://10.0.0.1/", {}, "egress_address_refused"),
        ("/to/http://169.254.169.254/latest/", {}, "egress_address_refused"),
        ("/round/", {}, "egress_too_many_redirects"),
        ("/endless/", {"max_bytes": 1_000}, "egress_too_large"),
        ("/slow/", {"timeout_s": 0.2}, "egress_timed_out"),
        ("/hello/", {"expect": "json"}, "http_not_json"),
        ("/binary/", {}, "tool_failed"),
        ("/hello/", {"headers": {"X-Said": "{{input.message + '\\n' + text}}"}}, None),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_node(
    run: Run, web: Web, path: str, config: dict[str, Any], code: str | None
) -> None:
    execution = run(url=web.url(path), **config)
    assert error_of(execution) == (code or "invalid_arguments", "ask")
    assert ToolCall.objects.get(origin=execution.origin).attempt == 1


def test_an_error_of_the_server_may_be_an_answer(run: Run, web: Web) -> None:
    execution = run(
        "{{nodes.ask.status}}: {{nodes.ask.text}}",
        url=web.url("/status/500"),
        expect="json",
        fail_on_status=False,
    )
    assert text_of(execution) == "500: no"


def test_a_secret_reaches_its_host_and_nothing_that_is_kept(
    run: Run, web: Web, secret: Secret, caplog: Any
) -> None:
    with caplog.at_level(logging.DEBUG):
        execution = run(url=web.url("/echo/"), secret_headers=BEARER, expect="json")
    assert web.seen[0][2]["authorization"] == f"Bearer {VALUE}"
    assert '"authorization": "Bearer ***"' in text_of(execution)
    call = ToolCall.objects.get(origin=execution.origin)
    assert call.arguments["secret_headers"] == BEARER
    assert call.data["headers"]["etag"] == "Bearer ***"
    assert "{secret:here}" in json.dumps(events_of(execution))
    kept = everything_kept()
    assert "Bearer ***" in kept
    assert VALUE not in kept
    assert VALUE not in caplog.text
    secret.refresh_from_db()
    assert secret.last_used_at


@pytest.mark.parametrize("name", ["X-Key", "User-Agent", "Accept-Language", "accept"])
def test_a_secret_is_not_taken_along_to_another_host(
    run: Run, web: Web, secret: Secret, name: str
) -> None:
    elsewhere = web.url("/echo/", host="localhost")
    headers = {**BEARER, name: "{secret:here}"}
    text_of(run(url=web.url(f"/keep/{elsewhere}"), secret_headers=headers))
    assert [VALUE in asked[2].get(name.lower(), "") for asked in web.seen] == [True, False]
    assert VALUE not in repr(web.seen[1])
    assert web.seen[1][2]["host"].startswith("localhost")


ODD = """a"b'c <s3>/+&=%41~!(x)*"""
ANYWHERE = [
    {"secret_headers": {"X-Key": "{secret:here}"}},
    {"secret_query": {"key": "{secret:here}"}},
    {"secret_fields": {"key": "{secret:here}"}, "method": "POST"},
    {"secret_fields": {"key": "{secret:here}"}, "method": "POST", "json": {"q": "{{text}}"}},
]


@pytest.mark.parametrize("value", [VALUE, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("path", ["/echo/", "/to/"])
def test_a_secret_of_the_address_reaches_its_host_and_nothing_that_is_kept(
    run: Run, web: Web, alice: User, caplog: Any, value: str, path: str
) -> None:
    """Also where the server sends it on to itself, as it was or as it writes it."""
    create_secret(owner=alice, name="here", value=value, hosts=["127.0.0.1"])
    query = {"q": "{{text}}", "key": "what a run says"}
    url = web.url(path + (web.url("/echo/") if path == "/to/" else ""))
    secret = {"key": "{secret:here}"}
    with caplog.at_level(logging.DEBUG):
        execution = run(
            "{{nodes.ask.text}} {{nodes.ask.data.path}}", url=url, query=query, secret_query=secret
        )
    sent = parse_qs(urlsplit(web.seen[0][1]).query)
    assert (sent["q"], sent["key"]) == (["hi"], [value])
    assert ("***" in text_of(execution)) == (path == "/echo/" or len(web.seen[-1][1]) > len(path))
    call = ToolCall.objects.get(origin=execution.origin)
    assert call.arguments["secret_query"] == secret
    assert_nowhere(value, caplog)


@pytest.mark.parametrize("value", [VALUE, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_a_secret_of_the_body_reaches_its_host_and_nothing_that_is_kept(
    run: Run, web: Web, alice: User, caplog: Any, value: str, form: bool
) -> None:
    create_secret(owner=alice, name="here", value=value, hosts=["127.0.0.1"])
    rest = {"body": "a={{text}}&a=2&key=x"} if form else {"json": {"a": "{{text}}", "key": "x"}}
    fields = {"key": "<{secret:here}>"}
    with caplog.at_level(logging.DEBUG):
        execution = run(
            "a & b: {{nodes.ask.text}}", method="POST", url=web.url("/echo/"),
            secret_fields=fields, **rest,
        )  # fmt: skip
    *_, headers, body = web.seen[0]
    if form:
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert parse_qs(body.decode()) == {"a": ["hi", "2"], "key": [f"<{value}>"]}
    else:
        assert headers["content-type"] == "application/json"
        assert json.loads(body) == {"a": "hi", "key": f"<{value}>"}
    assert "***" in text_of(execution)
    assert ToolCall.objects.get(origin=execution.origin).arguments["secret_fields"] == fields
    assert_nowhere(value, caplog)


@pytest.mark.parametrize("path", ["/typed/", "/named/"])
def test_a_server_does_not_make_an_error_tell_a_secret_in_small_letters(
    run: Run, web: Web, secret: Secret, caplog: Any, path: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        execution = run(url=web.url(path), secret_headers={"X-Key": "{secret:here}"})
    assert "***" in execution.error["message"]
    assert VALUE.lower() not in f"{everything_kept()} {caplog.text}".lower()


def assert_nowhere(value: str, caplog: Any) -> None:
    kept = everything_kept()
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    for form in {*forms, *(json.dumps(one)[1:-1] for one in forms)}:
        assert form not in kept
        assert form not in caplog.text


def test_a_body_is_a_form_of_nothing_but_its_secret(run: Run, web: Web, secret: Secret) -> None:
    text_of(run(method="POST", url=web.url("/hello/"), secret_fields={"key": "{secret:here}"}))
    assert web.seen[0][3] == f"key={VALUE}".encode()


@pytest.mark.parametrize("config", ANYWHERE)
def test_a_secret_goes_anywhere_but_to_its_hosts_nowhere(
    run: Run, web: Web, secret: Secret, config: dict[str, Any]
) -> None:
    execution = run(message=web.url("/echo/", host="localhost"), url="{{text}}", **config)
    assert error_of(execution) == ("secret_not_for_host", "ask")
    assert web.seen == []


@pytest.mark.parametrize("config", ANYWHERE)
def test_no_secret_is_sent_in_the_clear(
    run: Run, alice: User, web: Web, config: dict[str, Any]
) -> None:
    create_secret(owner=alice, name="here", value=VALUE, hosts=["api.example.com"])
    execution = run(message="http", url="{{text}}://api.example.com/", **config)
    assert error_of(execution) == ("secret_needs_https", "ask")


@pytest.mark.parametrize("config", ANYWHERE[2:])
def test_a_body_with_a_secret_is_not_taken_along_to_another_host(
    run: Run, web: Web, secret: Secret, config: dict[str, Any]
) -> None:
    elsewhere = web.url("/echo/", host="localhost")
    execution = run(url=web.url(f"/keep/{elsewhere}"), **config)
    assert error_of(execution) == ("egress_redirect_refused", "ask")
    assert [asked[2]["host"].split(":")[0] for asked in web.seen] == ["127.0.0.1"]
    assert VALUE not in everything_kept()


def test_a_redirect_that_asks_anew_goes_on_without_the_body(
    run: Run, web: Web, secret: Secret
) -> None:
    elsewhere = web.url("/hello/", host="localhost")
    text_of(run(url=web.url(f"/to/{elsewhere}"), **ANYWHERE[2]))
    assert [asked[0] for asked in web.seen] == ["POST", "GET"]
    assert VALUE not in repr(web.seen[1])


def test_json_without_fields_takes_no_secret(run: Run, web: Web, secret: Secret) -> None:
    execution = run(
        method="POST", url=web.url("/hello/"), json="{{text}}",
        secret_fields={"key": "{secret:here}"},
    )  # fmt: skip
    assert error_of(execution) == ("http_no_fields", "ask")
    assert web.seen == []


@pytest.mark.parametrize("to", ["{{text}}", "http://{{text}}/"])
def test_a_secret_goes_to_none_but_its_hosts_whatever_a_run_says(
    run: Run, web: Web, secret: Secret, to: str
) -> None:
    said = web.url("/echo/", host="localhost")
    execution = run(
        message=said if to == "{{text}}" else f"localhost:{web.port}",
        url=to,
        secret_headers=BEARER,
    )
    assert error_of(execution) == ("secret_not_for_host", "ask")
    assert web.seen == []


def test_a_secret_is_not_sent_in_the_clear_over_the_internet(
    run: Run, alice: User, web: Web
) -> None:
    create_secret(owner=alice, name="there", value=VALUE, hosts=["api.example.com"])
    execution = run(
        message="http",
        url="{{text}}://api.example.com/",
        secret_headers={"X-Key": "{secret:there}"},
    )
    assert error_of(execution) == ("secret_needs_https", "ask")


def test_what_a_run_says_never_names_a_secret(run: Run, web: Web, secret: Secret) -> None:
    text_of(
        run(
            message="{secret:here}",
            url=web.url("/hello/"),
            headers={"X-Said": "{{text}}"},
            method="POST",
            body="{{text}}",
        )
    )
    assert web.seen[0][2]["x-said"] == "{secret:here}"
    assert VALUE not in repr(web.seen)


def test_the_secrets_are_those_of_whom_the_run_belongs_to(
    web: Web, secret: Secret, charlie: User, api: Callable[[User], APIClient]
) -> None:
    config = {"url": web.url("/echo/"), "secret_headers": BEARER}
    body = {"graph": graph({"id": "ask", "type": "http_request", "config": config})}
    refused = api(charlie).post("/api/v1/workflows/execute/", body)
    assert refused.status_code == 400
    assert [issue["code"] for issue in refused.json()["detail"]["errors"]] == ["unknown_secret"]
    assert web.seen == []


def test_one_that_was_deleted_meanwhile_fails_the_node(
    start: Run, web: Web, secret: Secret
) -> None:
    execution = start(url=web.url("/echo/"), secret_headers=BEARER)
    Secret.objects.all().delete()
    take_up()
    execution.refresh_from_db()
    assert error_of(execution) == ("unknown_secret", "ask")


def test_an_administrator_can_switch_it_off(
    start: Run, web: Web, alice: User, api: Callable[[User], APIClient]
) -> None:
    execution = start(url=web.url("/hello/"))
    ToolSetting.objects.update_or_create(tool="http_request", defaults={"enabled": False})
    take_up()
    execution.refresh_from_db()
    assert error_of(execution) == ("tool_disabled", "ask")
    assert web.seen == []
    issues = api(alice).post("/api/v1/workflows/validate/", execution.version.graph).json()
    assert "tool_not_usable" in [issue["code"] for issue in issues["issues"]]


@pytest.mark.parametrize("commits", range(6))
def test_wherever_a_process_dies_a_finished_request_is_not_sent_again(
    start: Run, web: Web, commits: int
) -> None:
    execution = start(method="POST", url=web.url("/hello/"), body="{{text}}")
    live_and_die(after_commits=commits)
    leases_run_out()
    finished = ToolCall.objects.filter(status="succeeded").count()
    sent = len(web.seen)
    take_up()
    execution.refresh_from_db()
    assert text_of(execution) == "Grüße"
    assert len(web.seen) == (sent if finished else sent + 1)
    assert len({asked[2]["idempotency-key"] for asked in web.seen}) == 1


def test_a_request_cut_in_the_middle_is_sent_again_with_the_same_key(start: Run, web: Web) -> None:
    execution = start(method="POST", url=web.url("/hold/"), body="pay")
    assert live_and_die(lambda: bool(web.seen))
    web.held.set()
    take_up()
    execution.refresh_from_db()
    assert text_of(execution) == "at last"
    first, second = web.seen
    assert first[2]["idempotency-key"] == second[2]["idempotency-key"]
    calls = ToolCall.objects.filter(origin=execution.origin).order_by("attempt")
    assert [call.status for call in calls] == ["lost", "succeeded"]


def test_no_model_can_call_what_the_node_calls(
    api: Callable[[User], APIClient], alice: User, built_in: None
) -> None:
    client = api(alice)
    listed = [tool["key"] for tool in client.get("/api/v1/tools/").json()["results"]]
    assert "http_get" in listed
    assert "http_request" not in listed
    tried = client.post("/api/v1/tools/http_request/call/", {"arguments": {"url": "https://x.y/"}})
    assert (tried.status_code, tried.json()["code"]) == (404, "tool_not_found")
    bound = graph({"id": "model", "type": "model", "config": {"tools": ["http_request"]}})
    issues = client.post("/api/v1/workflows/validate/", bound).json()["issues"]
    assert "unknown_tool" in [issue["code"] for issue in issues]
    asked = request_for("http_request", alice, arguments={"url": "https://x.y/"})
    assert called(asked, Recorder()).error == "unknown_tool"
