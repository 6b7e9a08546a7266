"""One id per request: in the answer, the log, the context."""

import logging

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from audit.context import RequestContext, current
from audit.middleware import request_context

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(caplog):
    """The log lines of requests, as the renderer gets them."""
    caplog.set_level(logging.INFO, logger="audit.middleware")
    return lambda: [one.msg for one in caplog.records if one.name == "audit.middleware"]


def test_an_answer_carries_the_id_the_caller_chose(client):
    answer = client.get("/login/", headers={"X-Request-ID": "my-id_1.2"})
    assert answer.headers["X-Request-ID"] == "my-id_1.2"


@pytest.mark.parametrize("proposed", ["", "two words", "x" * 65, "line\nbreak", "<script>", "é"])
def test_an_id_that_is_no_plain_token_is_replaced(proposed):
    request = RequestFactory().get("/", headers={"X-Request-ID": proposed})
    answer = request_context(lambda _: HttpResponse())(request)
    given = answer.headers["X-Request-ID"]
    assert given != proposed
    assert len(given) == 32
    assert given == request.request_id


def test_an_error_of_the_api_names_the_request(client):
    answer = client.get("/api/v1/auth/me/", headers={"X-Request-ID": "my-id"})
    assert answer.status_code == 401
    assert answer.json()["request_id"] == "my-id"


def test_a_request_is_one_line_in_the_log_without_its_query(client, logged):
    client.get("/login/?next=/secret/", headers={"X-Request-ID": "my-id"})
    (line,) = logged()
    assert (line["event"], line["method"], line["path"]) == ("request.answered", "GET", "/login/")
    assert (line["status"], line["request_id"]) == (200, "my-id")
    assert line["ms"] >= 0


def test_the_log_names_a_user_who_was_recognised(api, alice, logged):
    api(alice).get("/api/v1/auth/me/")
    assert logged()[-1]["user"] == str(alice.pk)


def test_nothing_of_a_request_is_known_after_it(client):
    client.get("/login/", headers={"X-Request-ID": "my-id"})
    assert current() == RequestContext()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (3, "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (1, "", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::9]:4711", "2001:db8::9"),
        (1, "[2001:db8::9]", "2001:db8::9"),
        (1, "2001:db8::9", "2001:db8::9"),
        (1, "[::ffff:203.0.113.9]:4711", "203.0.113.9"),
    ],
)
def test_the_address_is_what_the_nearest_trusted_proxy_saw(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    seen = []

    def view(request):
        seen.append(current().address)
        return HttpResponse()

    request_context(view)(RequestFactory().get("/", headers={"X-Forwarded-For": forwarded}))
    assert seen == [address]


def test_an_asynchronous_request_never_waits_for_a_thread():
    async def view(request):
        seen.append(current())
        return HttpResponse()

    seen = []
    request = RequestFactory().get("/", headers={"X-Request-ID": "my-id"})
    answering = request_context(view)(request)
    with pytest.raises(StopIteration) as done:
        answering.send(None)  # one step, to the end: it never gave the loop a reason to wait
    assert done.value.value.headers["X-Request-ID"] == "my-id"
    assert seen == [RequestContext("my-id", None, "127.0.0.1")]
    assert current() == RequestContext()


def test_a_stream_is_written_under_the_id_of_its_request():
    async def scenario():
        async def body():
            yield current().request_id

        async def view(request):
            return StreamingHttpResponse(body())

        request = RequestFactory().get("/", headers={"X-Request-ID": "my-id"})
        answer = await request_context(view)(request)
        return [part async for part in answer]

    assert async_to_sync(scenario)() == [b"my-id"]


def test_a_request_that_is_given_up_is_logged_as_such(logged):
    def view(request):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        request_context(view)(RequestFactory().get("/slow/"))
    (line,) = logged()
    assert (line["event"], line["status"], line["path"]) == ("request.left", 499, "/slow/")


def test_a_failing_view_is_answered_with_its_id():
    answer = Client(raise_request_exception=False).get(
        "/no/such/page/", headers={"X-Request-ID": "my-id"}
    )
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (404, "my-id")
